"""Evidence: what ranges and occurrences say of a taxon, checked against the formulas in plain Python."""

from __future__ import annotations

import math
from statistics import median

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoid.core.evidence import STATUSES, has_data, match, taxa_here, weigh
from geoid.core.features import COUNTS, Features, Flag, records_of, weight_of
from geoid.core.predictions import LocalStatus
from geoid.core.releases import ReleaseTaxon, TaxonFlag

KEYS = ("ant", "bee", "cow", "dog", "elk")
ANT, BEE, COW, DOG, ELK = range(5)
YEAR = bytes([255] * 12)
SUMMER = bytes(255 if 4 <= month <= 9 else 0 for month in range(1, 13))
NEVER = bytes(12)
SUMMER_VISITOR = (255, SUMMER, Flag.RANGE | Flag.MIGRANT)
RESIDENT = (255, YEAR, Flag.RANGE)
K = {2: 2400, 3: 1200, 4: 600, 5: 300}
JUNE, DECEMBER = 6, 12


def release(flags=(0, 0, 0, 0, 0), occurrences=(0, 0, 0, 0, 0)) -> tuple[ReleaseTaxon, ...]:
    facts = zip(KEYS, flags, occurrences, strict=True)
    return tuple(
        ReleaseTaxon(number, key, key, None, "species", {}, *rest) for number, (key, *rest) in enumerate(facts)
    )


def cell(resolution: int, records: dict[int, tuple[int, bytes, int]], weight: float = 0.0) -> Features:
    return Features(resolution, records_of((taxon, *rest) for taxon, rest in records.items()), weight=weight)


def seen(count: float, months: dict[int, int] | None = None, flags: int = 0) -> tuple[int, bytes, int]:
    """A record of occurrences: a count of the year, counts of months."""
    dated = months or {}
    return weight_of(count), bytes(weight_of(dated.get(month, 0)) for month in range(1, 13)), flags


def counted(*records: tuple[int, bytes, int]) -> float:
    return float(sum(COUNTS[year] for year, _, _ in records))


def said(cells, taxa=None, month: int | None = None, keys=KEYS):
    """Score (None: unknown) and status of each key."""
    found = weigh(cells, match(keys, taxa or release()), month)
    scores = [None if math.isnan(score) else float(score) for score in found.scores]
    return dict(zip(keys, zip(scores, (STATUSES[code] for code in found.statuses), strict=True), strict=True))


def test_a_range_is_present_or_absent() -> None:
    found = said([cell(3, {ANT: RESIDENT})])
    assert found["ant"] == (1.0, LocalStatus.EXPECTED)
    assert found["bee"] == (0.0, LocalStatus.NOT_RECORDED)


@pytest.mark.parametrize(
    ("month", "wanted"),
    [
        (JUNE, (1.0, LocalStatus.EXPECTED)),
        (DECEMBER, (0.3, LocalStatus.OUT_OF_SEASON)),
        (None, (1.0, LocalStatus.EXPECTED)),
    ],
)
def test_a_migrant_counts_whole_in_its_months_and_for_three_tenths_in_others(month, wanted) -> None:
    assert said([cell(3, {ANT: SUMMER_VISITOR})], month=month)["ant"] == wanted


@pytest.mark.parametrize("month", range(1, 13))
def test_each_month_is_read_from_its_own_weight(month: int) -> None:
    only = bytes(255 if one == month else 0 for one in range(1, 13))
    records = cell(3, {ANT: (255, only, Flag.RANGE | Flag.MIGRANT)})
    present = [one for one in range(1, 13) if said([records], month=one)["ant"][0] == 1]
    assert present == [month]


@pytest.mark.parametrize("month", [JUNE, None])
def test_a_range_that_only_touches_the_cell_is_near(month) -> None:
    touching = (255, YEAR, Flag.RANGE | Flag.TOUCHES)
    assert said([cell(3, {ANT: touching})], month=month)["ant"] == (0.3, LocalStatus.NEAR)


