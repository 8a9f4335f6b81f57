"""A second implementation of each port: a table says what is in which photo, and what is known of which cell.

They pass the same contract suites as the real ones, so the tests of everything above a port may stand on them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from geoid.core.ports import Scores
from geoid.core.releases import Contents, ListedRelease, Pointer, Release, ReleaseTaxon, packed, taxon_row, unpacked
from geoid.core.rows import Block, blocks_of
from geoid.core.values import Capture, Photo
from geoid.errors import BrokenPhoto, ReleaseGone, UnavailableError


@dataclass(frozen=True, slots=True)
class TableClassifier:
    """Answers with the row of probabilities that stands for a photo's bytes; a photo without a row is broken."""

    rows: Mapping[bytes, Sequence[float]]
    classes: int

    def classify(self, photos: Sequence[Photo]) -> Scores:
        """Look each photo up."""
        found = [self._row(photo) for photo in photos]
        shares = np.array(found, dtype=np.float32).reshape(len(found), self.classes)
        shares /= shares.sum(axis=1, keepdims=True)
        logits: NDArray[np.float32] = np.log(np.maximum(shares, 1e-12))
        return Scores(logits, shares)

    def _row(self, photo: Photo) -> Sequence[float]:
        try:
            return self.rows[photo.data]
        except KeyError:
            raise BrokenPhoto(f"{photo.name}: the image is truncated or damaged") from None


@dataclass(frozen=True, slots=True)
class TableMetadata:
    """Answers with the capture that stands for a photo's bytes, or with an empty one."""

    captures: Mapping[bytes, Capture]

    def read(self, photo: Photo) -> Capture:
        """Look the photo up."""
        return self.captures.get(photo.data, Capture())


def release_of(contents: Contents) -> Release:
    """The address of a release."""
    return Release(contents.name, contents.kind, contents.digest())


class TableStore:
    """A `FeatureStore` over releases in memory.

    `asked` lists the cells of each request for features, `taxa_read` the releases whose taxa were read; while it is
    `down` it answers nothing, as a server that is gone.
    """

    def __init__(self, *contents: Contents) -> None:
        self._held = {one.digest(): one for one in contents}
        self.asked: list[tuple[str, ...]] = []
        self.timeouts: list[float | None] = []
        self.taxa_read: list[str] = []
        self.down = False

    def features(self, release: Release, cells: Sequence[str], timeout: float | None = None) -> Mapping[str, bytes]:
        """The feature bytes of those cells that have any."""
        self.asked.append(tuple(cells))
        self.timeouts.append(timeout)
        return _chosen(self._of(release).cells, cells)

    def overflow(self, release: Release, cells: Sequence[str]) -> Mapping[str, bytes]:
        """The feature bytes of the taxa that did not fit."""
        return _chosen(self._of(release).overflow, cells)

    def taxa(self, release: Release, timeout: float | None = None) -> Sequence[ReleaseTaxon]:
        """The taxa by number."""
        self.taxa_read.append(release.name)
        return self._of(release).taxa

    def taxon_cells(self, release: Release, key: str, timeout: float | None = None) -> Sequence[str]:
        """The cells where a taxon occurs."""
        contents = self._of(release)
        found = [cells for taxon, cells in zip(contents.taxa, contents.taxon_cells, strict=True) if taxon.key == key]
        return unpacked(packed(found[0])) if found else ()

    def ping(self) -> None:
        """Do nothing, unless it is down."""
        if self.down:
            raise UnavailableError("the table is down")

    def _of(self, release: Release) -> Contents:
        self.ping()
        if release.digest not in self._held:
            raise ReleaseGone(f"release {release.name} is not in this table")
        return self._held[release.digest]


class TablePack:
    """A `Pack` over a release in memory."""

    def __init__(self, contents: Contents, path: Path = Path("table.areas")) -> None:
        self.path = path
        self.release = release_of(contents)
        self.meta = {"sources": contents.sources, "licences": contents.licences}
        self._contents = contents

    def rows(self, table: str) -> Iterator[tuple[object, ...]]:
        """The rows of a table by their key."""
        if table == "taxa":
            pairs = zip(self._contents.taxa, self._contents.taxon_cells, strict=True)
            return iter([taxon_row(taxon, packed(cells)) for taxon, cells in pairs])
        return iter(sorted(self._table(table).items()))

    def blocks(self, table: str) -> Iterator[Block]:
        """The same in blocks."""
        return blocks_of(self.rows(table))

    def count(self, table: str) -> int:
        """How many rows a table has."""
        return len(self._contents.taxa if table == "taxa" else self._table(table))

    def _table(self, table: str) -> Mapping[int, bytes]:
        return {"cells": self._contents.cells, "overflow": self._contents.overflow}[table]


def _chosen(table: Mapping[int, bytes], cells: Sequence[str]) -> Mapping[str, bytes]:
    return {cell: table[int(cell, 16)] for cell in cells if int(cell, 16) in table}


class TableReleases:
    """A `ReleaseStore` over a table; the first of the releases is in force until another is put there."""

    def __init__(self, *releases: Release) -> None:
        self._releases = releases
        self.in_force = releases[0] if releases else None
        self.previous: Release | None = None
        self.down = False
        self.read = 0

    def pointer(self, timeout: float | None = None) -> Pointer:
        """The release in force and the one before."""
        self.read += 1
        if self.down or self.in_force is None:
            raise UnavailableError("the table is down")
        return Pointer(self.in_force, self.previous)

    def list(self) -> Sequence[ListedRelease]:
        """All releases, by name."""
        return [ListedRelease(release, 0, 0, 0.0) for release in sorted(self._releases)]


@dataclass(slots=True)
class TableCache:
    """A `FeatureCache` that forgets nothing before its time; `asked` and `given` list the keys of each request.

    While it is `down` it answers nothing, as a server that is gone; what it holds outlasts that.
    """

    now: Callable[[], float] = time.monotonic
    down: bool = False
    asked: list[tuple[str, ...]] = field(default_factory=list)
    given: list[tuple[str, ...]] = field(default_factory=list)
    _kept: dict[str, tuple[bytes, float]] = field(default_factory=dict)

    def get(self, keys: Sequence[str]) -> Mapping[str, bytes]:
        """The values of those keys that are there and not too old."""
        self.asked.append(tuple(keys))
        self._ensure_up()
        now = self.now()
        found = {key: self._kept[key] for key in keys if key in self._kept}
        return {key: value for key, (value, until) in found.items() if now < until}

    def put(self, values: Mapping[str, bytes], ttl: float) -> None:
        """Keep the values until their time is over."""
        self.given.append(tuple(values))
        self._ensure_up()
        until = self.now() + ttl
        self._kept.update({key: (value, until) for key, value in values.items()})

    def lock(self, key: str, ttl: float) -> bool:
        """Whether nobody held this lock; it is a value like others, but in no list."""
        self._ensure_up()
        now = self.now()
        free = key not in self._kept or self._kept[key][1] <= now
        if free:
            self._kept[key] = (b"", now + ttl)
        return free

    def flush(self) -> None:
        """Forget everything."""
        self._kept.clear()

    def _ensure_up(self) -> None:
        if self.down:
            raise UnavailableError("the cache is down")
