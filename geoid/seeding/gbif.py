"""GBIF's downloads: `SIMPLE_CSV`, `SIMPLE_PARQUET` and the interpreted table of its Darwin Core archives."""

from __future__ import annotations

from geoid.seeding.columns import Columns
from geoid.seeding.darwin import LATITUDE, LONGITUDE, said
from geoid.seeding.eventdates import dated
from geoid.seeding.sources import Fields

LICENCE = "per dataset: CC0, CC BY or CC BY-NC, see the download's citation"
NEEDED = ("species", LATITUDE, LONGITUDE)
ITS_OWN = ("specieskey", "gbifid")


def is_gbif(columns: Columns) -> bool:
    """Whether they are of a download from GBIF: there `species` is the accepted one."""
    return all(name in columns for name in NEEDED) and columns.first(ITS_OWN) is not None


def gbif_fields(columns: Columns) -> Fields:
    """What a download says. Its `scientificName` and `taxonKey` may be a synonym's or a subspecies'; not so `species`.

    Years and months are GBIF's reading of `eventDate`, which is looked at only in tables without them.
    """
    own = "year" in columns and "month" in columns
    date = dated(columns, () if own else ("eventdate",))
    latitude, longitude = columns.measured(LATITUDE), columns.measured(LONGITUDE)
    return said(
        columns, Fields(columns.written("species"), latitude, longitude, columns.text("specieskey"), None, *date)
    )
