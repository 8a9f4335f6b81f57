"""The eBird Basic Dataset: upper-case headers with spaces, `X` for uncounted birds, a nameless column at the end."""

from __future__ import annotations

import polars as pl

from geoid.seeding.binomials import CROSS
from geoid.seeding.columns import Columns, either, matches
from geoid.seeding.eventdates import dated
from geoid.seeding.rules import NOT_APPROVED
from geoid.seeding.sources import Fields

LICENCE = "eBird data terms of use: no redistribution"
NEEDED = ("scientificname", "latitude", "longitude", "observationdate")
ITS_OWN = ("samplingeventidentifier", "globaluniqueidentifier", "taxonconceptid", "observationcount")

SINGLE = r"^(\p{Lu}[\p{Ll}-]+ \p{Ll}[\p{Ll}-]+)(?:[\s(\[]|$)"
"""Genus and epithet; `Anas sp.` and `Anas rubripes/platyrhynchos` have none."""

MANY = "(?i-u)^(?:spuh|slash|hybrid)$"
ONE = "(?i-u)^(?:species|issf|form|intergrade|domestic)$"
"""Categories; `Setophaga coronata coronata x auduboni` is an intergrade, of one species."""

SPECIES, DOMESTIC = "(?i-u)^species$", "(?i-u)^domestic$"
NATURALIZED, ESCAPED = "^[NP]$", "^X$"
"""Exotic codes: naturalized and provisional are introduced; an escapee lives with no others of its kind."""

FAR_KM = 10.0
"""A count along a longer way is as uncertain as the way is long; the position is where it began."""

METRES_PER_KM = 1000.0
BIRDS = {"kingdom": "Animalia", "phylum": "Chordata", "class": "Aves"}


def is_ebird(columns: Columns) -> bool:
    """Whether they are of eBird's dataset."""
    return all(name in columns for name in NEEDED) and columns.first(ITS_OWN) is not None


def ebird_fields(columns: Columns) -> Fields:
    """What the dataset says; it has no uncertainty but the length of the way."""
    name, exotic = _species(columns), columns.text("exoticcode")
    not_approved = matches(columns.text("approved"), "(?i-u)^(?:0|false)$")
    return Fields(
        name,
        columns.measured("latitude"),
        columns.measured("longitude"),
        _key(columns),
        _way(columns),
        *dated(columns, ("observationdate",)),
        absent=matches(columns.text("observationcount"), "^0+$"),
        captive=either(matches(columns.text("category"), DOMESTIC), matches(exotic, ESCAPED)),
        introduced=matches(exotic, NATURALIZED),
        lineage={rank: pl.lit(group) for rank, group in BIRDS.items()} | {"genus": name.str.extract(r"^(\S+)")},
        common_name=_common_name(columns, name),
        dropped={} if not_approved is None else {NOT_APPROVED: not_approved},
    )


def _species(columns: Columns) -> pl.Expr:
    """Older releases have the subspecies in the column of the species; of both only the species counts."""
    written = columns.written("scientificname")
    crossed = written.str.contains(CROSS)
    category = columns.text("category")
    if category is not None:
        crossed = (crossed & ~_is(category, ONE)) | _is(category, MANY)
    return pl.when(~crossed).then(written.str.extract(SINGLE))


def _is(category: pl.Expr, pattern: str) -> pl.Expr:
    return category.str.contains(pattern).fill_null(value=False)


def _key(columns: Columns) -> pl.Expr | None:
    """The concept, of a species; that of a subspecies is another one."""
    concept, category = columns.text("taxonconceptid"), columns.text("category")
    return None if concept is None or category is None else pl.when(_is(category, SPECIES)).then(concept)


def _common_name(columns: Columns, name: pl.Expr) -> pl.Expr | None:
    common = columns.text("commonname")
    return None if common is None else pl.when(columns.written("scientificname") == name).then(common)


def _way(columns: Columns) -> pl.Expr | None:
    way = columns.number("effortdistancekm")
    return None if way is None else pl.when(way > FAR_KM).then(way * METRES_PER_KM)
