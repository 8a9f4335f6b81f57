"""Builds a release from sources: reads them, names their taxa, and packs the world stretch by stretch."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple, TypeVar

import numpy as np

from geoid.core.features import RESOLUTIONS
from geoid.seeding.bits import Keys, Numbers, taken_apart
from geoid.seeding.heap import BINS, Run
from geoid.seeding.packing import Packed, packed
from geoid.seeding.presence import present
from geoid.seeding.pyramid import entries, levels
from geoid.seeding.union import NOTHING, Held, joined

STRETCH = 300_000
"""Keys and records that a stretch of the world has at most, unless a single cell of resolution 2 has more."""

WORKERS, AHEAD = 2, 3
"""Threads that pack, and stretches that are in work at a time: numpy and zstd do their work without Python's lock."""

Given = TypeVar("Given")
Answer = TypeVar("Answer")


class World(NamedTuple):
    """All that a release is made of: runs of keys, ranges and counts by resolution, and the numbers of taxa.

    `ranks` turns the numbers of the keys' taxa into those of the release, `taxa` is how many it has.
    """

    runs: Sequence[Run]
    ranks: Numbers
    taxa: int
    counted: dict[int, Held]
    ranges: dict[int, Held]


class Worked(NamedTuple):
    """A stretch of the world, packed, and where its taxa occur."""

    packed: tuple[Packed, ...]
    present: dict[int, Keys]
    size: int
    """Keys and records that it was made of."""


def stretches(world: World) -> Iterator[tuple[int, int]]:
    """The bins (cells of resolution 2) from and up to before which each stretch goes."""
    weight = sum((np.diff(run.bins) for run in world.runs), np.zeros(BINS, np.int64))
    for held in (world.counted, world.ranges):
        for resolution, some in held.items():
            bins = (some.cells >> np.uint64(3 * (resolution - RESOLUTIONS[0]))).astype(np.int64)
            weight = weight + np.bincount(bins, minlength=BINS)
    ends = np.cumsum(weight)
    first = 0
    while first < BINS and ends[-1] > (ends[first - 1] if first else 0):
        before = ends[first - 1] if first else 0
        last = max(int(np.searchsorted(ends, before + STRETCH, side="right")), first + 1)
        yield first, last
        first = last


def work(world: World) -> Iterator[Worked]:
    """Pack the world, on several threads, in the order of its cells."""
    loads = (_load(world, first, last) for first, last in stretches(world))
    return _ahead(lambda load: _worked(world, load), loads)


class _Loaded(NamedTuple):
    first: int
    last: int
    keys: Keys
    counts: Numbers


def _load(world: World, first: int, last: int) -> _Loaded:
    """The keys of a stretch; on one thread, because runs on the disk share a file."""
    some = [run.between(first, last) for run in world.runs]
    keys = np.concatenate([keys for keys, _ in some]) if some else np.zeros(0, np.uint64)
    counts = np.concatenate([counts for _, counts in some]) if some else np.zeros(0, np.uint32)
    return _Loaded(first, last, keys, counts.astype(np.int64))


def _worked(world: World, load: _Loaded) -> Worked:
    taken = taken_apart(load.keys)
    ranks = world.ranks[taken.taxa]
    wanted = ranks >= 0
    found = entries(taken.cells[wanted], ranks[wanted], taken.details[wanted], load.counts[wanted], max(world.taxa, 1))
    of = {resolution: _between(world, load, resolution) for resolution in RESOLUTIONS}
    united = [joined(level, *of[level.resolution]) for level in levels(found)]
    some = [one for one in united if len(one.cells)]
    size = len(load.keys) + sum(len(held.cells) for pair in of.values() for held in pair)
    return Worked(tuple(packed(one) for one in some), present(some), size)


def _between(world: World, load: _Loaded, resolution: int) -> tuple[Held, Held]:
    counted, ranges = (held.get(resolution, NOTHING) for held in (world.counted, world.ranges))
    return counted.between(load.first, load.last, resolution), ranges.between(load.first, load.last, resolution)


def _ahead(do: Callable[[Given], Answer], given: Iterable[Given]) -> Iterator[Answer]:
    """Do something with each, on threads, a few at a time; the answers come in order."""
    waiting: deque[Future[Answer]] = deque()
    with ThreadPoolExecutor(WORKERS) as threads:
        for one in given:
            waiting.append(threads.submit(do, one))
            if len(waiting) == AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
