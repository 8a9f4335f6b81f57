"""The rules of cleaning: which rows they drop, in which order, and how fine a cell the others may enter."""

from __future__ import annotations

import polars as pl
import pytest

from geoid.seeding.rules import OWN_RULES, RULES, month, ruled, rules_of, settled, swapped, uncertainty_class
from geoid.seeding.sources import Fields

NAN, INFINITE = float("nan"), float("inf")
GOOD = {
    "name": "Panthera leo",
    "latitude": -1.5,
    "longitude": 36.5,
    "uncertainty": 100.0,
    "year": 2020,
    "month": 5,
    "absent": False,
    "flawed": False,
    "captive": False,
    "own": False,
}
TYPES = {
    "name": pl.String,
    **dict.fromkeys(("latitude", "longitude", "uncertainty"), pl.Float64),
    "year": pl.Int32,
    "month": pl.UInt8,
    **dict.fromkeys(("absent", "flawed", "captive", "own"), pl.Boolean),
}
FIELDS = Fields(
    **{name: pl.col(name) for name in GOOD if name != "own"}, dropped={"not-approved": pl.col("own")}
)  # fmt: skip


def frame(*rows) -> pl.LazyFrame:
    return pl.LazyFrame([GOOD | row for row in rows], schema=TYPES)


def values(expression, *rows, fields=FIELDS) -> list[object]:
    settled_frame, settled_fields = settled(frame(*rows), fields)
    found = settled_frame.select(expression(settled_fields)).collect().to_series().to_list()
    assert found == frame(*rows).select(expression(fields)).collect().to_series().to_list()
    return found


def verdicts(*rows, since=1970, box=None, fields=FIELDS) -> list[str]:
    names = ("used", *rules_of(fields))
    return [names[place] for place in values(lambda told: ruled(told, since, box), *rows, fields=fields)]


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        ({}, "used"),
        ({"absent": True}, "absent"),
        ({"name": None}, "above-species"),
        ({"latitude": None}, "no-position"),
        ({"longitude": None}, "no-position"),
        ({"latitude": NAN}, "no-position"),
        ({"longitude": NAN}, "no-position"),
        ({"latitude": 90.1}, "out-of-range"),
        ({"latitude": -INFINITE}, "out-of-range"),
        ({"longitude": -180.1}, "out-of-range"),
        ({"latitude": 90.0, "longitude": 180.0}, "used"),
        ({"latitude": 0.0, "longitude": 0.0}, "zero-zero"),
        ({"latitude": -0.01, "longitude": 0.01}, "zero-zero"),
        ({"latitude": 0.011, "longitude": 0.0}, "used"),
        ({"latitude": -1.0, "longitude": -1.0}, "used"),
        ({"flawed": True}, "flawed-position"),
        ({"captive": True}, "not-wild"),
        ({"year": 1969}, "before-since"),
        ({"year": 1970}, "used"),
        ({"uncertainty": 200_000.0}, "used"),
        ({"uncertainty": 200_001.0}, "too-uncertain"),
        ({"uncertainty": NAN}, "used"),
        ({"uncertainty": -5.0}, "used"),
        ({"own": True}, "not-approved"),
    ],
)
def test_each_rule_drops_what_it_says(row, rule) -> None:
    assert verdicts(row) == [rule]


def test_what_is_unknown_breaks_no_rule() -> None:
    unknown = dict.fromkeys(("uncertainty", "year", "month", "absent", "flawed", "captive", "own"))
    assert verdicts(unknown, box=(-10, 30, 10, 40)) == ["used"]


def test_the_first_rule_in_the_order_is_the_one_that_counts() -> None:
    broken = {
        "absent": True,
        "name": None,
        "latitude": 0.0,
        "longitude": 0.0,
        "flawed": True,
        "captive": True,
        "year": 1900,
        "uncertainty": 1e6,
        "own": True,
    }
    mended = [{"absent": False}, {"name": "A b"}, {"latitude": 45.0}, {"flawed": False}, {"captive": False}]
    mended += [{"year": 2000}, {"uncertainty": 1.0}, {"latitude": -1.5, "longitude": 36.5}, {"own": False}]
    rows = [broken := broken | one for one in [{}, *mended]]
    assert verdicts(*rows, box=(-10, 30, 10, 40)) == [
        *("absent", "above-species", "zero-zero", "flawed-position", "not-wild", "before-since", "too-uncertain"),
        *("outside-area", "not-approved", "used"),
    ]


def test_a_table_that_says_little_is_ruled_by_what_it_says() -> None:
    bare = Fields(pl.col("name"), pl.col("latitude"), pl.col("longitude"))
    assert rules_of(bare) == tuple(RULES)
    assert verdicts({"absent": True, "year": 1900}, {"name": None}, fields=bare) == ["used", "above-species"]
    assert values(uncertainty_class, {}, fields=bare) == [5]
    assert values(month, {}, fields=bare) == [0]


@pytest.mark.parametrize(
    ("box", "place", "inside"),
    [
        ((-10, 30, 10, 40), (-10, 30), True),
        ((-10, 30, 10, 40), (10.1, 35), False),
        ((-10, 30, 10, 40), (0.5, 29.9), False),
        ((-20, 175, -10, -175), (-15, 179), True),
        ((-20, 175, -10, -175), (-15, -179), True),
        ((-20, 175, -10, -175), (-15, 0), False),
    ],
)
def test_a_box_may_cross_the_antimeridian(box, place, inside) -> None:
    row = {"latitude": place[0], "longitude": place[1]}
    assert verdicts(row, box=box) == ["used" if inside else "outside-area"]


@pytest.mark.parametrize(
    ("metres", "resolution"),
    [
        (None, 5), (NAN, 5), (-1, 5), (0, 5), (10_000, 5), (10_001, 4), (32_000, 4), (32_001, 3), (80_000, 3),
        (80_001, 2), (200_000, 2), (301, 4), (3036, 4), (999, 4), (9999, 4), (300, 5), (1000, 5), (9998, 5),
    ],
)  # fmt: skip
def test_cells_are_as_coarse_as_the_position_is_uncertain(metres, resolution) -> None:
    assert values(uncertainty_class, {"uncertainty": metres}) == [resolution]


def test_a_month_that_is_none_is_unknown() -> None:
    assert values(month, *({"month": told} for told in (1, 12, 0, 13, None))) == [1, 12, 0, 0, 0]


def test_swapped_coordinates_are_told_from_other_nonsense() -> None:
    places = [(120.5, -3.0), (-179.0, 90.0), (181.0, 5.0), (120.0, 91.0), (45.0, 120.0), (None, 5.0)]
    rows = [{"latitude": latitude, "longitude": longitude} for latitude, longitude in places]
    assert values(swapped, *rows) == [True, True, False, False, False, False]


def test_verdicts_classes_and_months_are_small_numbers() -> None:
    asked = ruled(FIELDS, 1970, (0, 0, 1, 1)), uncertainty_class(FIELDS), month(FIELDS)
    found = frame({}).select(one.alias(str(place)) for place, one in enumerate(asked)).collect()
    assert found.dtypes == [pl.UInt8] * 3


def test_every_rule_is_described_in_one_sentence() -> None:
    for text in {**RULES, **OWN_RULES}.values():
        assert text
        assert not text.endswith(".")
