"""Country lists: a line for a taxon in a country or any other region; national lists have no column of countries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import polars as pl

from geoid.seeding.bits import Numbers, starts_of
from geoid.seeding.cells import Shorts
from geoid.seeding.lists import (
    GONE,
    MONTH_BITS,
    NAME,
    UNSURE,
    brought,
    collected,
    find,
    lists_taxa,
    numbered,
    sifted,
    text,
    told,
)
from geoid.seeding.ranges import YEAR, Range
from geoid.seeding.region_names import RegionNames, unknown_regions
from geoid.seeding.region_records import empty_range, records_of_ranges
from geoid.seeding.regions import NOWHERE, Regions
from geoid.seeding.sources import Ranges, Table

COUNTRY = ("country", "countrycode", "region", "area", "location")
NO_REGION, ABSENT = "no-such-region", "absent"
REGION, KIND, IS_GONE = "region", "kind", "gone"
NATIVE, BROUGHT_IN, DOUBTED = range(3)
"""How a taxon is in a region, in the order of `Range`'s parts."""

KINDS = 3


def is_country_list(columns: Sequence[str], *, region_given: bool = False) -> bool:
    """Whether a table with these columns is a country list; where the region is given, its taxa are enough."""
    return (region_given or find(columns, COUNTRY) is not None) and lists_taxa(columns)


def read_country_list(table: Table, regions: Regions, licence: str, region: str | None = None) -> Ranges:
    """Read a list with the columns `country` and `taxon`, or `taxon` alone where `region` is what it is a list of.

    A country is a code of ISO 3166-1 or 3166-2, an English name, or any other region that `Regions` knows. Columns
    `introduced`, `establishment_means` and `status` say how a taxon is there, `month` says when. Raises `AreaDataError`
    for a table that cannot be read, and for a `region` that is none.
    """
    column = find(table.columns, COUNTRY)
    where = text(table.columns, COUNTRY) if column else pl.lit(region, pl.String)
    read = collected(table, {REGION: where, KIND: _kind(table.columns), IS_GONE: told(table.columns, GONE)})
    names = RegionNames(regions)
    known = _known(read.get_column(REGION), names, None if column else region)
    found = [name for name, cells in known.items() if len(cells)]
    no_region = ~pl.col(REGION).is_in(found).fill_null(value=False)
    used, dropped = sifted(read, {ABSENT: pl.col(IS_GONE), NO_REGION: no_region})
    taxa, numbers = numbered(used)
    cells, records = records_of_ranges(_ranges(_presences(used, numbers, found), [known[name] for name in found]))
    said = (*table.remarks, *unknown_regions(names.unknown)), table.broken
    return Ranges(table.name, "country-list", licence, taxa, cells, records, read.height, dropped, *said)


def _kind(columns: Sequence[str]) -> pl.Expr:
    introduced = pl.when(brought(columns)).then(BROUGHT_IN).otherwise(NATIVE)
    return pl.when(told(columns, UNSURE)).then(DOUBTED).otherwise(introduced).cast(pl.Int64)


def _known(written: pl.Series, names: RegionNames, given: str | None) -> dict[str, Shorts]:
    """The cells of each region that a list names; none for those that are no regions."""
    if given is not None:
        every = [names.regions.cells(name) for name in names.find_all(given)]
        return {given: np.unique(np.concatenate(every))}
    listed = written.drop_nulls().unique().sort().to_list()
    found = {name: names.find(name) for name in listed}
    return {name: NOWHERE if region is None else names.regions.cells(region) for name, region in found.items()}


def _presences(rows: pl.DataFrame, numbers: Numbers, found: Sequence[str]) -> Iterator[tuple[Numbers, list[int]]]:
    """How taxa are in which regions, and those that are there so: each presence is region, kind and months in one."""
    places = pl.col(REGION).cast(pl.Enum(found)).to_physical().cast(pl.Int64)
    keyed = rows.select((places * KINDS + pl.col(KIND)).alias(KIND), MONTH_BITS, pl.Series(NAME, numbers))
    merged = keyed.group_by(NAME, KIND).agg(pl.col(MONTH_BITS).bitwise_or()).sort(NAME, KIND)
    presences = merged.select(pl.col(KIND) * (YEAR + 1) + pl.col(MONTH_BITS).cast(pl.Int64)).to_series().to_numpy()
    starts = starts_of(merged.get_column(NAME).cast(pl.UInt64).to_numpy())
    taxa: dict[bytes, list[int]] = defaultdict(list)
    for number, own in enumerate(np.split(presences, starts[1:]) if len(starts) else ()):
        taxa[own.tobytes()].append(number)
    return ((np.frombuffer(own, np.int64), alike) for own, alike in taxa.items())


def _ranges(
    presences: Iterable[tuple[Numbers, list[int]]], cells: Sequence[Shorts]
) -> Iterator[tuple[Range, list[int]]]:
    for own, taxa in presences:
        where = empty_range()
        parts = (where.native, where.introduced, where.doubtful)
        for presence in own.tolist():
            region, kind = divmod(presence // (YEAR + 1), KINDS)
            parts[kind][cells[region]] |= presence % (YEAR + 1)
        yield where, taxa
