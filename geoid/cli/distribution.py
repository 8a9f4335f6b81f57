"""What `geoid species --taxon` says of one taxon: its records, its cells, its status at a place, its map."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from geoid.cli.reasons import REMARKS, coverage, months_text, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from geoid.core.distribution import Distribution
    from geoid.core.local_list import LocalList, LocalTaxon
    from geoid.core.values import Coordinates
    from geoid.formats.maps import MapView

EVIDENCE = {"ranges": "a range", "occurrences": "records", "mixed": "records, and a range where the release has one"}
EVERYWHERE = ("kept by people everywhere", "found world-wide", "doubtful: nothing is concluded from it")
"""What each `TaxonFlag` means, in the order of the bits."""


class Here(NamedTuple):
    """A place, its species list, the taxon or its likeliest member in it, and how far away the nearest cell is."""

    place: Coordinates
    month: int | None
    listed: LocalList
    local: LocalTaxon | None
    distance_km: float | None


def at_place(found: Distribution, listed: LocalList, place: Coordinates, month: int | None) -> Here:
    """What a place's species list says of the taxon."""
    return Here(place, month, listed, found.likeliest(listed.taxa), found.distance_km(place))


def lines(found: Distribution, here: Here | None) -> Iterator[tuple[str, str]]:
    """What is known of the taxon in words, a line for each part."""
    yield "taxon", name(found)
    if len(found.members) > 1:
        yield "members", f"{len(found.members):,} taxa of the release"
    yield "key", found.taxon.key
    yield "release", f"{found.release.name}, {found.release.kind}"
    yield "evidence", ", ".join([EVIDENCE[found.evidence.value], *everywhere(found)])
    if found.evidence.value != "ranges":
        yield "records", f"{found.occurrences:,} world-wide"
    cells = found.size()
    yield "cells", f"{cells:,} of about 12,400 km2 each" if cells else "none"
    if here is not None:
        yield "place", at(found, here)
        if here.listed.narrowing.status.value != "no-data-here":
            yield "coverage", f"{coverage(here.listed.narrowing)}; cell {here.listed.cell}"


def name(found: Distribution) -> str:
    """The taxon's names and rank."""
    taxon = found.taxon
    common = f" ({taxon.common_name})" if taxon.common_name else ""
    return f"{taxon.scientific_name}{common}, {taxon.rank}"


def everywhere(found: Distribution) -> tuple[str, ...]:
    """What holds for it everywhere."""
    return tuple(meaning for bit, meaning in enumerate(EVERYWHERE) if found.flags >> bit & 1)


def at(found: Distribution, here: Here) -> str:
    """What the place says of the taxon, or of its likeliest member."""
    local = here.local
    if here.listed.narrowing.status.value == "no-data-here" or local is None:
        return "no area data for this place"
    parts = [_members(found, here, local) + REMARKS[local.status.value]]
    if local.geo_score is not None:
        parts.append(f"geo score {local.geo_score:.2f}")
    if local.months:
        parts.append(months_text(local.months))
    if local.status.value == "not-recorded" and here.distance_km is not None and len(found.members) == 1:
        parts.append(nearest(here.distance_km))
    return ", ".join(parts)


def _members(found: Distribution, here: Here, local: LocalTaxon) -> str:
    """How many of a group are to be expected, and which is likeliest."""
    if len(found.members) == 1:
        return ""
    keys = {one.key for one in found.members}
    expected = sum(one.included and one.taxon.key in keys for one in here.listed.taxa)
    so_many = f"{expected:,}" if expected else "none"
    return f"{so_many} of {len(keys):,} to be expected; likeliest {local.taxon.scientific_name}: "


def view(found: Distribution, here: Here | None) -> MapView:
    """The map of where it occurs, with the place if there is one."""
    from geoid.formats.maps import MapView

    caption = at(found, here) if here else f"{found.size():,} cells of about 12,400 km2 each"
    return MapView(
        place=here.place if here else None,
        cell=here.listed.cell if here else None,
        occurs=found.cells,
        title=name(found),
        caption=f"{caption} · {found.release.name}",
        mark="place",
    )