def test_a_migrant_that_touches_is_near_in_any_month() -> None:
    touching = (255, SUMMER, Flag.RANGE | Flag.MIGRANT | Flag.TOUCHES)
    for month in (JUNE, DECEMBER, None):
        assert said([cell(3, {ANT: touching})], month=month)["ant"] == (0.3, LocalStatus.NEAR)


def test_an_introduced_taxon_counts_as_present_and_says_so() -> None:
    assert said([cell(3, {ANT: (255, YEAR, Flag.RANGE | Flag.INTRODUCED)})])["ant"] == (1.0, LocalStatus.INTRODUCED)


def test_a_doubtful_range_is_unknown_not_absent() -> None:
    assert said([cell(3, {ANT: (255, YEAR, Flag.RANGE | Flag.DOUBTFUL)})])["ant"] == (None, LocalStatus.UNKNOWN)


def test_a_weight_between_is_a_share() -> None:
    assert said([cell(3, {ANT: (51, YEAR, Flag.RANGE)})])["ant"][0] == pytest.approx(0.2)


@pytest.mark.parametrize("order", [(2, 3, 4), (4, 3, 2), (3, 4, 2)])
def test_of_several_ranges_the_finest_counts_whatever_the_order(order) -> None:
    records = {
        2: {ANT: RESIDENT, BEE: RESIDENT, COW: (255, YEAR, Flag.RANGE | Flag.DOUBTFUL)},
        3: {ANT: (255, YEAR, Flag.RANGE | Flag.TOUCHES), COW: RESIDENT},
        4: {ANT: SUMMER_VISITOR},
    }
    found = said([cell(resolution, records[resolution]) for resolution in order], month=DECEMBER)
    assert found["ant"] == (0.3, LocalStatus.OUT_OF_SEASON)
    assert found["bee"] == (1.0, LocalStatus.EXPECTED)
    assert found["cow"] == (1.0, LocalStatus.EXPECTED)


def test_a_taxon_found_world_wide_needs_no_record() -> None:
    found = said([cell(3, {BEE: RESIDENT})], release(flags=(TaxonFlag.WORLDWIDE, 0, 0, 0, 0)))
    assert found["ant"] == (1.0, LocalStatus.EXPECTED)


def test_a_taxon_that_is_doubtful_everywhere_is_unknown_even_where_it_has_a_record() -> None:
    found = said([cell(3, {ANT: RESIDENT, BEE: RESIDENT})], release(flags=(TaxonFlag.DOUBTFUL, 0, 0, 0, 0)))
    assert found["ant"] == (None, LocalStatus.UNKNOWN)


def test_a_taxon_that_the_release_lacks_is_unknown() -> None:
    found = said([cell(3, {ANT: RESIDENT})], keys=("yak", "ant"))
    assert found == {"yak": (None, LocalStatus.UNKNOWN), "ant": (1.0, LocalStatus.EXPECTED)}


def test_taxa_that_the_model_lacks_change_nothing() -> None:
    assert said([cell(3, {BEE: RESIDENT, ELK: RESIDENT})], keys=("elk",)) == {"elk": (1.0, LocalStatus.EXPECTED)}


def test_taxa_are_matched_by_key_whatever_their_order() -> None:
    found = match(
        ("dog", "yak", "ant"), release(flags=(0, 0, 0, TaxonFlag.DOMESTIC, 0), occurrences=(30, 0, 0, 10, 60))
    )
    assert found.model_of.tolist() == [2, -1, -1, 0, -1]
    assert found.known.tolist() == [True, False, True]
    assert found.domestic.tolist() == [True, False, False]
    assert found.worldwide.tolist() == [False] * 3
    assert found.shares.tolist() == [0.1, 0.0, 0.3]


@given(st.lists(st.sampled_from([RESIDENT, (51, YEAR, Flag.RANGE), (255, YEAR, 48), None]), min_size=5, max_size=5))
def test_the_neutral_score_is_the_median_of_those_that_are_here(chosen) -> None:
    records = {number: record for number, record in enumerate(chosen) if record}
    found = weigh([cell(3, records)], match(KEYS, release()), None)
    here = [score for score in found.scores if score > 0]
    assert found.neutral == pytest.approx(median(here) if here else 1.0)


