"""What Darwin Core's terms say: of any table that has them, such as a museum's export, and of GBIF's downloads."""

from __future__ import annotations

import polars as pl

from geoid.seeding.binomials import binomial
from geoid.seeding.columns import Columns, either, matches
from geoid.seeding.eventdates import dated
from geoid.seeding.sources import Fields

LICENCE = "as its publisher says, see the archive's metadata"
LATITUDE, LONGITUDE = "decimallatitude", "decimallongitude"
RANKS = ("kingdom", "phylum", "class", "order", "family", "genus")

FLAWS = (
    "ZERO_COORDINATE",
    "COORDINATE_OUT_OF_RANGE",
    "COORDINATE_INVALID",
    "COUNTRY_COORDINATE_MISMATCH",
    "PRESUMED_SWAPPED_COORDINATE",
    "PRESUMED_NEGATED_LATITUDE",
    "PRESUMED_NEGATED_LONGITUDE",
)
"""GBIF's geospatial issues: with any of these, `hasGeospatialIssues` is true."""

FLAWED = rf"(?-u:\b)(?:{'|'.join(FLAWS)})(?-u:\b)"
"""Whole words only. Without Unicode the pattern is as fast as a search for one word."""

ABSENT = "(?i-u)^absent$"
NOT_LIVING_FREE = r"(?i-u)^(?:fossil|living)[ _]?specimen$"
CAPTIVE = r"(?i)^\s*(?:in )?(?:captiv|managed|cultivated|domestic|zoo)"
INTRODUCED = r"(?i)^\s*(?:introduced|naturali[sz]ed|invasive|alien|non-?native|exotic|feral)"
SPREAD = r"(?i)^\s*(?:released|failing|casual|reproducing|established|coloni[sz]ing|invasive|widespread ?invasive)"
"""Degrees of establishment of what people brought: all but native, captive and cultivated."""

ABOVE_SPECIES = (
    r"(?i)^\s*(?:domain|(?:sub|infra|super)?(?:kingdom|phylum|class|order|family|tribe|genus)|section|series|"
    r"species[ _]?(?:aggregate|complex|group)|unranked)\s*$"
)


def is_darwin_core(columns: Columns) -> bool:
    """Whether they are Darwin Core's terms for a species and a position."""
    named = "scientificname" in columns or "acceptednameusage" in columns or _has_parts(columns)
    return named and LATITUDE in columns and LONGITUDE in columns


def darwin_fields(columns: Columns) -> Fields:
    """What a table of Darwin Core says that nobody has interpreted."""
    date = dated(columns, ("eventdate",))
    latitude, longitude = columns.tolerant(LATITUDE), columns.tolerant(LONGITUDE)
    return said(columns, Fields(_species(columns), latitude, longitude, None, None, *date))


def _has_parts(columns: Columns) -> bool:
    return "genus" in columns and "specificepithet" in columns


def _species(columns: Columns) -> pl.Expr:
    """The accepted species, else that of genus and epithet, else that of the whole name."""
    names = [columns.text("acceptednameusage"), columns.text("scientificname")]
    if _has_parts(columns):
        names.insert(1, columns.written("genus") + " " + columns.written("specificepithet"))
    species = pl.coalesce([binomial(name) for name in names if name is not None])
    rank = columns.text("taxonrank")
    if rank is None:
        return species
    return pl.when(~rank.str.contains(ABOVE_SPECIES).fill_null(value=False)).then(species)


def said(columns: Columns, fields: Fields) -> Fields:
    """Add what the terms say beside species, position and date."""
    lineage = {rank: text for rank in RANKS if (text := columns.text(rank)) is not None}
    means, degree = columns.text("establishmentmeans"), columns.text("degreeofestablishment")
    return fields._replace(
        uncertainty=columns.number("coordinateuncertaintyinmeters"),
        absent=_absent(columns),
        flawed=either(_issue(columns), columns.true("hasgeospatialissues")),
        captive=either(
            matches(columns.text("basisofrecord"), NOT_LIVING_FREE), matches(means, CAPTIVE), matches(degree, CAPTIVE)
        ),
        introduced=either(matches(means, INTRODUCED), matches(degree, SPREAD)),
        lineage=lineage,
        common_name=columns.text("vernacularname"),
    )


def _absent(columns: Columns) -> pl.Expr | None:
    """Old tables have no status; there a count of none says it."""
    status = matches(columns.text("occurrencestatus"), ABSENT)
    count = columns.number("individualcount")
    return status if status is not None or count is None else (count == 0).fill_null(value=False)


def _issue(columns: Columns) -> pl.Expr | None:
    """Whether `issue` has a flaw: a text joined by semicolons, or a list of texts, or a list of structures of one."""
    if "issue" not in columns:
        return None
    kind = columns.dtype("issue")
    if not isinstance(kind, pl.List):
        return matches(columns.text("issue"), FLAWED)
    element = pl.element()
    if isinstance(kind.inner, pl.Struct):
        element = element.struct.field(kind.inner.fields[0].name)
    return columns.column("issue").list.eval(element.is_in(FLAWS)).list.any().fill_null(value=False)
