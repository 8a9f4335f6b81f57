"""The species list of a place: what is in it, what is left out, and why."""

from __future__ import annotations

import h3
import numpy as np
import pytest
from tables import TableCache, TableReleases, TableStore, release_of

from geoid.core.areas import Areas, Behind, open_areas
from geoid.core.features import Features, Flag, encode, records_of, weight_of
from geoid.core.local_list import ALL_YEAR, local_list, within
from geoid.core.places import cells_around
from geoid.core.predictions import LocalStatus, NarrowingStatus
from geoid.core.releases import Contents, Kind, ReleaseTaxon, TaxonFlag
from geoid.core.values import Coordinates
from geoid.errors import UnavailableError

LONDON = Coordinates(51.5, -0.125)
HERE = {h3.get_resolution(cell): int(cell, 16) for cell in cells_around(LONDON)}
NAMES = ("ant", "bee", "cat", "doe", "eel", "fly", "gnu", "hen")
ANT, BEE, CAT, DOE, EEL, FLY, GNU, HEN = range(8)
FLAGS = {CAT: TaxonFlag.DOMESTIC, FLY: TaxonFlag.WORLDWIDE, HEN: TaxonFlag.DOUBTFUL}
YEAR = bytes([255] * 12)
SUMMER = bytes(255 if 4 <= month <= 9 else 0 for month in range(1, 13))
RANGE = int(Flag.RANGE)


def areas(cells: dict[int, bytes], kind: Kind = Kind.RANGES, overflow=None, keys=("ant", "fly")) -> Areas:
    lineage = {"class": "Insecta", "order": "Hymenoptera"}
    taxa = tuple(
        ReleaseTaxon(number, name, name, None, "species", {**lineage, "species": name}, FLAGS.get(number, 0))
        for number, name in enumerate(NAMES)
    )
    contents = Contents("first", kind, taxa, ((),) * len(taxa), cells, overflow or {}, "", "")
    return open_areas(Behind(TableStore(contents), TableReleases(release_of(contents)), TableCache()), keys)


def cell(resolution: int, *rows: tuple[int, bytes, int], weight: float = 0.0) -> bytes:
    records = records_of((taxon, 255, months, flags) for taxon, months, flags in rows)
    return encode(Features(resolution, records, weight=weight)).value


RANGES = areas(
    {
        HERE[3]: cell(
            3,
            (ANT, YEAR, RANGE),
            (BEE, SUMMER, RANGE | Flag.MIGRANT),
            (DOE, YEAR, RANGE | Flag.TOUCHES),
            (EEL, YEAR, RANGE | Flag.INTRODUCED),
            (HEN, YEAR, RANGE),
        )
    }
)


@pytest.mark.parametrize(
    ("name", "status", "score", "months", "source"),
    [
        ("ant", LocalStatus.EXPECTED, 1.0, ALL_YEAR, "area"),
        ("bee", LocalStatus.OUT_OF_SEASON, 0.3, (4, 5, 6, 7, 8, 9), "area"),
        ("cat", LocalStatus.DOMESTIC, None, ALL_YEAR, "domestic"),
        ("doe", LocalStatus.NEAR, 0.3, ALL_YEAR, "area"),
        ("eel", LocalStatus.INTRODUCED, 1.0, ALL_YEAR, "area"),
        ("fly", LocalStatus.EXPECTED, 1.0, ALL_YEAR, "worldwide"),
        ("gnu", LocalStatus.NOT_RECORDED, 0.0, (), "area"),
        ("hen", LocalStatus.UNKNOWN, None, ALL_YEAR, "area"),
    ],
)
def test_each_taxon_has_its_status_and_what_says_so(name, status, score, months, source) -> None:
    (found,) = (one for one in local_list(RANGES, LONDON, 12).taxa if one.taxon.key == name)
    assert (found.status, found.geo_score, found.months, found.source) == (status, score, months, source)