def test_the_neutral_score_is_one_where_nothing_is_known_to_be() -> None:
    assert weigh([], match(KEYS, release()), None).neutral == 1.0


weights = st.integers(0, 90)
resolutions = st.lists(st.integers(2, 5), min_size=1, max_size=4, unique=True)
flagged = st.sampled_from([0, 0, 0, int(Flag.TOO_COARSE), int(Flag.INTRODUCED)])


@st.composite
def counted_cells(draw):
    """Cells of occurrences, in any order; N also counts what overflowed."""
    found = []
    for resolution in draw(resolutions):
        rows = st.tuples(weights, st.just(NEVER), flagged).filter(lambda row: row[0] >= 8 or not row[2])  # counts
        records = draw(st.dictionaries(st.integers(0, 4), rows, min_size=1))
        more = draw(st.floats(0, 10_000))
        found.append(cell(resolution, records, counted(*records.values()) + more))
    return found


def recursion(cells, shares: list[float]) -> list[float]:
    """The geo scores by the formula of the design: q_r(y) = (n_r(y) + K_r q_(r-1)(y)) / (N_r + K_r)."""
    q, kept = list(shares), [False] * len(shares)
    for one in sorted(cells, key=lambda one: one.resolution):
        records = {int(record["taxon"]): record for record in one.records}
        constant = K[one.resolution]
        for taxon in range(len(q)):
            record = records.get(taxon)
            n = 0 if record is None else round(2 ** (record["year"] / 8) - 1)
            if not kept[taxon]:
                q[taxon] = (n + constant * q[taxon]) / (one.weight + constant)
            if record is not None:
                kept[taxon] = bool(record["flags"] & 8)
    most = max(q)
    return [share / most if most else 0.0 for share in q]


@given(counted_cells(), st.lists(st.integers(0, 10**6), min_size=5, max_size=5))
def test_counts_are_shrunk_from_coarse_to_fine_by_the_formula(cells, occurrences) -> None:
    total = sum(occurrences) or 1
    found = weigh(cells, match(KEYS, release(occurrences=occurrences)), None)
    assert found.scores.tolist() == pytest.approx(recursion(cells, [count / total for count in occurrences]), rel=1e-5)


@given(counted_cells(), st.integers(1, 12))
def test_scores_are_shares_of_the_best_whatever_the_month(cells, month: int) -> None:
    scores = weigh(cells, match(KEYS, release()), month).scores
    assert ((scores >= 0) & (scores <= 1)).all()
    assert scores.max() in {0.0, 1.0}


@given(counted_cells(), st.randoms(use_true_random=False))
def test_the_order_of_cells_does_not_matter(cells, random) -> None:
    shuffled = random.sample(cells, len(cells))
    first, second = (weigh(some, match(KEYS, release()), JUNE) for some in (cells, shuffled))
    assert np.array_equal(first.scores, second.scores)
    assert np.array_equal(first.statuses, second.statuses)


def test_the_best_is_the_best_of_those_that_the_model_knows() -> None:
    records = {ANT: seen(1000), BEE: seen(7)}
    found = said([cell(3, records, counted(*records.values()))], keys=("bee", "cow"))
    assert found["bee"] == (1.0, LocalStatus.EXPECTED)


def test_where_records_are_too_coarse_the_coarser_cell_counts() -> None:
    coarse = cell(4, {ANT: seen(63, flags=Flag.TOO_COARSE), BEE: seen(63)}, 126)
    fine = cell(5, {ANT: seen(1), BEE: seen(0), COW: seen(1023)}, 1024)
    found = said([coarse, fine])
    q = {"ant": 63 / 726, "bee": 300 * (63 / 726) / 1324, "cow": 1023 / 1324}
    for key, share in q.items():
        assert found[key][0] == pytest.approx(share / q["cow"])


