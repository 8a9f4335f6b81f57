"""From sources to a release that can be published, with a report of everything that was found on the way."""

from __future__ import annotations

import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np

from geoid.core.digests import Digest
from geoid.core.features import RESOLUTIONS
from geoid.core.releases import Kind, Release
from geoid.errors import AreaDataError
from geoid.seeding.bits import Keys
from geoid.seeding.building import Worked, World, work
from geoid.seeding.built import Built, Spool
from geoid.seeding.census import Book, Census, census, drops
from geoid.seeding.heap import Heap
from geoid.seeding.names import Resolved
from geoid.seeding.presence import compacted
from geoid.seeding.registry import Registry
from geoid.seeding.reports import NamesReport, SeedReport, SourceReport, ValuesReport
from geoid.seeding.requests import Moment, Request, Watch
from geoid.seeding.scan import Scan, Tally, Wanted
from geoid.seeding.sources import Broken, Counted, Occurrences, Ranges, Source, SourceTaxon
from geoid.seeding.union import NOTHING, Held, by_resolution, handed_down, ranks_of, within

NAME = re.compile(r"[^A-Za-z0-9._-]+")
DIGITS = 8
"""So many digits of the digest end the name of a release that was given none."""


class Naming(NamedTuple):
    """How taxa get their names: what a source's taxon is, what is in every release besides, and the report of it."""

    resolve: Callable[[SourceTaxon], Resolved]
    besides: Sequence[Resolved]
    report: Callable[[Sequence[Resolved], Sequence[int], Sequence[int]], NamesReport]
    """Takes the taxa of a release, their records and their cells."""

    systems: frozenset[str] = frozenset()
    """The systems of keys that names are known by, such as `gbif`."""


class Read(NamedTuple):
    """What was read: keys of records, the taxa they name, tallies by source, and the sources that came whole."""

    heap: Heap
    registry: Registry
    tallies: Sequence[Tally]
    occurrences: Sequence[Occurrences]
    others: Sequence[Ranges | Counted]


class Made(NamedTuple):
    """A release, and the report on it."""

    pack: Built
    report: SeedReport


