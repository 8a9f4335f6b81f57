"""Evidence of occurrences that are too coarse for a cell, and of taxa with occurrences and a range in one cell."""

from __future__ import annotations

import math

import h3
import pytest
from tables import TableCache, TableReleases, TableStore, release_of

from geoid.core.areas import Areas, Behind, open_areas
from geoid.core.evidence import STATUSES, match, taxa_here, weigh
from geoid.core.features import COUNTS, Features, Flag, decode, encode, records_of, weight_of
from geoid.core.local_list import ALL_YEAR, joined, local_list
from geoid.core.places import cells_around
from geoid.core.predictions import LocalStatus
from geoid.core.releases import Contents, Kind, ReleaseTaxon, TaxonFlag
from geoid.core.values import Capture, Coordinates, Location, Source

LONDON = Coordinates(51.5, -0.125)
HERE = {h3.get_resolution(cell): int(cell, 16) for cell in cells_around(LONDON)}
NAMES = ("adder", "boar", "crane", "deer")
ADDER, BOAR, CRANE, DEER = range(4)
NEVER = bytes(12)
RANGE, COARSE = int(Flag.RANGE), int(Flag.TOO_COARSE)
JANUARY, JUNE = 1, 6

Row = tuple[int, int, bytes, int]


def counted(taxon: int, count: float, months: dict[int, int] | None = None, flags: int = 0) -> Row:
    """A record of occurrences: a count of the year, counts of months."""
    dated = months or {}
    return taxon, weight_of(count), bytes(weight_of(dated.get(month, 0)) for month in range(1, 13)), flags


def ranged(taxon: int, months: tuple[int, ...] = ALL_YEAR, flags: int = 0) -> Row:
    return taxon, 255, bytes(255 if month in months else 0 for month in ALL_YEAR), RANGE | flags


def cell(resolution: int, *rows: Row) -> Features:
    """A cell whose header says what its records add up to."""
    total = sum(float(COUNTS[year]) for _, year, _, flags in rows if not flags & RANGE)
    return Features(resolution, records_of(rows), int(total), total, len({row[0] for row in rows}))


def taxa(occurrences: tuple[int, ...] = (0, 0, 0, 0), flags: dict[int, int] | None = None) -> tuple[ReleaseTaxon, ...]:
    return tuple(
        ReleaseTaxon(number, name, name, None, "species", {"species": name}, (flags or {}).get(number, 0), count)
        for number, (name, count) in enumerate(zip(NAMES, occurrences, strict=True))
    )


def areas(*cells: Features, kind: Kind = Kind.OCCURRENCES, keys=NAMES, limit: int = 65_536, **more) -> Areas:
    values = {HERE[one.resolution]: encode(one, limit) for one in cells}
    overflow = {cell: value.overflow for cell, value in values.items() if value.overflow}
    listed = taxa(**more)
    found = {cell: value.value for cell, value in values.items()}
    contents = Contents("first", kind, listed, ((),) * len(listed), found, overflow, "", "")
    return open_areas(Behind(TableStore(contents), TableReleases(release_of(contents)), TableCache()), keys)


def said(*cells: Features, month: int | None = None, **more):
    """Score and status of each taxon."""
    found = weigh(cells, match(NAMES, taxa(**more)), month)
    scores = [None if math.isnan(score) else float(score) for score in found.scores]
    return dict(zip(NAMES, zip(scores, (STATUSES[code] for code in found.statuses), strict=True), strict=True))


def listed(made: Areas, name: str, month: int | None = None):
    (found,) = (one for one in local_list(made, LONDON, month).taxa if one.taxon.key == name)
    return found


BLURRED = 200
"""Records of the adder, each uncertain by 28 km or more: none of them enters resolution 5."""


def crowded(flags: int) -> tuple[Features, ...]:
    """A city full of records of other animals, in a landscape where the adder is as common as the boar."""
    return (
        cell(2, counted(ADDER, BLURRED), counted(BOAR, BLURRED), counted(CRANE, 30_000)),
        cell(3, counted(ADDER, BLURRED), counted(BOAR, BLURRED), counted(CRANE, 30_000)),
        cell(4, counted(ADDER, BLURRED, flags=flags), counted(BOAR, BLURRED), counted(CRANE, 30_000)),
        cell(5, counted(CRANE, 30_000)),
    )