def test_a_cell_that_is_missing_hands_on_what_its_parent_says() -> None:
    coarse = cell(2, {ANT: seen(63), BEE: seen(7)}, 70)
    alone = said([coarse])
    assert alone["ant"][0] == 1
    assert alone["bee"][0] == pytest.approx(7 / 63)
    assert said([coarse, cell(3, {}), cell(5, {})]) == alone


def test_a_taxon_never_seen_here_keeps_its_share_of_the_world() -> None:
    found = said([cell(3, {ANT: seen(63)}, 63)], release(occurrences=(90, 10, 0, 0, 0)))
    assert found["bee"][1] is LocalStatus.NOT_RECORDED
    assert found["bee"][0] == pytest.approx((1200 * 0.1) / (63 + 1200 * 0.9))


@pytest.mark.parametrize(
    ("resolution", "flags", "status"),
    [
        (5, 0, LocalStatus.EXPECTED),
        (3, 0, LocalStatus.EXPECTED),
        (2, 0, LocalStatus.NEAR),
        (3, Flag.INTRODUCED, LocalStatus.INTRODUCED),
        (2, Flag.INTRODUCED, LocalStatus.NEAR),
    ],
)
def test_a_record_is_here_at_resolution_3_or_finer_and_near_at_2(resolution, flags, status) -> None:
    assert said([cell(resolution, {ANT: seen(15, flags=flags)}, 15)])["ant"][1] is status


def season(months: dict[int, int], month: int) -> float:
    """The month's share of the mean month, smoothed 1:2:1 over its neighbours, December beside January."""
    counts = [float(COUNTS[weight_of(months.get(one, 0))]) for one in range(1, 13)]
    smooth = [(counts[one - 1] + 2 * counts[one] + counts[(one + 1) % 12]) / 4 for one in range(12)]
    return smooth[month - 1] / (sum(smooth) / 12)


@given(st.dictionaries(st.integers(1, 12), st.integers(1, 400), min_size=1), st.integers(1, 12))
def test_months_are_smoothed_over_their_neighbours_where_there_are_enough_records(months, month: int) -> None:
    everyday = seen(500)
    flighty = seen(max(sum(months.values()), 12), months)
    records = {ANT: everyday, BEE: flighty}
    q = {"ant": COUNTS[everyday[0]], "bee": COUNTS[flighty[0]] * season(months, month)}
    found = said([cell(3, records, counted(*records.values()))], month=month)
    for key, share in q.items():
        assert found[key][0] == pytest.approx(share / max(q.values()), rel=1e-5)
    absent = season(months, month) < 0.1
    assert found["bee"][1] is (LocalStatus.OUT_OF_SEASON if absent else LocalStatus.EXPECTED)


@pytest.mark.parametrize(("weight", "dated"), [(29, False), (30, True)])
def test_fewer_than_twelve_records_say_nothing_of_the_season(weight: int, dated: bool) -> None:
    assert (COUNTS[weight] >= 12) is np.bool_(dated)
    months = bytes([weight, *[0] * 11])
    records = {ANT: (weight, months, 0), BEE: (weight, NEVER, 0)}
    found = said([cell(3, records, counted(*records.values()))], month=JUNE)
    assert (found["ant"][1] is LocalStatus.OUT_OF_SEASON) is dated
    assert found["ant"][0] == (0.0 if dated else 1.0)


def test_records_without_a_month_say_nothing_of_the_season() -> None:
    assert said([cell(3, {ANT: seen(100)}, 100)], month=JUNE)["ant"] == (1.0, LocalStatus.EXPECTED)


def test_the_season_is_that_of_the_finest_cell_with_enough_records() -> None:
    winter, summer = seen(63, {12: 31, 1: 31}), seen(63, {6: 63})
    scarce = seen(3, {12: 3})
    cells = [cell(3, {ANT: winter}, 63), cell(4, {ANT: summer}, 63), cell(5, {ANT: scarce}, 3)]
    assert said(cells, month=JUNE)["ant"][1] is LocalStatus.EXPECTED
    assert said(cells, month=DECEMBER)["ant"][1] is LocalStatus.OUT_OF_SEASON
    assert said(cells[:1], month=DECEMBER)["ant"][1] is LocalStatus.EXPECTED


