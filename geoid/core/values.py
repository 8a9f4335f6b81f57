"""The nouns of geoid: frozen values that know nothing of the outside."""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

RANKS = ("kingdom", "phylum", "class", "order", "family", "genus", "species")
"""Ranks from the root to the leaves (Darwin Core `taxonRank`)."""

MAX_LATITUDE, MAX_LONGITUDE = 90, 180


class Source(StrEnum):
    """Where a location or a date came from."""

    ARGUMENT = "argument"
    EXIF = "exif"
    XMP = "xmp"
    SIDECAR = "sidecar"


@dataclass(frozen=True, slots=True)
class Photo:
    """A photo as read: its bytes and what its header says; width and height in pixels, upright."""

    name: str
    data: bytes = field(repr=False)
    digest: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Coordinates:
    """A position in WGS 84 degrees, with its uncertainty in metres where known.

    Raises `ValueError` outside -90..90 and -180..180 and for anything that is not finite. There are no sentinel
    values: -1, -1 is a place in the Gulf of Guinea.
    """

    latitude: float
    longitude: float
    uncertainty_m: float | None = None

    def __post_init__(self) -> None:
        if not abs(self.latitude) <= MAX_LATITUDE:  # which is false for what is not a number, too
            raise ValueError(f"latitude {self.latitude:g} is outside -90..90")
        if not abs(self.longitude) <= MAX_LONGITUDE:
            raise ValueError(f"longitude {self.longitude:g} is outside -180..180")
        if self.uncertainty_m is not None and not 0 <= self.uncertainty_m < math.inf:
            raise ValueError(f"an uncertainty of {self.uncertainty_m:g} m is not a distance")


class Location(NamedTuple):
    """Coordinates and the source that won."""

    coordinates: Coordinates
    source: Source


class CaptureDate(NamedTuple):
    """The local date of the photo and the source that won."""

    value: datetime.date
    source: Source


class Capture(NamedTuple):
    """Where and when a photo was taken; either may be missing. `problems` are names from `core.problems`."""

    location: Location | None = None
    date: CaptureDate | None = None
    problems: tuple[str, ...] = ()


class Taxon(NamedTuple):
    """A taxon of the class table; `lineage` maps rank to name, from kingdom down to the taxon itself."""

    key: str
    scientific_name: str
    common_name: str | None
    rank: str
    lineage: Mapping[str, str]


class Kind(StrEnum):
    """What sort of thing a class of a model is."""

    WILD = "wild"
    DOMESTIC = "domestic"
    BREED = "breed"
    EXTINCT = "extinct"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Label:
    """One class of a model: its text, its kind, and the taxa it may show (none: not an animal)."""

    index: int
    text: str
    kind: Kind
    taxa: tuple[Taxon, ...] = ()


def no_taxon(name: str) -> Taxon | None:  # noqa: ARG001 - a table without taxa of its own
    """What a class table without a table of taxa knows of a name."""
    return None


class ClassTable(NamedTuple):
    """What a model can name: its labels in the order of its output, and the taxa above them, `find` by name."""

    labels: tuple[Label, ...]
    find: Callable[[str], Taxon | None] = no_taxon

    def ancestor(self, taxon: Taxon, rank: str) -> Taxon:
        """The taxon's ancestor at a rank of its lineage; one the table does not list has no common name."""
        name = taxon.lineage[rank]
        return self.find(name) or Taxon(taxon_key(name), name, None, rank, _down_to(taxon.lineage, rank))


def taxon_key(scientific_name: str) -> str:
    """The stable key of a taxon: its scientific name in lower case, words joined by hyphens."""
    return scientific_name.lower().replace(" ", "-")


def _down_to(lineage: Mapping[str, str], rank: str) -> dict[str, str]:
    return {above: lineage[above] for above in RANKS[: RANKS.index(rank) + 1] if above in lineage}