def test_a_blurred_species_keeps_its_weight_in_a_crowded_cell_of_resolution_5() -> None:
    *coarse, _ = crowded(COARSE)
    shares = dict.fromkeys(NAMES, 0.0)
    for one, constant in zip(coarse, (2400, 1200, 600), strict=True):
        for row in one.records:
            name = NAMES[row["taxon"]]
            shares[name] = (COUNTS[row["year"]] + constant * shares[name]) / (one.weight + constant)
    fine = crowded(COARSE)[-1]
    crane = (COUNTS[weight_of(30_000)] + 300 * shares["crane"]) / (fine.weight + 300)
    kept = said(*crowded(COARSE))
    assert kept["adder"] == (pytest.approx(shares["adder"] / crane, rel=1e-6), LocalStatus.EXPECTED)
    assert kept["boar"][0] == pytest.approx(300 * shares["boar"] / (fine.weight + 300) / crane, rel=1e-6)


def test_it_loses_its_weight_where_the_flag_is_ignored() -> None:
    kept, lost = said(*crowded(COARSE))["adder"][0], said(*crowded(0))["adder"][0]
    assert lost < kept / 50
    assert lost == said(*crowded(0))["boar"][0]


def test_a_blurred_species_is_here_and_expected_though_the_finest_cell_has_no_record_of_it() -> None:
    made = areas(*crowded(COARSE))
    narrowing = local_list(made, LONDON, None).narrowing
    assert taxa_here(crowded(COARSE)).tolist() == [ADDER, BOAR, CRANE]
    assert (narrowing.species_here, narrowing.known_to_model) == (3, 3)
    assert listed(made, "adder").status is LocalStatus.EXPECTED
    assert listed(made, "adder").months == ALL_YEAR


def test_what_is_too_coarse_is_so_in_all_cells_below_until_one_has_a_record_that_is_not() -> None:
    coarse = cell(3, counted(ADDER, BLURRED, flags=COARSE), counted(CRANE, 30_000))
    empty, exact = cell(4, counted(CRANE, 30_000)), cell(4, counted(ADDER, 20), counted(CRANE, 30_000))
    fine = cell(5, counted(CRANE, 30_000))
    assert said(coarse, empty, fine)["adder"][0] > 20 * said(coarse, exact, fine)["adder"][0]
    assert said(coarse, exact)["adder"][0] == pytest.approx(said(coarse, empty)["adder"][0], rel=0.01)


def test_a_species_that_is_too_coarse_for_all_but_the_coarse_cell_is_near_and_not_here() -> None:
    near = (cell(2, counted(ADDER, 90, flags=COARSE)), cell(3, counted(BOAR, 9)))
    assert said(*near)["adder"][1] is LocalStatus.NEAR
    assert taxa_here(near).tolist() == [BOAR]


def test_the_months_come_from_the_finest_record_that_has_enough() -> None:
    summer, winter = {5: 40, 6: 80, 7: 40}, {12: 40, 1: 80, 2: 40}
    cells = (
        cell(3, counted(ADDER, 160, winter)),
        cell(4, counted(ADDER, 160, summer, COARSE)),
        cell(5, counted(BOAR, 9)),
    )
    assert said(*cells, month=JUNE)["adder"][1] is LocalStatus.EXPECTED
    assert said(*cells, month=JANUARY)["adder"][1] is LocalStatus.OUT_OF_SEASON
    assert listed(areas(*cells), "adder").months == (5, 6, 7)


def test_the_season_of_what_is_too_coarse_is_that_of_the_records_that_are_exact_enough() -> None:
    cells = (
        cell(4, counted(ADDER, 200, {JANUARY: 100, JUNE: 100}, COARSE)),
        cell(5, counted(ADDER, 20, {JUNE: 20}), counted(CRANE, 30_000)),
    )
    assert listed(areas(*cells), "adder").months == (JUNE,)
    assert said(*cells, month=JANUARY)["adder"][1] is LocalStatus.OUT_OF_SEASON
    alone = said(cells[0], cell(5, counted(CRANE, 30_000)))
    assert said(*cells)["adder"][0] == pytest.approx(alone["adder"][0], rel=1e-2)


def test_a_single_record_does_not_hide_the_months_of_many() -> None:
    cells = (cell(4, counted(ADDER, 100, {4: 50, 9: 50})), cell(5, counted(ADDER, 1, {8: 1})))
    assert listed(areas(*cells), "adder").months == (4, 9)


@pytest.mark.parametrize("few", [{}, {8: 1}])
def test_where_there_are_few_records_their_months_are_those_of_the_coarser_cell(few) -> None:
    cells = (cell(3, counted(ADDER, 5, {4: 2, 9: 2})), cell(5, counted(ADDER, 1, few)))
    assert listed(areas(*cells), "adder").months == (4, 9)


