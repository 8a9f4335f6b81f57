"""Which records count: the rules of cleaning in their order, and how fine a cell a record may enter."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from types import MappingProxyType

import polars as pl

from geoid.seeding.sources import Fields

ABSENT, ABOVE_SPECIES = "absent", "above-species"
NO_POSITION, OUT_OF_RANGE, ZERO_ZERO, FLAWED = "no-position", "out-of-range", "zero-zero", "flawed-position"
NOT_WILD, BEFORE_SINCE, TOO_UNCERTAIN, OUTSIDE = "not-wild", "before-since", "too-uncertain", "outside-area"
NOT_APPROVED, CASUAL_GRADE = "not-approved", "casual-grade"

RULES: Mapping[str, str] = MappingProxyType(
    {
        ABSENT: "the record says that the species was not there",
        ABOVE_SPECIES: "it is identified to a genus or a higher rank, or to no single species",
        NO_POSITION: "latitude or longitude is missing or no number",
        OUT_OF_RANGE: "latitude is beyond 90 degrees or longitude beyond 180",
        ZERO_ZERO: "latitude and longitude are both within 0.01 degrees of zero, which stands for no position",
        FLAWED: "the source itself doubts the position",
        NOT_WILD: "it is a fossil, or an animal kept by people",
        BEFORE_SINCE: "it is from before the first year asked for",
        TOO_UNCERTAIN: "its position is uncertain by more than 200 km",
        OUTSIDE: "it is outside the area asked for",
    }
)
"""The rules that hold for every source, in the order in which they are tried; a row counts for the first it breaks."""

OWN_RULES: Mapping[str, str] = MappingProxyType(
    {
        NOT_APPROVED: "eBird's reviewers did not approve it",
        CASUAL_GRADE: "iNaturalist grades it as casual: no date, no photo, no wild animal",
    }
)
"""The rules of single sources, which come after those."""

NEAR_ZERO, RIGHT_ANGLE, HALF_TURN = 0.01, 90.0, 180.0

CLASSES = ((10_000.0, 5), (32_000.0, 4), (80_000.0, 3), (200_000.0, 2))
"""Metres of uncertainty and the finest H3 resolution for as many; its cells are at least as large."""

STAND_INS = (301.0, 3036.0, 999.0, 9999.0)
"""Uncertainties that georeferencing software writes for want of a better one; they count as 10 to 32 km."""

STAND_IN_CLASS = 4
FINEST = CLASSES[0][1]
DECEMBER = 12

Box = tuple[float, float, float, float]
"""South, west, north, east in degrees; west > east crosses the antimeridian."""


def settled(frame: pl.LazyFrame, fields: Fields) -> tuple[pl.LazyFrame, Fields]:
    """The frame with a column for each field, and the fields as these columns.

    Rules ask for most fields several times. Polars finds few of the repetitions: without this, reading numbers and
    searching texts take twice as long.
    """
    given = {field: told for field, told in fields._asdict().items() if isinstance(told, pl.Expr)}
    given |= {f"lineage {rank}": told for rank, told in fields.lineage.items()}
    given |= {f"dropped {rule}": told for rule, told in fields.dropped.items()}
    columns = {field: pl.col(field) for field in given if " " not in field}
    lineage = {rank: pl.col(f"lineage {rank}") for rank in fields.lineage}
    dropped = {rule: pl.col(f"dropped {rule}") for rule in fields.dropped}
    found = frame.select(told.alias(field) for field, told in given.items())
    return found, fields._replace(**columns, lineage=lineage, dropped=dropped)


def rules_of(fields: Fields) -> tuple[str, ...]:
    """The names of the rules for a table, in their order: the common ones, then its source's own."""
    return (*RULES, *fields.dropped)


def ruled(fields: Fields, since: int, box: Box | None) -> pl.Expr:
    """UInt8: 0 for a row to use, else 1 + the place in `rules_of` of the first rule that drops it."""
    conditions = dict(_conditions(fields, since, box))
    verdict = pl.lit(0, pl.UInt8)
    for place, rule in reversed(tuple(enumerate(rules_of(fields), 1))):
        if rule in conditions:
            broken = conditions[rule].fill_null(value=False)
            verdict = pl.when(broken).then(pl.lit(place, pl.UInt8)).otherwise(verdict)
    return verdict


def _conditions(fields: Fields, since: int, box: Box | None) -> Iterator[tuple[str, pl.Expr]]:
    """When a row breaks a rule, for each rule of which the table says anything."""
    latitude, longitude = fields.latitude, fields.longitude
    yield ABOVE_SPECIES, fields.name.is_null()
    yield NO_POSITION, latitude.is_null() | longitude.is_null() | latitude.is_nan() | longitude.is_nan()
    yield OUT_OF_RANGE, (latitude.abs() > RIGHT_ANGLE) | (longitude.abs() > HALF_TURN)
    yield ZERO_ZERO, (latitude.abs() <= NEAR_ZERO) & (longitude.abs() <= NEAR_ZERO)
    said = {ABSENT: fields.absent, FLAWED: fields.flawed, NOT_WILD: fields.captive, **fields.dropped}
    yield from ((rule, broken) for rule, broken in said.items() if broken is not None)
    if fields.year is not None:
        yield BEFORE_SINCE, fields.year < since
    if fields.uncertainty is not None:
        yield TOO_UNCERTAIN, fields.uncertainty.fill_nan(None) > CLASSES[-1][0]
    if box is not None:
        yield OUTSIDE, ~_inside(latitude, longitude, box)


def _inside(latitude: pl.Expr, longitude: pl.Expr, box: Box) -> pl.Expr:
    south, west, north, east = box
    wide = (longitude >= west, longitude <= east)
    across = wide[0] & wide[1] if west <= east else wide[0] | wide[1]
    return (latitude >= south) & (latitude <= north) & across


def swapped(fields: Fields) -> pl.Expr:
    """Boolean: the row is out of range, but would not be if latitude and longitude changed places."""
    latitude, longitude = fields.latitude.abs(), fields.longitude.abs()
    beyond = (latitude > RIGHT_ANGLE) & (latitude <= HALF_TURN) & (longitude <= RIGHT_ANGLE)
    return beyond.fill_null(value=False)


def uncertainty_class(fields: Fields) -> pl.Expr:
    """UInt8: the finest H3 resolution that the row may enter."""
    if fields.uncertainty is None:
        return pl.lit(FINEST, pl.UInt8)
    metres = fields.uncertainty.fill_nan(None)
    finest = pl.lit(FINEST, pl.UInt8)
    for (limit, _), (_, resolution) in pairwise(CLASSES):
        finest = pl.when(metres > limit).then(pl.lit(resolution, pl.UInt8)).otherwise(finest)
    stand_in = pl.any_horizontal([metres == value for value in STAND_INS])
    return pl.when(stand_in).then(pl.lit(STAND_IN_CLASS, pl.UInt8)).otherwise(finest)


def month(fields: Fields) -> pl.Expr:
    """UInt8: 1 to 12, or 0 where it is unknown."""
    if fields.month is None:
        return pl.lit(0, pl.UInt8)
    known = fields.month.is_between(1, DECEMBER)
    return pl.when(known).then(fields.month).otherwise(pl.lit(0, pl.UInt8))
