"""Reads tables of occurrences: each row is dropped by a rule, which counts it, or becomes a key in the heap."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import polars as pl
import polars_h3
from numpy.typing import NDArray

from geoid.errors import AreaDataError
from geoid.seeding.ahead import ahead
from geoid.seeding.bits import COARSEST, FINEST, Numbers, code, details, record_keys
from geoid.seeding.heap import Heap
from geoid.seeding.registry import COMMON, KEY, LINEAGE, NAME, Registry
from geoid.seeding.ruins import refuse_ruins
from geoid.seeding.rules import OUT_OF_RANGE, OUTSIDE, month, ruled, rules_of, settled, swapped, uncertainty_class
from geoid.seeding.sources import Fields, Occurrences, Part, Table

BATCH, AHEAD = 200_000, 2
"""Rows that are worked on at a time, and how many times as many are read meanwhile."""

SYSTEMS = {"gbif-csv": "gbif", "gbif-parquet": "gbif", "darwin-core-archive": "gbif", "inaturalist": "inat"}
"""Whose keys a kind of source has, as tables of synonyms write it: `gbif:5219404`."""

GENUS = "genus"
"""The rank that need not be read: it is the first word of a species' name."""

RULE, LATITUDE, LONGITUDE, DETAILS = "rule", "latitude", "longitude", "details"


class Wanted(NamedTuple):
    """What to keep: records from which year on, and where; cells are true by their code at resolution 3."""

    since: int
    box: tuple[float, float, float, float] | None = None
    """The degrees that records must lie in."""

    cells: NDArray[np.bool_] | None = None
    """The cells that records must lie in."""

    ranges: NDArray[np.bool_] | None = None
    """The cells that ranges are held to."""


@dataclass(slots=True)
class Tally:
    """What became of the rows of a source: how many there were, dropped by rule, and used by taxon."""

    rows: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    taxa: Numbers = field(default_factory=lambda: np.zeros(0, np.int64))
    swapped: int = 0
    """Rows out of range that would be in it if latitude and longitude changed places."""

    def add(self, other: Tally) -> None:
        """Add what another one counted."""
        self.rows += other.rows
        self.dropped.update(other.dropped)
        self.swapped += other.swapped
        longer, shorter = sorted((self.taxa, other.taxa), key=len, reverse=True)
        self.taxa = longer.copy()
        self.taxa[: len(shorter)] += shorter


@dataclass(frozen=True, slots=True)
class Scan:
    """Where rows go, and who is told of bytes and rows read."""

    heap: Heap
    registry: Registry
    wanted: Wanted
    systems: frozenset[str]
    """Of whose keys anything is known; others need not be read."""

    told: Callable[[int, int], None]

    def source(self, source: Occurrences) -> Tally:
        """Read all tables of a source; raises `AreaDataError` for one that cannot be read or is mostly broken."""
        found = Tally()
        self.registry.system = SYSTEMS.get(source.kind, "")
        keyed = self.registry.system in self.systems
        for table, said in source.tables:
            fields = said if keyed else said._replace(key=None)
            tally = Tally()
            for part in table.parts():
                tally.add(self._part(part, fields, table))
            refuse_ruins(table, tally.rows)
            found.add(tally)
        return found

    def _part(self, part: Part, fields: Fields, table: Table) -> Tally:
        """One part: at full speed first, and carefully if that shows that lines are broken."""
        if part.careful is None:
            return self._rows(part, fields)
        self.heap.mark()
        try:
            found = self._rows(part, fields)
            if part.verified(found.rows):
                return found
        except pl.exceptions.PolarsError:
            pass
        self.heap.rewind()
        found = Tally()
        for careful in part.careful():
            found.add(self._carefully(careful, fields, table))
        return found

    def _carefully(self, part: Part, fields: Fields, table: Table) -> Tally:
        try:
            return self._rows(part, fields)
        except pl.exceptions.PolarsError as error:
            what = f"{table.name}: cannot be read as a table: {str(error).splitlines()[0]}"
            raise AreaDataError(what, "is it damaged, or of another format?") from error

    def _rows(self, part: Part, fields: Fields) -> Tally:
        found, rules = Tally(), rules_of(fields)
        batches = _query(part.frame, fields, self.wanted).collect_batches(maintain_order=True, engine="streaming")
        done = 0
        for rows in ahead(_gathered(batches), AHEAD):
            found.add(self._batch(rows, rules))
            before, done = done, min(part.size * found.rows // part.rows, part.size) if part.rows else 0
            self.told(done - before, rows.height)
        self.told(part.size - done, 0)
        return found

    def _batch(self, rows: pl.DataFrame, rules: tuple[str, ...]) -> Tally:
        rule = rows.get_column(RULE)
        verdicts = np.bincount(rule.to_numpy(), minlength=len(rules) + 1)
        dropped = Counter({rule: int(count) for rule, count in zip(rules, verdicts[1:], strict=True) if count})
        swapped = _swapped(rows) if dropped[OUT_OF_RANGE] else 0
        used = rows.select(NAME, LATITUDE, LONGITUDE, DETAILS).filter(rule == 0)
        places = np.flatnonzero(rule.to_numpy() == 0)
        cells = code(used.select(polars_h3.latlng_to_cell(LATITUDE, LONGITUDE, FINEST)).to_series().to_numpy())
        if self.wanted.cells is not None:
            inside = self.wanted.cells[cells >> np.uint64(6)]
            dropped[OUTSIDE] += int(np.count_nonzero(~inside))
            used, cells, places = used.filter(pl.Series(inside)), cells[inside], places[inside]
        taxa = self.registry.numbers(used.get_column(NAME), rows, places)
        details = used.get_column(DETAILS).to_numpy().astype(np.uint64)
        self.heap.add(record_keys(cells, taxa.astype(np.uint64), details))
        return Tally(rows.height, dropped, np.bincount(taxa), swapped)


def _gathered(batches: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """The same rows, more at a time; put one behind the other, not copied: most strings are never looked at."""
    some: list[pl.DataFrame] = []
    for batch in batches:
        some.append(batch)
        if sum(one.height for one in some) >= BATCH:
            yield pl.concat(some, rechunk=False)
            some = []
    if some:
        yield pl.concat(some, rechunk=False)


def _query(frame: pl.LazyFrame, fields: Fields, wanted: Wanted) -> pl.LazyFrame:
    """The verdict of the rules on each row, and what a row is used for."""
    lineage = {rank: names for rank, names in fields.lineage.items() if rank != GENUS}
    found, said = settled(frame, fields._replace(lineage=lineage))
    introduced = pl.lit(value=False) if said.introduced is None else said.introduced.fill_null(value=False)
    besides = {LINEAGE + rank: names for rank, names in said.lineage.items()}
    besides |= {column: told for column, told in ((KEY, said.key), (COMMON, said.common_name)) if told is not None}
    return found.select(
        ruled(said, wanted.since, wanted.box).alias(RULE),
        said.name.alias(NAME),
        said.latitude.alias(LATITUDE),
        said.longitude.alias(LONGITUDE),
        details(month(said), uncertainty_class(said) - COARSEST, introduced.cast(pl.UInt8)).alias(DETAILS),
        *(told.alias(column) for column, told in besides.items()),
    )


def _swapped(rows: pl.DataFrame) -> int:
    """How many rows would be in range if latitude and longitude changed places."""
    position = Fields(pl.col(NAME), pl.col(LATITUDE), pl.col(LONGITUDE))
    return int(rows.select(swapped(position).sum()).item() or 0)