@contextmanager
def making(sources: Sequence[Source], naming: Naming, wanted: Wanted, request: Request, watch: Watch) -> Iterator[Made]:
    """Build a release; what it keeps on the disk is gone when the context ends.

    Raises `AreaDataError` for sources that are damaged or of which nothing is left, `StorageError` for a full disk.
    """
    started = time.monotonic()
    heap, spool = Heap(), Spool()
    try:
        read = _read(sources, heap, wanted, naming.systems, watch)
        names = _census(read, naming, request.taxa)
        world = _world(read, names, wanted)
        title = _Title(request, sources)
        pack, lengths = _packed(_counting(world, read, watch), _kind(world), names, spool, title)
        if not pack.count("cells"):
            swapped = any(tally.swapped for tally in read.tallies)
            hint = "latitude and longitude look swapped" if swapped else "look at --since, --taxa and --area"
            raise AreaDataError(_nothing_left(read, names), hint)
        cells = [len(one) // 8 for one in pack.taxon_cells]
        report = SeedReport(
            _source_reports(sources, read, names),
            naming.report(names.resolved, [taxon.occurrences for taxon in names.taxa], cells),
            _values(lengths, len(pack.overflow)),
            time.monotonic() - started,
            peak_memory(),
        )
        yield Made(pack, report)
    finally:
        heap.close()
        spool.close()


def _read(sources: Sequence[Source], heap: Heap, wanted: Wanted, systems: frozenset[str], watch: Watch) -> Read:
    occurrences = [source for source in sources if isinstance(source, Occurrences)]
    total = sum(table.size for source in occurrences for table, _ in source.tables)
    done = rows = 0

    def told(size: int, count: int) -> None:
        nonlocal done, rows
        done, rows = done + size, rows + count
        watch(Moment("reading", done, total, rows))

    registry = Registry()
    scan = Scan(heap, registry, wanted, systems, told)
    tallies = [scan.source(source) for source in occurrences]
    others = [source for source in sources if not isinstance(source, Occurrences)]
    return Read(heap, registry, tallies, occurrences, others)


def _census(read: Read, naming: Naming, group: str | None) -> Census:
    counts = np.zeros(len(read.registry.taxa), np.int64)
    for tally in read.tallies:
        counts[: len(tally.taxa)] += tally.taxa
    books = [Book(read.registry.taxa, counts, counts > 0), *map(_book, read.others)]
    return census(books, naming.resolve, group, naming.besides)


def _book(source: Ranges | Counted) -> Book:
    present = np.bincount(source.records["taxon"], minlength=len(source.taxa)) > 0
    flagged = np.array([taxon.flags != 0 for taxon in source.taxa], bool)
    counts = source.occurrences if isinstance(source, Counted) else [0] * len(source.taxa)
    return Book(source.taxa, np.array(counts, np.int64), present | flagged)


def _world(read: Read, names: Census, wanted: Wanted) -> World:
    """Everything by the numbers that taxa have in the release."""
    parts: dict[type, list[tuple[Keys, np.ndarray]]] = {Ranges: [], Counted: []}
    for source, ranks in zip(read.others, names.ranks[1:], strict=True):
        cells, records = ranks_of(source.cells, source.records, ranks)
        parts[type(source)].append(within(cells, records, wanted.ranges))
    ranges, counted = (_held(parts[kind]) for kind in (Ranges, Counted))
    return World(read.heap.runs(), names.ranks[0], len(names.taxa), counted, handed_down(ranges))


def _held(parts: Sequence[tuple[Keys, np.ndarray]]) -> dict[int, Held]:
    if not parts:
        return dict.fromkeys(RESOLUTIONS, NOTHING)
    return by_resolution(np.concatenate([cells for cells, _ in parts]), np.concatenate([some for _, some in parts]))


class _Title(NamedTuple):
    """What the name of a release and its meta data are made of."""

    request: Request
    sources: Sequence[Source]

    def name(self, digest: str) -> str:
        """The name that was asked for, or one that no other contents have."""
        first = re.split(r"[/\\]", self.request.sources[0].rstrip("/\\"))[-1].partition(".")[0]
        return self.request.name or f"{NAME.sub('-', first).strip('-.') or 'release'}-{digest[:DIGITS]}"

    def meta(self) -> dict[str, str]:
        """Sources and licences, each once."""
        names = dict.fromkeys(source.name for source in self.sources)
        licences = dict.fromkeys(source.licence for source in self.sources if source.licence)
        return {"sources": "; ".join(names), "licences": "; ".join(licences)}


def _packed(
    stretches: Iterable[Worked], kind: Kind, names: Census, spool: Spool, title: _Title
) -> tuple[Built, dict[int, list[np.ndarray]]]:
    """The release, and the lengths of its values by resolution; without a value where nothing is left."""
    digest = Digest()
    overflow: dict[int, bytes] = {}
    lengths: dict[int, list[np.ndarray]] = {resolution: [] for resolution in RESOLUTIONS}
    present: dict[int, list[Keys]] = {2: [], 3: []}
    for done in stretches:
        for packed in done.packed:
            digest.cells(packed.resolution, packed.heads, packed.records)
            overflow |= packed.overflow
            for block in packed.blocks:
                spool.add(block)
                lengths[packed.resolution].append(block.lengths)
        for resolution, found in done.present.items():
            present[resolution].append(found)
    pairs = {resolution: np.concatenate(some) for resolution, some in present.items() if some}
    cells = list(compacted(pairs, len(names.taxa)))
    for taxon, places in zip(names.taxa, cells, strict=True):
        digest.taxon(taxon, places)
    hexdigest = digest.hexdigest()
    release = Release(title.name(hexdigest), kind, hexdigest)
    return Built(release, title.meta(), names.taxa, cells, spool, overflow), lengths


def _counting(world: World, read: Read, watch: Watch) -> Iterator[Worked]:
    total = sum(int(run.bins[-1]) for run in world.runs)
    total += sum(len(held.cells) for some in (world.counted, world.ranges) for held in some.values())
    rows = sum(tally.rows for tally in read.tallies)
    done = 0
    for worked in work(world):
        done += worked.size
        watch(Moment("counting", done, total, rows))
        yield worked


def _kind(world: World) -> Kind:
    counted = any(int(run.bins[-1]) for run in world.runs) or any(len(held.cells) for held in world.counted.values())
    ranged = any(len(held.cells) for held in world.ranges.values())
    if counted and ranged:
        return Kind.MIXED
    return Kind.RANGES if ranged else Kind.OCCURRENCES


def _nothing_left(read: Read, names: Census) -> str:
    dropped: Counter[str] = Counter()
    for tally in read.tallies:
        dropped += tally.dropped + drops(names.verdicts[0][: len(tally.taxa)], tally.taxa)
    said = ", ".join(f"{count:,} {rule}" for rule, count in dropped.most_common())
    return f"nothing is left of the sources; dropped: {said or 'nothing'}"


def _source_reports(sources: Iterable[Source], read: Read, names: Census) -> tuple[SourceReport, ...]:
    """A report for each source, in the order in which they were given."""
    tallies, verdicts = iter(read.tallies), iter(names.verdicts[1:])
    return tuple(
        _of_tables(source, next(tallies), names.verdicts[0])
        if isinstance(source, Occurrences)
        else _of_whole(source, next(verdicts))
        for source in sources
    )


def _of_tables(source: Occurrences, tally: Tally, verdicts: np.ndarray) -> SourceReport:
    by_taxon = drops(verdicts[: len(tally.taxa)], tally.taxa)
    dropped = {rule: count for rule, count in (tally.dropped + by_taxon).most_common() if count}
    tables = [table for table, _ in source.tables]
    remarks = [*source.remarks, *(remark for table in tables for remark in table.remarks)]
    if tally.swapped > tally.rows * SWAPPED:
        remarks.append(f"latitude and longitude look swapped in {tally.swapped:,} rows")
    return SourceReport(
        source.name,
        source.kind,
        source.licence,
        tally.rows,
        tally.rows - sum(dropped.values()),
        sum(table.broken.count for table in tables),
        dropped,
        sum(table.size for table in tables),
        tuple(line for table in tables for line in table.broken.examples),
        tuple(remarks),
    )


SWAPPED = 0.01
"""The share of rows from which on it is said that their coordinates look swapped."""


def _of_whole(source: Ranges | Counted, verdicts: np.ndarray) -> SourceReport:
    records = np.bincount(source.records["taxon"], minlength=len(source.taxa))
    by_taxon = drops(verdicts, records)
    if isinstance(source, Counted):
        rows = len(source.records)
        used = rows - sum(by_taxon.values())
        return SourceReport(source.name, "pack", source.licence, rows, used, 0, dict(by_taxon), 0)
    broken = source.broken or Broken()
    return SourceReport(
        source.name,
        source.kind,
        source.licence,
        source.rows,
        source.rows - sum(source.dropped.values()),
        broken.count,
        dict(Counter(source.dropped) + by_taxon),
        0,
        tuple(broken.examples),
        source.remarks,
    )


def _values(lengths: dict[int, list[np.ndarray]], overflowing: int) -> ValuesReport:
    every = np.concatenate([some for found in lengths.values() for some in found])
    p50, p99 = np.percentile(every, [50, 99], method="higher").tolist()
    cells = {resolution: sum(map(len, found)) for resolution, found in lengths.items()}
    return ValuesReport(cells, int(p50), int(p99), int(every.max()), overflowing)


def peak_memory() -> int:
    """Bytes that this process had at most; 0 where the system does not say."""
    try:
        import resource  # of Unix only
    except ImportError:
        return 0
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024
