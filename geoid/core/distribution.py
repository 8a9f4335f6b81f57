"""What a release says of one taxon, or of all below one: its records, the cells where it occurs, its evidence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from geoid.core.areas import Areas
from geoid.core.local_list import LocalTaxon
from geoid.core.naming import UNKNOWN, find_taxon
from geoid.core.places import kilometres
from geoid.core.releases import Kind, Release, ReleaseTaxon
from geoid.core.values import Coordinates, Taxon
from geoid.errors import UnknownTaxon

RESOLUTION = 3
"""The resolution of the cells of a taxon; its compacted ones may be coarser."""


class Distribution(NamedTuple):
    """A taxon, the taxa of the release that it is or takes in, and the cells where any of them occurs, compacted."""

    release: Release
    taxon: Taxon
    members: tuple[ReleaseTaxon, ...]
    cells: tuple[str, ...]

    @property
    def occurrences(self) -> int:
        """Its records world-wide."""
        return sum(one.occurrences for one in self.members)

    @property
    def evidence(self) -> Kind:
        """What kind of evidence there is of it: in a mixed release a taxon without records has ranges only."""
        return self.release.kind if self.release.kind is not Kind.MIXED or self.occurrences else Kind.RANGES

    @property
    def flags(self) -> int:
        """The `TaxonFlag` that all its members share."""
        shared = -1
        for one in self.members:
            shared &= one.flags
        return shared

    def size(self) -> int:
        """In how many cells of `RESOLUTION` it occurs."""
        return len(self._uncompacted())

    def distance_km(self, place: Coordinates) -> float | None:
        """How far the nearest cell is, centre to place; none where it has no cell."""
        import h3
        import numpy as np

        centres = [h3.cell_to_latlng(cell) for cell in self._uncompacted()]
        return float(kilometres(place, np.array(centres)).min()) if centres else None

    def _uncompacted(self) -> frozenset[str]:
        """Its cells, each once: those of one member may lie in a coarser one of another."""
        import h3

        return frozenset(h3.uncompact_cells(self.cells, RESOLUTION)) if self.cells else frozenset()

    def likeliest(self, listed: Iterable[LocalTaxon]) -> LocalTaxon | None:
        """Of a place's list the member that is likeliest there."""
        keys = {one.key for one in self.members}
        below = (one for one in listed if one.taxon.key in keys)
        return min(below, key=lambda one: (not one.included, -(one.geo_score or 0)), default=None)


def distribution(areas: Areas, name: str, table: Iterable[Taxon]) -> Distribution:
    """Find what goes by a scientific or common name in the release in force; `table` knows more names for it.

    Raises `UnknownTaxon`, with the nearest names as hint, and `UnavailableError`.
    """
    release = areas.release()
    listed = areas.taxa(release)
    taxon = _find(name, release, listed, tuple(table))
    members = tuple(_members(taxon, listed))
    if not members:
        known = f"{taxon.scientific_name} ({taxon.common_name})" if taxon.common_name else taxon.scientific_name
        raise UnknownTaxon(f"release {release.name} has no {known}", "seed a release with records or ranges of it")
    return Distribution(release, taxon, members, areas.range_cells([one.key for one in members]))


def _find(name: str, release: Release, listed: Sequence[ReleaseTaxon], table: Sequence[Taxon]) -> Taxon:
    """The taxon of that name, those of the release first, then what they belong to, then others that have a name."""
    common = {one.scientific_name.lower(): one.common_name for one in table}
    above = {name: rank for one in listed for rank, name in one.lineage.items()}
    names = [Taxon(one.key, one.scientific_name, _called(one, common), one.rank, one.lineage) for one in listed]
    groups = [Taxon(_key(group), group, common.get(group.lower()), rank, {}) for group, rank in above.items()]
    try:
        return find_taxon(name, (*names, *groups, *table))
    except UnknownTaxon as error:
        hint = f"release {release.name} has no name like it" if error.hint == UNKNOWN else error.hint
        raise UnknownTaxon(error.message, hint) from None


def _key(name: str) -> str:
    return "-".join(name.lower().split())


def _called(taxon: ReleaseTaxon, common: dict[str, str | None]) -> str | None:
    return taxon.common_name or common.get(taxon.scientific_name.lower())


def _members(taxon: Taxon, listed: Iterable[ReleaseTaxon]) -> Iterator[ReleaseTaxon]:
    """The taxa of the release that are this one or below it."""
    for one in listed:
        if one.key == taxon.key or taxon.scientific_name in one.lineage.values():
            yield one