def test_an_unknown_month_means_the_whole_year() -> None:
    assert said([cell(3, {ANT: seen(63, {12: 63})}, 63)], month=None)["ant"] == (1.0, LocalStatus.EXPECTED)


def test_ranges_and_occurrences_are_united_by_the_greater_score() -> None:
    ranges = {ANT: RESIDENT, BEE: (255, YEAR, Flag.RANGE | Flag.TOUCHES), DOG: (51, YEAR, Flag.RANGE)}
    counts = {BEE: seen(1000), COW: seen(500), ELK: seen(1)}
    found = said([cell(3, ranges), cell(4, counts, counted(*counts.values()))])
    alone = said([cell(4, counts, counted(*counts.values()))])
    assert found["ant"] == (1.0, LocalStatus.EXPECTED)
    assert found["bee"] == (1.0, LocalStatus.EXPECTED)
    assert found["cow"] == alone["cow"]
    assert found["dog"] == (pytest.approx(0.2), LocalStatus.EXPECTED)
    assert found["elk"] == alone["elk"]


@given(counted_cells(), st.dictionaries(st.integers(0, 4), weights), st.one_of(st.none(), st.integers(1, 12)))
def test_what_is_united_is_never_less_than_either_says(cells, shares, month) -> None:
    ranges = cell(3, {taxon: (weight, bytes([weight] * 12), int(Flag.RANGE)) for taxon, weight in shares.items()})
    matched = match(KEYS, release(occurrences=(5, 4, 3, 2, 1)))
    one, other, both = (weigh(some, matched, month).scores for some in (cells, [ranges], [*cells, ranges]))
    assert np.allclose(both, np.maximum(one, other), rtol=1e-9)


def test_weighing_changes_nothing_of_what_it_is_given() -> None:
    matched = match(KEYS, release(flags=(TaxonFlag.WORLDWIDE, 0, 0, 0, 0), occurrences=(5, 4, 3, 2, 1)))
    cells = [cell(3, {BEE: SUMMER_VISITOR, COW: seen(40, {6: 30})}, 40)]
    before = [array.copy() for array in matched]
    first, second = (weigh(cells, matched, DECEMBER) for _ in range(2))
    assert np.array_equal(first.scores, second.scores, equal_nan=True)
    assert all(np.array_equal(*pair) for pair in zip(matched, before, strict=True))


@pytest.mark.parametrize(
    ("cells", "wanted"),
    [
        ([], False),
        ([cell(3, {}), cell(2, {})], False),
        ([cell(3, {DOG: (255, YEAR, Flag.RANGE | Flag.DOMESTIC)})], False),
        ([cell(3, {DOG: (255, YEAR, Flag.RANGE | Flag.DOMESTIC)}), cell(2, {ANT: RESIDENT})], True),
        ([cell(5, {ANT: seen(1)})], True),
    ],
)
def test_there_is_data_where_something_else_than_domestic_animals_is_recorded(cells, wanted: bool) -> None:
    assert has_data(cells) is wanted


def test_the_taxa_that_are_here_leave_out_those_that_are_near_or_doubtful_in_their_finest_record() -> None:
    cells = [
        cell(2, {ANT: RESIDENT, BEE: RESIDENT, COW: (255, YEAR, Flag.RANGE | Flag.TOUCHES)}),
        cell(3, {ANT: (255, YEAR, Flag.RANGE | Flag.TOUCHES), COW: SUMMER_VISITOR, DOG: (255, YEAR, 48)}),
        cell(4, {ELK: (0, NEVER, Flag.RANGE)}),
    ]
    assert taxa_here(cells).tolist() == taxa_here(cells[::-1]).tolist() == [BEE, COW]
