"""What the tests of the zoo share: the packaged models, small files of every sort, onnxruntime."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import pytest

from geoid import packaged
from geoid.core.models import ModelCard
from geoid.zoo.building import build_model
from geoid.zoo.cards import read_card
from geoid.zoo.library import Library

sys.path.insert(0, str(Path(__file__).parent))

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


def answer(path: Path, pixels: np.ndarray) -> np.ndarray:
    """Run an ONNX file as wiring does."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: pixels})[0]


@pytest.fixture(name="models", scope="session")
def _models() -> Path:
    return packaged.folder("models")


@pytest.fixture(name="run", scope="session")
def _run() -> Any:
    return answer


@pytest.fixture(name="built", scope="session")
def _built(models: Path) -> Any:
    """A function that builds a packaged model once a session."""
    kept: dict[str, tuple[ModelCard, bytes]] = {}

    def build(name: str) -> tuple[ModelCard, bytes]:
        if name not in kept:
            card = read_card(models / f"{name}.json")
            kept[name] = card, build_model(card, models)
        return kept[name]

    return build


@pytest.fixture(name="library")
def _library(models: Path, tmp_path: Path) -> Library:
    return Library((models, tmp_path / "added"), tmp_path / "cache")


@pytest.fixture(name="shelf")
def _shelf(tmp_path: Path) -> Path:
    """A folder with a table of taxa, a label file, a card and something in place of an ONNX file."""
    folder = tmp_path / "shelf"
    folder.mkdir()
    (folder / "taxa.tsv").write_text(TAXA, encoding="utf-8")
    (folder / "birds.tsv").write_text(LABELS, encoding="utf-8")
    (folder / "birds.json").write_text(json.dumps(CARD), encoding="utf-8")
    (folder / "birds.onnx").write_bytes(b"three classes")
    return folder
