"""Which kind of table of occurrences this is, by its columns; and what is missing from one that nearly is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import polars as pl

from geoid.seeding import darwin, ebird, gbif, inaturalist, plain
from geoid.seeding.columns import Columns, folded
from geoid.seeding.sources import Fields

SHOWN = 12
"""So many columns of a table are named in a message."""

PARTNERS = {
    "decimallatitude": "decimalLongitude",
    "decimallongitude": "decimalLatitude",
    "latitude": "longitude",
    "longitude": "latitude",
    "lat": "lon",
    **dict.fromkeys(("lon", "lng", "long"), "lat"),
    "y": "x",
    "x": "y",
}
"""Where one half of a position is called so, the other half is expected to be called so."""

NEEDED = ((plain.NAMES, "scientific_name"), (plain.LATITUDES, "latitude"), (plain.LONGITUDES, "longitude"))


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a table says things: its kind, what its users must know of its licence, and its fields."""

    kind: str
    """`gbif-csv`, `gbif-parquet`, `darwin-core`, `ebird`, `inaturalist` or `table`."""

    licence: str
    fields: Fields


@dataclass(frozen=True, slots=True)
class _Kind:
    name: str
    takes: Callable[[Columns], bool]
    fields: Callable[[Columns], Fields]
    licence: str


KINDS = (
    _Kind("ebird", ebird.is_ebird, ebird.ebird_fields, ebird.LICENCE),
    _Kind("gbif-csv", gbif.is_gbif, gbif.gbif_fields, gbif.LICENCE),
    _Kind("inaturalist", inaturalist.is_inaturalist, inaturalist.inaturalist_fields, inaturalist.LICENCE),
    _Kind("darwin-core", darwin.is_darwin_core, darwin.darwin_fields, darwin.LICENCE),
    _Kind("table", plain.is_plain, plain.plain_fields, plain.LICENCE),
)
"""The first that takes a table reads it, the most particular come first."""


def dialect_of(schema: Mapping[str, pl.DataType]) -> Dialect | None:
    """The dialect of a table with these columns, if it says what and where."""
    columns = Columns(schema)
    kind = _kind(columns)
    if kind is None:
        return None
    typed = kind.name == "gbif-csv" and any(dtype != pl.String for dtype in schema.values())
    return Dialect("gbif-parquet" if typed else kind.name, kind.licence, kind.fields(columns))


def is_table(columns: Iterable[str]) -> bool:
    """Whether some dialect takes these columns, or they are iNaturalist's observations, which need their taxa."""
    named = list(columns)
    return inaturalist.is_observations(named) or _kind(_columns(named)) is not None


def _columns(named: Iterable[str]) -> Columns:
    return Columns(dict.fromkeys(named, pl.String()))


def _kind(columns: Columns) -> _Kind | None:
    return next((kind for kind in KINDS if kind.takes(columns)), None)


def lacking(columns: Iterable[str]) -> str:
    """What a table lacks to be one of occurrences: `has scientificName but no latitude and no longitude; columns …`."""
    named = list(columns)
    known = {folded(name): name for name in reversed(named)}
    found = [next((known[name] for name in names if name in known), None) for names, _ in NEEDED]
    partners = [PARTNERS.get(folded(other or "")) for other in (None, found[2], found[1])]
    missing = [
        f"no {partner or expected}"
        for here, partner, (_, expected) in zip(found, partners, NEEDED, strict=True)
        if here is None
    ]
    has = " and ".join(here for here in found if here is not None)
    what = f"{has} but {' and '.join(missing)}" if has else " and ".join(missing)
    return f"has {what}; columns found: {_listed(named)}"


def _listed(named: list[str]) -> str:
    shown = ", ".join(name or "(no name)" for name in named[:SHOWN])
    return f"{shown} and {len(named) - SHOWN} more" if len(named) > SHOWN else shown
