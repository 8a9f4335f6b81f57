"""Area packs as sources: ranges and counts apart, values that cells share, overflow, damage."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from geoid.adapters.pack_files import write_pack
from geoid.adapters.sqlite import AreaPack
from geoid.core.features import Features, Flag, encode, records_of
from geoid.core.releases import Contents, Kind, Release, ReleaseTaxon, TaxonFlag
from geoid.errors import AreaDataError, NewerFormatError
from geoid.seeding.pack_sources import read_pack

STARTER = Path(__file__).parents[2] / "fixtures" / "areas" / "starter.areas"
CELLS = (0x837A6EFFFFFFFFF, 0x837A69FFFFFFFFF)
NO_MONTHS = bytes(12)


def taxon(number: int, name: str, occurrences: int = 0, flags: int = 0) -> ReleaseTaxon:
    genus = name.split(maxsplit=1)[0]
    key = name.lower().replace(" ", "-")
    return ReleaseTaxon(number, key, name, f"the {name}", "species", {"genus": genus}, flags, occurrences)


TAXA = (
    taxon(0, "Canis familiaris", flags=TaxonFlag.WORLDWIDE),
    taxon(1, "Loxodonta africana", 7),
    taxon(2, "Panthera leo", 3),
    taxon(3, "Puma concolor"),
)


def value(rows, occurrences: int = 0) -> bytes:
    return encode(Features(3, records_of(rows), occurrences, float(occurrences))).value


COUNTED = [(1, 24, NO_MONTHS, 0), (2, 16, NO_MONTHS, int(Flag.INTRODUCED))]
RANGED = [(2, 255, bytes([255] * 12), int(Flag.RANGE)), (3, 255, bytes([255] * 12), int(Flag.RANGE | Flag.TOUCHES))]


@pytest.fixture(name="pack")
def _pack(tmp_path):
    def pack(kind: Kind, cells, taxa=TAXA, overflow=None) -> AreaPack:
        path = tmp_path / "some.areas"
        places = tuple(CELLS[:1] for _ in taxa)
        write_pack(Contents("some", kind, taxa, places, cells, overflow or {}, "a table", "CC0-1.0; MIT"), path)
        return AreaPack(path)

    return pack


def test_ranges_and_counts_of_a_mixed_pack_are_told_apart(pack) -> None:
    ranges, counted = read_pack(pack(Kind.MIXED, {CELLS[0]: value(COUNTED + RANGED, 10), CELLS[1]: value(RANGED)}))
    assert [taxon.name for taxon in ranges.taxa] == ["Canis familiaris", "Panthera leo", "Puma concolor"]
    assert [taxon.name for taxon in counted.taxa] == ["Loxodonta africana", "Panthera leo"]
    assert counted.occurrences == [7, 3]
    assert counted.totals == {CELLS[0]: 10}
    assert sorted(zip(ranges.cells.tolist(), ranges.records["taxon"].tolist(), strict=True)) == sorted(
        (cell, number) for cell in CELLS for number in (1, 2)
    )
    assert counted.cells.tolist() == [CELLS[0]] * 2
    assert counted.records[["taxon", "year", "flags"]].tolist() == [(0, 24, 0), (1, 16, int(Flag.INTRODUCED))]
    assert set((ranges.records["flags"] & Flag.RANGE).tolist()) == {int(Flag.RANGE)}


def test_a_pack_says_where_its_data_is_from(pack) -> None:
    ranges, counted = read_pack(pack(Kind.MIXED, {CELLS[0]: value(COUNTED + RANGED, 10)}))
    assert (ranges.name, ranges.kind, ranges.licence) == ("some", "pack", "CC0-1.0; MIT")
    assert (counted.name, counted.licence) == ("some", "CC0-1.0; MIT")
    assert ranges.remarks == ("made of a table",)


def test_taxa_keep_their_names_lineages_and_flags(pack) -> None:
    ranges, _ = read_pack(pack(Kind.MIXED, {CELLS[0]: value(COUNTED + RANGED, 10)}))
    dog, lion, _ = ranges.taxa
    assert (dog.flags, dog.key, dog.rank) == (TaxonFlag.WORLDWIDE, "canis-familiaris", "species")
    assert (lion.common_name, lion.lineage) == ("the Panthera leo", {"genus": "Panthera"})


def test_a_pack_of_one_kind_is_a_source_of_that_kind_only(pack) -> None:
    taxa = (TAXA[0], taxon(1, "Lynx lynx"), taxon(2, "Panthera leo"), TAXA[3])
    ranges, counted = read_pack(pack(Kind.RANGES, {CELLS[0]: value(RANGED)}, taxa))
    assert counted is None
    assert len(ranges.taxa) == 4
    taxa = (taxon(0, "Canis lupus", 1), *TAXA[1:3])
    ranges, counted = read_pack(pack(Kind.OCCURRENCES, {CELLS[0]: value(COUNTED, 10)}, taxa))
    assert ranges is None
    assert [one.name for one in counted.taxa] == ["Canis lupus", "Loxodonta africana", "Panthera leo"]


def test_what_did_not_fit_into_a_value_is_read_too(pack) -> None:
    cells, overflow = {CELLS[0]: value(COUNTED[:1], 10)}, {CELLS[0]: value(COUNTED[1:], 10)}
    _, counted = read_pack(pack(Kind.OCCURRENCES, cells, TAXA, overflow))
    assert counted.cells.tolist() == [CELLS[0]] * 2
    assert counted.totals == {CELLS[0]: 10}


def test_a_pack_without_cells_has_taxa_all_the_same(pack) -> None:
    ranges, counted = read_pack(pack(Kind.RANGES, {}, TAXA[:1]))
    assert counted is None
    assert (len(ranges.taxa), len(ranges.cells), len(ranges.records)) == (1, 0, 0)


class Rows:
    """A pack of given rows."""

    release, size = Release("some", Kind.RANGES, "0"), 0

    def __init__(self, **tables) -> None:
        self.tables = {"taxa": [], "cells": [], "overflow": [], **tables}
        self.meta = {"sources": "", "licences": ""}

    def rows(self, table: str):
        return iter(self.tables[table])


@pytest.mark.parametrize("damage", [b"", b"nonsense" * 5, value(RANGED)[:-1], value(RANGED)])
def test_a_value_that_is_damaged_is_refused_with_its_cell(damage) -> None:
    with pytest.raises(AreaDataError, match="some: cell 837a6effffffff"):
        read_pack(Rows(cells=[(CELLS[0], damage)]))


def test_a_value_of_a_newer_geoid_is_said_to_be_newer() -> None:
    newer = value(RANGED)[:2] + bytes([9]) + value(RANGED)[3:]
    with pytest.raises(NewerFormatError):
        read_pack(Rows(cells=[(CELLS[0], newer)]))


def test_a_taxon_that_is_damaged_is_refused() -> None:
    with pytest.raises(AreaDataError, match="some: a taxon cannot be read"):
        read_pack(Rows(taxa=[(0, "a-b", "A b", None, "species", "{", 0, 0, b"")]))


def test_the_starter_release_is_a_source_of_ranges() -> None:
    pack = AreaPack(STARTER)
    ranges, counted = read_pack(pack)
    assert counted is None
    assert len(ranges.taxa) == pack.count("taxa")
    assert len(np.unique(ranges.cells)) == pack.count("cells")
    assert ranges.licence == pack.meta["licences"]
    assert int(ranges.records["taxon"].max()) < len(ranges.taxa)