def test_a_record_without_a_month_counts_in_the_year_and_not_in_the_season() -> None:
    dated = {JUNE: 12}
    some, more = (cell(3, counted(ADDER, count, dated), counted(BOAR, 500)) for count in (12, 120))
    assert said(more)["adder"][0] > 5 * said(some)["adder"][0]
    for cells in (some, more):
        assert said(cells, month=JANUARY)["adder"] == (0.0, LocalStatus.OUT_OF_SEASON)
        assert listed(areas(cells), "adder").months == (JUNE,)
    in_june = [said(cells, month=JUNE)["adder"][0] / said(cells, month=JUNE)["boar"][0] for cells in (some, more)]
    whole = [said(cells)["adder"][0] / said(cells)["boar"][0] for cells in (some, more)]
    assert in_june == pytest.approx([share * 6 for share in whole])


BOTH = (ranged(ADDER, (4, 5, 6, 7, 8, 9), int(Flag.MIGRANT)), counted(ADDER, 200, {4: 50, 10: 50}))


def test_both_records_of_a_taxon_in_one_cell_are_weighed_and_it_counts_once() -> None:
    both = cell(3, *BOTH, counted(BOAR, 200))
    assert said(both, month=JUNE)["adder"] == (1.0, LocalStatus.EXPECTED)
    assert taxa_here([both]).tolist() == [ADDER, BOAR]
    narrowing = areas(both, kind=Kind.MIXED).look_up(Capture(Location(LONDON, Source.ARGUMENT))).narrowing
    assert (narrowing.species_here, narrowing.known_to_model) == (2, 2)


def test_the_months_of_both_are_united() -> None:
    assert listed(areas(cell(3, *BOTH), kind=Kind.MIXED), "adder").months == (4, 5, 6, 7, 8, 9, 10)


def test_records_without_a_month_leave_the_months_of_a_range_as_they_are() -> None:
    made = areas(cell(3, BOTH[0], counted(ADDER, 200)), kind=Kind.MIXED)
    assert listed(made, "adder").months == (4, 5, 6, 7, 8, 9)


@pytest.mark.parametrize(
    ("rows", "here"),
    [
        ((ranged(ADDER, flags=int(Flag.TOUCHES)),), False),
        ((ranged(ADDER, flags=int(Flag.TOUCHES)), counted(ADDER, 1)), True),
        ((ranged(ADDER, flags=int(Flag.DOUBTFUL)), counted(ADDER, 1)), True),
        (((ADDER, 0, NEVER, RANGE), counted(ADDER, 1)), True),
        (((ADDER, 0, NEVER, RANGE),), False),
    ],
)
def test_a_taxon_is_here_if_either_record_says_so_and_every_command_agrees(rows, here: bool) -> None:
    both = cell(3, *rows, counted(CRANE, 5000))
    assert (ADDER in taxa_here([both]).tolist()) is here
    status = said(both)["adder"][1]
    assert (status is LocalStatus.EXPECTED) is here
    assert listed(areas(both, kind=Kind.MIXED), "adder").included is here


def test_values_and_their_overflow_are_joined_in_the_order_of_the_format() -> None:
    whole = cell(3, *BOTH, ranged(BOAR), counted(BOAR, 3), counted(DEER, 9))
    value, overflow = encode(whole, limit=24 + 3 * 20)
    (found,) = joined([decode(value), decode(overflow or b"")])
    assert found.records.tobytes() == whole.records.tobytes()
    assert joined([decode(overflow or b""), decode(value)])[0].records.tobytes() == whole.records.tobytes()


def test_a_taxon_that_did_not_fit_into_one_cell_and_is_in_another_counts_once() -> None:
    rows = [counted(taxon, 100 - 20 * taxon) for taxon in range(4)]
    made = areas(cell(3, *rows), cell(4, *rows[2:]), limit=24 + 2 * 20)
    narrowing = made.look_up(Capture(Location(LONDON, Source.ARGUMENT))).narrowing
    assert (narrowing.species_here, narrowing.known_to_model) == (4, 4)


def test_what_did_not_fit_into_the_coarse_cell_is_near_and_does_not_count() -> None:
    rows = [counted(taxon, 100 - 20 * taxon) for taxon in range(4)]
    made = areas(cell(2, *rows), cell(3, rows[0]), limit=24 + 2 * 20)
    assert made.look_up(Capture(Location(LONDON, Source.ARGUMENT))).narrowing.species_here == 1


def test_a_taxon_found_world_wide_that_was_also_recorded_here_counts_once() -> None:
    made = areas(cell(3, counted(ADDER, 9), counted(BOAR, 9)), flags={ADDER: TaxonFlag.WORLDWIDE})
    narrowing = made.look_up(Capture(Location(LONDON, Source.ARGUMENT))).narrowing
    assert (narrowing.species_here, narrowing.known_to_model) == (2, 2)
