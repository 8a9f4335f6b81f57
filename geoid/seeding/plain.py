"""Tables that people make themselves: what, where and when, under the names such columns usually have."""

from __future__ import annotations

import polars as pl

from geoid.seeding.binomials import binomial, capitalized
from geoid.seeding.columns import Columns
from geoid.seeding.darwin import said
from geoid.seeding.eventdates import dated
from geoid.seeding.sources import Fields

LICENCE = "not stated: ask whoever made the table"

NAMES = (*("scientificname", "species", "speciesname", "taxon", "taxonname", "latinname", "latin", "binomial", "name"),)
LATITUDES = ("decimallatitude", "latitude", "lat", "y")
LONGITUDES = ("decimallongitude", "longitude", "long", "lon", "lng", "x")
DATES = ("eventdate", "observedon", "observationdate", "date", "datum", "datetime", "timestamp")
UNCERTAINTIES = (
    *("coordinateuncertaintyinmeters", "coordinateuncertainty", "uncertaintyinmeters", "uncertaintym", "uncertainty"),
    *("positionalaccuracy", "accuracyinmeters", "accuracym", "accuracy"),
)
COMMON_NAMES = ("commonname", "vernacularname", "englishname")
EPITHET = r"^\s*[\p{Ll}-]+\s*$"


def is_plain(columns: Columns) -> bool:
    """Whether they say what and where."""
    return all(columns.first(names) is not None for names in (NAMES, LATITUDES, LONGITUDES))


def plain_fields(columns: Columns) -> Fields:
    """What a table says; terms of Darwin Core count if it has some."""
    name, latitude, longitude = (columns.first(names) for names in (NAMES, LATITUDES, LONGITUDES))
    assert name is not None
    assert latitude is not None
    assert longitude is not None
    uncertainty, common = columns.first(UNCERTAINTIES), columns.first(COMMON_NAMES)
    position = columns.tolerant(latitude), columns.tolerant(longitude)
    fields = Fields(_species(columns, name), *position, None, None, *dated(columns, DATES))
    return said(columns, fields)._replace(
        uncertainty=None if uncertainty is None else columns.tolerant(uncertainty),
        common_name=None if common is None else columns.text(common),
    )


def _species(columns: Columns, name: str) -> pl.Expr:
    """From a name that may be in lower case, or an epithet only, with the genus beside it."""
    written = columns.written(name)
    genus = columns.text("genus")
    if genus is not None:
        epithet = written.str.contains(EPITHET) & genus.is_not_null()
        written = pl.when(epithet).then(genus.str.strip_chars() + " " + written.str.strip_chars()).otherwise(written)
    return binomial(capitalized(written.str.strip_chars()))
