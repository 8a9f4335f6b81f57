"""A table of taxa, a label file and a card, each as small as can be."""

from __future__ import annotations

from typing import Any

TAXA = """scientific_name\trank\tparent\tcommon_names
Animalia\tkingdom\t\ten:animals|de:Tiere
Chordata\tphylum\tAnimalia\t
Aves\tclass\tChordata\ten:birds|de:Vögel
Passeriformes\torder\tAves\t
Corvidae\tfamily\tPasseriformes\ten:crows
Garrulus\tgenus\tCorvidae\t
Garrulus glandarius\tspecies\tGarrulus\ten:Eurasian jay|de:Eichelhäher
Cyanocitta\tgenus\tCorvidae\t
Cyanocitta cristata\tspecies\tCyanocitta\ten:blue jay
"""

LABELS = """index\twordnet_id\tlabel\tkind\ttaxa
0\tn01580077\tjay\twild\tGarrulus glandarius; Cyanocitta cristata
1\tn01503061\tbird\twild\tAves
2\tn02123045\tteapot\tnone\t
"""

CARD: dict[str, Any] = {
    "format": 1,
    "name": "birds",
    "title": "Birds",
    "summary": "Three classes.",
    "licence": "CC0-1.0",
    "source": "made for a test",
    "training_data": "none",
    "labels": "birds.tsv",
    "input": {"size": 8, "resize": 9},
    "output": {"classes": 3},
    "sha256": "",
}
