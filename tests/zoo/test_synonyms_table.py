"""The table of synonyms that ships with geoid: every line leads to a taxon of the table of taxa."""

from __future__ import annotations

import re
from pathlib import Path

MODELS = Path(__file__).parents[2] / "models"
LINES = [line for line in (MODELS / "synonyms.tsv").read_text("utf-8").splitlines() if not line.startswith("#")]
ROWS = [line.split("\t") for line in LINES[1:]]
TAXA = {line.split("\t")[0] for line in (MODELS / "taxa.tsv").read_text("utf-8").splitlines()[1:]}


def test_the_table_has_its_columns_and_is_sorted_without_doubles():
    assert LINES[0].split("\t") == ["name", "accepted_name", "basis"]
    assert all(len(row) == 3 and all(cell == cell.strip() and cell for cell in row) for row in ROWS)
    names = [row[0] for row in ROWS]
    assert names == sorted(set(names))


def test_every_accepted_name_is_a_taxon_and_no_synonym_is():
    assert {row[1] for row in ROWS} <= TAXA
    assert not {row[0] for row in ROWS} & TAXA


def test_names_are_names_of_species():
    assert all(re.fullmatch(r"[A-Z][a-z]+ [a-z]+( [a-z]+)?", row[0]) for row in ROWS)