@pytest.mark.parametrize(
    ("month", "included"),
    [(12, ["ant", "eel", "fly", "cat"]), (6, ["ant", "bee", "eel", "fly", "cat"]), (None, None)],
)
def test_what_is_to_be_expected_is_included_and_everything_else_excluded(month, included) -> None:
    listed = local_list(RANGES, LONDON, month).taxa
    wanted = included or ["ant", "bee", "eel", "fly", "cat"]
    assert [one.taxon.key for one in listed if one.included] == wanted
    assert sorted(one.taxon.key for one in listed) == list(NAMES)


def test_the_list_is_in_the_order_of_scores_and_then_keys() -> None:
    order = [(-(one.geo_score or 0), one.taxon.key) for one in local_list(RANGES, LONDON, 12).taxa]
    assert order == sorted(order)


def test_the_list_says_which_cell_and_how_much_the_model_knows() -> None:
    found = local_list(RANGES, LONDON, None)
    assert found.cell == cells_around(LONDON)[0]
    assert (found.narrowing.status, found.narrowing.release) == (NarrowingStatus.APPLIED, "first")
    assert (found.narrowing.species_here, found.narrowing.known_to_model) == (5, 2)


def test_a_place_without_data_lists_what_holds_everywhere() -> None:
    found = local_list(RANGES, Coordinates(0, 0), None)
    assert [one.taxon.key for one in found.taxa if one.included] == ["fly", "cat"]
    assert found.narrowing.status is NarrowingStatus.NO_DATA_HERE


def test_the_months_are_those_of_the_finest_record() -> None:
    made = areas({HERE[2]: cell(2, (ANT, YEAR, RANGE)), HERE[3]: cell(3, (ANT, SUMMER, RANGE | Flag.MIGRANT))})
    (ant,) = (one for one in local_list(made, LONDON, None).taxa if one.taxon.key == "ant")
    assert ant.months == (4, 5, 6, 7, 8, 9)


def test_records_without_months_are_of_the_whole_year() -> None:
    made = areas({HERE[3]: cell(3, (ANT, bytes(12), 0), weight=1)}, Kind.OCCURRENCES)
    (ant,) = (one for one in local_list(made, LONDON, 6).taxa if one.taxon.key == "ant")
    assert (ant.months, ant.status) == (ALL_YEAR, LocalStatus.EXPECTED)


def test_what_overflowed_is_listed_as_if_it_had_not() -> None:
    rows = [(number, weight_of(200 - 20 * number), bytes(12), 0) for number in range(6)]
    whole = Features(3, records_of(rows), 900, 900.0)
    short = encode(whole, limit=24 + 3 * 20)
    wanted = local_list(areas({HERE[3]: encode(whole).value}, Kind.OCCURRENCES), LONDON, None)
    cut = areas({HERE[3]: short.value}, Kind.OCCURRENCES, {HERE[3]: short.overflow})
    found = local_list(cut, LONDON, None)
    assert [one.taxon.key for one in found.taxa] == [one.taxon.key for one in wanted.taxa]
    for one, other in zip(found.taxa, wanted.taxa, strict=True):
        assert one._replace(geo_score=0) == other._replace(geo_score=0)
        assert np.isclose(one.geo_score or 0, other.geo_score or 0)
    assert found.narrowing.species_here == wanted.narrowing.species_here


def test_a_store_that_does_not_answer_is_an_error_here() -> None:
    made = areas({})
    made.path.database.store.down = True
    with pytest.raises(UnavailableError):
        local_list(made, LONDON, None)


def test_a_group_is_any_name_of_the_lineage_in_any_case() -> None:
    listed = local_list(RANGES, LONDON, None).taxa
    assert within(listed, "INSECTA") == within(listed, "hymenoptera") == listed
    assert [one.taxon.key for one in within(listed, "Eel")] == ["eel"]
    assert within(listed, "Aves") == ()
