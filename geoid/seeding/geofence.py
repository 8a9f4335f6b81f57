"""SpeciesNet's geofence: for each species the countries, and states of the USA, where it may be, or may not be."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geoid.errors import AreaDataError
from geoid.seeding.cells import SPACE, world
from geoid.seeding.ranges import YEAR, Range
from geoid.seeding.region_names import RegionNames, unknown_regions
from geoid.seeding.region_records import empty_range, records_of_ranges
from geoid.seeding.regions import LAND, Regions
from geoid.seeding.sources import Ranges, SourceTaxon

MAX_GEOFENCE = 64 * 1024 * 1024
"""Bytes that are read: that of SpeciesNet 5 has 2 million."""

RANKS = ("class", "order", "family", "genus", "species")
ALLOW, BLOCK = "allow", "block"
ABOVE, NO_FENCE, NO_REGION = "above-species", "no-fence", "no-such-region"
HINT = "a geofence is a JSON object of `class;order;family;genus;species` with `allow` and `block` by country"

Countries = Mapping[str, tuple[str, ...]]
"""States by country (alpha-3); none for the whole country."""


class Fence(NamedTuple):
    """Where a species is allowed, if anywhere in particular, and where it is blocked: names of `Regions`."""

    allow: frozenset[str]
    block: frozenset[str]


def read_geofence(path: Path, regions: Regions, licence: str) -> Ranges:
    """Read a geofence: a species is only where it is allowed, or everywhere but where it is blocked.

    A species that is neither allowed nor blocked anywhere is one that the geofence says nothing of, and is left out.
    Raises `AreaDataError` for a file that cannot be read or is no geofence, saying where it is not.
    """
    entries = _document(path)
    names, dropped = RegionNames(regions), Counter[str]()
    fenced: dict[Fence, list[int]] = defaultdict(list)
    taxa: list[SourceTaxon] = []
    for key, rules in entries.items():
        taxon = _taxon(path, key)
        allow, block = (_countries(path, key, rules, rule) for rule in (ALLOW, BLOCK))
        fence = Fence(_regions(allow, names), _regions(block, names))
        reason = ABOVE if taxon is None else _reason(allow, block, fence)
        if taxon is None or reason is not None:
            dropped[str(reason)] += 1
            continue
        fenced[fence].append(len(taxa))
        taxa.append(taxon)
    cells, records = records_of_ranges(_ranges(fenced, regions))
    remarks = unknown_regions(names.unknown)
    return Ranges(path.name, "geofence", licence, taxa, cells, records, len(entries), dropped, remarks=remarks)


def _document(path: Path) -> Mapping[str, object]:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_GEOFENCE + 1)
        if len(data) > MAX_GEOFENCE:
            raise AreaDataError(f"{path} is too large for a geofence: more than {MAX_GEOFENCE:,} bytes", HINT)
        document = json.loads(data)
    except OSError as error:
        raise AreaDataError(f"{path}: {error.strerror or error}", "check the file and its permissions") from error
    except (ValueError, RecursionError) as error:
        raise AreaDataError(f"{path} is not JSON: {error}", HINT) from error
    if not isinstance(document, dict):
        raise AreaDataError(f"{path} holds {_kind(document)}, expected an object", HINT)
    return document


def _taxon(path: Path, key: str) -> SourceTaxon | None:
    """The species of an entry; none for a genus and what is above."""
    parts = [" ".join(part.split()) for part in key.split(";")]
    if len(parts) != len(RANKS):
        raise AreaDataError(f"{path}: {key!r} has {len(parts)} parts, expected {len(RANKS)}", HINT)
    *above, epithet = parts
    if not above[-1] or not epithet:
        return None
    lineage = {rank: name.capitalize() for rank, name in zip(RANKS, above, strict=False) if name}
    rank = "subspecies" if " " in epithet else "species"
    return SourceTaxon(f"{above[-1].capitalize()} {epithet.lower()}", lineage=lineage, rank=rank)


def _countries(path: Path, key: str, rules: object, rule: str) -> Countries:
    """The countries of `allow` or `block`; raises `AreaDataError` where they are not what they should be."""
    if not isinstance(rules, dict):
        raise AreaDataError(f"{path}: {key!r} is {_kind(rules)}, expected an object", HINT)
    countries = rules.get(rule)
    if countries is None:
        return {}
    if not isinstance(countries, dict):
        raise AreaDataError(f"{path}: `{rule}` of {key!r} is {_kind(countries)}, expected an object", HINT)
    for country, states in countries.items():
        if not isinstance(states, list) or not all(isinstance(state, str) for state in states):
            raise AreaDataError(f"{path}: `{rule}` of {key!r}: {country!r} is no list of states", HINT)
    return {country: tuple(states) for country, states in countries.items()}


def _kind(value: object) -> str:
    kinds = {dict: "an object", list: "a list", str: "a string", bool: "a truth value", type(None): "nothing"}
    return kinds.get(type(value), "a number")


def _regions(countries: Countries, names: RegionNames) -> frozenset[str]:
    """Those of the countries and states that are known."""
    written = (
        f"{country}-{state}" if state else country for country, states in countries.items() for state in states or ("",)
    )
    return frozenset(region for name in written if (region := names.find(name)) is not None)


def _reason(allow: Countries, block: Countries, fence: Fence) -> str | None:
    """Why a species has no range; none if it has one."""
    if not allow and not block:
        return NO_FENCE
    nowhere = not fence.allow if allow else not fence.block
    return NO_REGION if nowhere else None


def _ranges(fenced: Mapping[Fence, Sequence[int]], regions: Regions) -> Iterator[tuple[Range, Sequence[int]]]:
    everywhere = _parts_in_cells(regions.leaves(LAND), regions)
    for fence, taxa in fenced.items():
        where = empty_range()
        for region in fence.allow:
            where.native[regions.cells(region)] = YEAR
        if not fence.allow:
            where.native[world().codes] = YEAR
        if fence.block:
            allowed, blocked = _leaves(fence.allow, regions), _leaves(fence.block, regions)
            before = _parts_in_cells(allowed, regions) if fence.allow else everywhere
            taken = _parts_in_cells(blocked & allowed if fence.allow else blocked, regions)
            where.native[(taken > 0) & (taken == before)] = 0  # cells that are shared with what stays do so too
        yield where, taxa


def _parts_in_cells(parts: Iterable[str], regions: Regions) -> NDArray[np.int16]:
    """How many of some subdivisions each cell has a share in, by its code."""
    found = np.zeros(SPACE, np.int16)
    for part in parts:
        found[regions.cells(part)] += 1
    return found


def _leaves(names: Iterable[str], regions: Regions) -> set[str]:
    """The subdivisions that regions are made of."""
    return set().union(*(regions.leaves(name) for name in names))
