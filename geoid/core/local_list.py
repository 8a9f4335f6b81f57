"""The species list of a place: what occurs there and when, what does not, and why; `predict` ranks by the same."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np

from geoid.core.areas import Areas, narrowed
from geoid.core.attempts import Attempt
from geoid.core.evidence import SEASON_FROM, STATUSES, match, weigh
from geoid.core.features import COUNTS, Features, Flag, Records, in_order
from geoid.core.places import cells_around
from geoid.core.predictions import LocalStatus, LookupFacts, Narrowing
from geoid.core.releases import ReleaseTaxon, TaxonFlag
from geoid.core.values import Coordinates
from geoid.errors import NoLocationError

INCLUDED = (LocalStatus.EXPECTED, LocalStatus.INTRODUCED, LocalStatus.DOMESTIC)
ALL_YEAR = tuple(range(1, 13))
EVERY = 0xFFF
"""The bits of all months."""


class LocalTaxon(NamedTuple):
    """A taxon at a place: geo score (none: unknown), status, the months in which it occurs there, and what says so."""

    taxon: ReleaseTaxon
    geo_score: float | None
    status: LocalStatus
    months: tuple[int, ...]
    source: str

    @property
    def included(self) -> bool:
        """Whether it is to be expected."""
        return self.status in INCLUDED


class LocalList(NamedTuple):
    """All taxa of a release at a place, in the order of their scores and keys, and the coverage of the model."""

    cell: str
    taxa: tuple[LocalTaxon, ...]
    narrowing: Narrowing
    lookup: LookupFacts


def local_list(areas: Areas, place: Coordinates, month: int | None) -> LocalList:
    """Every taxon of the release in force at a place in a month (1..12, or none for the year).

    Raises `UnavailableError` where the data cannot be had,
    and `NoLocationError` for a place known to no better than 200 km.
    """
    attempt = Attempt()
    release = areas.release(attempt)
    cells = cells_around(place)
    if not cells:
        raise NoLocationError("the place is known to no better than 200 km", "give a better one")
    fetched = areas.features(release, cells, attempt)
    listed = areas.taxa(release)
    features = joined((*fetched.features, *areas.overflow(release, cells)))
    evidence = weigh(features, match([taxon.key for taxon in listed], listed), month)
    months = _months(features)
    found = [
        _local(taxon, evidence.scores[taxon.number], STATUSES[evidence.statuses[taxon.number]], months)
        for taxon in listed
    ]
    found.sort(key=lambda one: (-(one.geo_score or 0), one.taxon.key))
    return LocalList(
        cells[0],
        tuple(found),
        narrowed(release, areas.matched(release), fetched._replace(features=features), areas.mode),
        attempt.facts(),
    )


def joined(features: Sequence[Features]) -> tuple[Features, ...]:
    """Values and their overflow as one for each resolution."""
    by_resolution: dict[int, list[Features]] = defaultdict(list)
    for one in features:
        by_resolution[one.resolution].append(one)
    return tuple(
        parts[0]._replace(records=in_order(np.concatenate([part.records for part in parts])))
        for parts in by_resolution.values()
    )


def _local(taxon: ReleaseTaxon, score: float, status: LocalStatus, months: dict[int, tuple[int, ...]]) -> LocalTaxon:
    if taxon.flags & TaxonFlag.WORLDWIDE:
        return LocalTaxon(taxon, 1.0, LocalStatus.EXPECTED, ALL_YEAR, "worldwide")
    if taxon.flags & TaxonFlag.DOMESTIC and status is LocalStatus.NOT_RECORDED:
        return LocalTaxon(taxon, None, LocalStatus.DOMESTIC, ALL_YEAR, "domestic")
    return LocalTaxon(taxon, None if np.isnan(score) else float(score), status, months.get(taxon.number, ()), "area")


def _months(features: Sequence[Features]) -> dict[int, tuple[int, ...]]:
    """The months of each taxon: those of its finest range record, and those in which it was recorded.

    A range that only touches the cell has months too. Records without a month are of the whole year, unless a range
    knows better.
    """
    ranges: dict[int, int] = {}
    seen: dict[int, int] = {}
    for one in sorted(features, key=lambda one: one.resolution):
        for taxon, year, dated, flags in _rows(one.records):
            if flags & Flag.RANGE:
                ranges[taxon] = dated or (EVERY if year and not flags & Flag.MIGRANT else 0)
            elif year and (taxon not in seen or (dated and (not seen[taxon] or COUNTS[year] >= SEASON_FROM))):
                seen[taxon] = dated  # the finest cell with enough records, else the one with the most
    undated = {taxon: dated or EVERY for taxon, dated in seen.items()}
    found = {taxon: ranges[taxon] | seen.get(taxon, 0) for taxon in ranges}
    return {taxon: _listed(months) for taxon, months in (undated | found).items()}


def _rows(records: Records) -> Iterator[tuple[int, int, int, int]]:
    """Taxon, weight of the year, months as bits and flags of each record."""
    months = (records["months"] > 0) @ (1 << np.arange(12))
    columns = (records["taxon"], records["year"], months, records["flags"])
    return zip(*(column.tolist() for column in columns), strict=True)


@cache
def _listed(months: int) -> tuple[int, ...]:
    """The months of these bits."""
    return tuple(month for month in ALL_YEAR if months >> (month - 1) & 1)


def within(taxa: Sequence[LocalTaxon], group: str) -> tuple[LocalTaxon, ...]:
    """Those taxa that belong to a group, which is any name in their lineages, such as Aves or Felidae."""
    wanted = group.lower()
    return tuple(one for one in taxa if wanted in {name.lower() for name in one.taxon.lineage.values()})
