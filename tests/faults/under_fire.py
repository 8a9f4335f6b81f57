"""A field under fire: real servers behind proxies, two processes under steady load, and what their lookups said."""

from __future__ import annotations

import json
import random
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import h3
import pytest

from geoid import open_settings, packaged, wiring
from geoid.adapters.pack_files import write_pack
from geoid.adapters.postgres_releases import PostgresReleases
from geoid.adapters.sqlite import AreaPack
from geoid.core.features import decode, encode
from geoid.core.releases import Contents
from geoid.core.values import Capture, Coordinates, Location, Source
from geoid.stack.cache import CacheServer
from geoid.stack.postgres import PostgresServer
from geoid.stack.proxy import Proxy

REPORT = pytest.StashKey[list[str]]()
"""The lines that are shown in the end, one a fault."""

LOAD = Path(__file__).with_name("load.py")
PROCESSES, RATE = 2, 60.0
"""Processes under load, and the lookups per second of each."""

HOT = 40
DEADLINE_MS = 300.0
USUAL_OUTCOMES = {"local_hit", "hit", "miss"}
"""What a lookup says while nothing is wrong."""


class Lookup(NamedTuple):
    """One lookup as its process wrote it down; milliseconds, and seconds on the clock that all processes share."""

    at: float
    ms: float
    place: tuple[float, float]
    hot: bool
    status: str = ""
    outcome: str = ""
    release: str | None = None
    species: int | None = None
    error: str = ""

    @property
    def usual(self) -> bool:
        """Whether nothing was wrong."""
        return self.status == "applied" and self.outcome in USUAL_OUTCOMES


class Seen(NamedTuple):
    """What the lookups of one fault said: those during it, and the seconds until all was as usual again."""

    during: Sequence[Lookup]
    recovery: float

    @property
    def errors(self) -> list[str]:
        """The errors of lookups, which there must not be."""
        return [one.error for one in self.during if one.error]

    @property
    def statuses(self) -> Counter[str]:
        """How often each status was given."""
        return Counter(one.status for one in self.during)

    @property
    def outcomes(self) -> Counter[str]:
        """How often each outcome was given."""
        return Counter(one.outcome for one in self.during)

    def percentile(self, percent: int) -> float:
        """A percentile of the time that lookups took, in milliseconds."""
        return statistics.quantiles([one.ms for one in self.during], n=100)[percent - 1]

    def row(self, name: str) -> str:
        """A line of the report."""
        statuses = ", ".join(f"{count} {status}" for status, count in self.statuses.most_common())
        worst = f"{self.percentile(50):7.1f} {self.percentile(99):7.1f} {max(one.ms for one in self.during):7.1f}"
        return f"{name:<34} {len(self.during):>6} {len(self.errors):>6} {worst} {self.recovery:>9.2f}  {statuses}"


HEADING = (
    f"{'fault':<34} {'looked':>6} {'errors':>6} {'p50 ms':>7} {'p99 ms':>7} {'max ms':>7} {'recovered':>9}  statuses"
)


@dataclass
class Field:
    """Servers, proxies and load; `truth` answers from the packs themselves."""

    postgres: PostgresServer
    redis: CacheServer
    to_postgres: Proxy
    to_redis: Proxy
    releases: PostgresReleases
    folder: Path
    truth: Mapping[str, Callable[[tuple[float, float]], int | None]]
    processes: list[subprocess.Popen[str]] = field(default_factory=list)

    def lookups(self, begin: float, end: float = float("inf")) -> list[Lookup]:
        """The lookups that began in a span of time and are done."""
        return [one for lines in self.by_process() for one in lines if begin <= one.at < end]

    def by_process(self) -> Iterator[list[Lookup]]:
        """All lookups of each process."""
        for number in range(PROCESSES):
            lines = (self.folder / f"load-{number}.jsonl").read_text(encoding="utf-8").split("\n")[:-1]
            yield [_lookup(json.loads(line)) for line in lines]

    def fire(self, begin: Callable[[Field], object], end: Callable[[Field], object], seconds: float) -> Seen:
        """Let a fault last for so many seconds, and wait until all is as usual again, 10 s at most."""
        begun = time.monotonic()
        begin(self)
        time.sleep(max(begun + seconds - time.monotonic(), 0))
        end(self)
        ended = time.monotonic()
        while time.monotonic() < ended + 10:
            time.sleep(1.5)
            unusual = [one.at + one.ms / 1000 for one in self.lookups(ended) if not one.usual]
            if not unusual or max(unusual) < time.monotonic() - 1.2:
                break
        return Seen(self.lookups(begun, ended), max(unusual, default=ended) - ended)

    def wrong(self, seen: Sequence[Lookup]) -> list[Lookup]:
        """The lookups that were applied and do not say what the release they name holds."""
        return [
            one
            for one in seen
            if one.status in {"applied", "stale"} and self.truth[one.release or ""](one.place) != one.species
        ]


