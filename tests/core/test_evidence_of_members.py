"""A model may know a higher taxon only: its evidence is that of all its members in the release."""

from __future__ import annotations

import pytest

from geoid.core.evidence import match, weigh
from geoid.core.features import Features, Flag, records_of, weight_of
from geoid.core.releases import ReleaseTaxon

NEVER, ALWAYS, RANGE = bytes(12), bytes([255] * 12), int(Flag.RANGE)


def cell(resolution: int, records: dict[int, tuple[int, bytes, int]], weight: float = 0.0) -> Features:
    """A cell of records by taxon number: weight of the year, of the months, flags."""
    return Features(resolution, records_of((taxon, *record) for taxon, record in records.items()), int(weight), weight)


def seen(count: int) -> tuple[int, bytes, int]:
    """A record of so many occurrences without a month."""
    return weight_of(count), NEVER, 0


def members() -> tuple[ReleaseTaxon, ...]:
    """Two ladybirds, which a model knows as Coccinellidae only, and an ant of its own."""
    above = {"order": "Coleoptera", "family": "Coccinellidae"}
    names = ("Adalia bipunctata", "Coccinella septempunctata")
    beetles = [
        ReleaseTaxon(number, name.lower().replace(" ", "-"), name, None, "species", {**above, "species": name}, 0, 10)
        for number, name in enumerate(names)
    ]
    return (*beetles, ReleaseTaxon(2, "ant", "Ant", None, "species", {"species": "Ant"}, 0, 20))


def test_a_higher_taxon_of_the_model_has_the_evidence_of_all_its_members() -> None:
    found = match(("ant", "coccinellidae"), members())
    assert found.model_of.tolist() == [1, 1, 0]
    assert found.shares.tolist() == [0.5, 0.5]
    here = cell(5, {0: seen(7), 1: seen(15), 2: seen(22)}, 44)
    evidence = weigh([here], found, None)
    assert evidence.scores.tolist() == pytest.approx([1.0, 1.0], rel=0.05)  # 22 records each


def test_of_several_ranges_of_members_the_best_one_counts() -> None:
    present, beside = (255, ALWAYS, RANGE), (255, ALWAYS, RANGE | int(Flag.TOUCHES))
    for rows in ({0: present, 1: beside}, {0: beside, 1: present}):
        evidence = weigh([cell(3, rows)], match(("ant", "coccinellidae"), members()), None)
        assert evidence.scores.tolist() == [0.0, 1.0]