def _lookup(found: dict[str, Any]) -> Lookup:
    return Lookup(**{**found, "place": tuple(found["place"])})


def settings(store: str, cache: str) -> dict[str, object]:
    """Settings of a process under load: its own cache is small, so that the other tiers have something to do."""
    return {"areas.store": store, "cache.url": cache, "cache.bytes": 40_000}


def start(field: Field, cells: Sequence[str], environment: Mapping[str, object]) -> None:
    """Start the processes, and wait until each has met both servers."""
    chance = random.Random(4)
    hot = [h3.cell_to_latlng(cell) for cell in chance.sample(list(cells), HOT)]
    for number in range(PROCESSES):
        job = {"settings": environment, "hot": hot, "cells": list(cells), "seed": number, "rate": RATE}
        job["result"] = str(field.folder / f"load-{number}.jsonl")
        path = field.folder / f"job-{number}.json"
        path.write_text(json.dumps(job), encoding="utf-8")
        command = [sys.executable, str(LOAD), str(path)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        field.processes.append(subprocess.Popen(command, text=True, **pipes))
    for process in field.processes:
        assert process.stdout.readline() == "ready\n"


def stop(field: Field) -> None:
    """End the processes."""
    for process in field.processes:
        process.communicate(timeout=30)
        assert process.returncode == 0


def european(folder: Path) -> tuple[AreaPack, AreaPack, list[str]]:
    """Two small releases, the second of which lacks one taxon in each cell, and the cells of resolution 3 they have."""
    starter = AreaPack(packaged.folder("areas") / "starter.areas")
    taxa = starter.taxa(starter.release)
    chosen = {cell: value for cell, value in starter.rows("cells") if h3.get_resolution(f"{cell:x}") == 3}
    chosen = {cell: value for cell, value in chosen.items() if _in_europe(f"{cell:x}") and _many(value)}
    fewer = {cell: _without_first(value) for cell, value in chosen.items()}
    packs = []
    for name, cells in (("first", chosen), ("second", fewer)):
        whole = Contents(name, starter.release.kind, tuple(taxa), ((),) * len(taxa), cells, {}, "tests", "CC0-1.0")
        write_pack(whole, folder / f"{name}.areas")
        packs.append(AreaPack(folder / f"{name}.areas"))
    return packs[0], packs[1], [f"{cell:x}" for cell in chosen]


def _in_europe(cell: str) -> bool:
    latitude, longitude = h3.cell_to_latlng(cell)
    return 38 < latitude < 58 and -8 < longitude < 30


def _many(value: bytes) -> bool:
    return len(decode(value).records) > 50


def _without_first(value: bytes) -> bytes:
    features = decode(value)
    return encode(features._replace(records=features.records[1:])).value


def told_by(pack: AreaPack) -> Callable[[tuple[float, float]], int | None]:
    """How many species a pack knows at a place, by the embedded profile."""
    areas = wiring.open_species(open_settings({"areas.store": f"sqlite:{pack.path}"}).settings)

    def species(place: tuple[float, float]) -> int | None:
        return areas.look_up(Capture(Location(Coordinates(*place), Source.ARGUMENT))).narrowing.species_here

    return species
