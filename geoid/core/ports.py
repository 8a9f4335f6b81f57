"""The ports: what the pipeline needs of the outside. Batch-shaped; each has a contract suite in `tests/contracts`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from geoid.core.releases import ListedRelease, Pointer, Release, ReleaseTaxon
from geoid.core.rows import Block
from geoid.core.values import Capture, Photo


class Scores(NamedTuple):
    """A model's answer to n photos: `logits` and `probabilities`, both (n, classes), float32; rows sum to 1."""

    logits: NDArray[np.float32]
    probabilities: NDArray[np.float32]


class Classifier(Protocol):
    """Says what a photo shows, by its pixels alone."""

    def classify(self, photos: Sequence[Photo]) -> Scores:
        """Score each photo in the order given; raises `BrokenPhoto` when pixels cannot be decoded."""


class MetadataReader(Protocol):
    """Says where and when a photo was taken, by what is written in or beside it."""

    def read(self, photo: Photo) -> Capture:
        """Read location and date; never raises for junk, which becomes a problem in the capture."""


class FeatureStore(Protocol):
    """Holds area data by release; a release is immutable, so what it answered once it answers always.

    Safe to share between threads. `timeout` bounds the whole answer, in seconds; without one the adapter's own bounds
    hold. Every method raises `UnavailableError` when there is no answer, its kind `ReleaseGone` when the release is not
    there (any more), and `SettingsError` when there never will be an answer as things are set: password, certificate,
    database, schema.
    """

    def features(self, release: Release, cells: Sequence[str], timeout: float | None = None) -> Mapping[str, bytes]:
        """The feature bytes of those cells that have any, in one request."""

    def overflow(self, release: Release, cells: Sequence[str]) -> Mapping[str, bytes]:
        """The feature bytes of the taxa that did not fit into a cell's value, for those cells that have any."""

    def taxa(self, release: Release, timeout: float | None = None) -> Sequence[ReleaseTaxon]:
        """The taxa of a release by number."""

    def taxon_cells(self, release: Release, key: str, timeout: float | None = None) -> Sequence[str]:
        """The cells where a taxon occurs, at resolution 3, compacted; none for a taxon the release lacks."""

    def ping(self) -> None:
        """Do nothing if the store answers."""


class ReleaseReader(Protocol):
    """Knows which releases there are, and which one is in force; errors as those of a `FeatureStore`."""

    def pointer(self, timeout: float | None = None) -> Pointer:
        """The release in force, and the one before it; raises `UnavailableError` where none is."""

    def list(self) -> Sequence[ListedRelease]:
        """All releases, by name."""


class AreaStore(FeatureStore, ReleaseReader, Protocol):
    """Holds area data and knows which of it is in force.

    `scope` tells a store that processes share from all others; files, which each reads by itself, have none.
    """

    @property
    def scope(self) -> str | None:
        """The same for all processes that read the same store."""


class Pack(Protocol):
    """A whole release, to be published: `rows` are those of a table of `releases.TABLES`, in its order."""

    @property
    def release(self) -> Release:
        """How it is addressed."""

    @property
    def meta(self) -> Mapping[str, str]:
        """Its `sources` and `licences`, and maybe more."""

    @property
    def size(self) -> int:
        """Its bytes, about: of the file, or of all values."""

    def rows(self, table: str) -> Iterator[tuple[object, ...]]:
        """The rows of a table, its columns as `releases.TABLES` lists them."""

    def blocks(self, table: str) -> Iterator[Block]:
        """The rows of `cells` or `overflow`, many at a time, in any order."""

    def count(self, table: str) -> int:
        """How many rows a table has."""


class ReleaseStore(ReleaseReader, Protocol):
    """Publishes releases and puts one in force; each change happens wholly or not at all, whatever is killed when."""

    @property
    def remarks(self) -> Sequence[str]:
        """What whoever has just published should know besides, such as rights that are missing."""

    def publish(self, pack: Pack, progress: Callable[[int], None] = ...) -> bool:
        """Make a release readable, but not yet the one in force; false if it already was, and nothing was written.

        `progress` is told of rows written since it was last told. Raises `AreaDataError` when the name is in use for
        other contents, `ThrottledError` while somebody else publishes.
        """

    def switch(self, name: str) -> Pointer:
        """Put a release in force; raises `UnknownRelease`. Switching to the one in force changes nothing."""

    def prune(self, keep: int) -> Sequence[str]:
        """Drop all but the newest `keep` releases, the one in force and the one before it; the names dropped."""


class FeatureCache(Protocol):
    """Keeps bytes near; may forget any of them at any time. Safe to share between threads.

    Raises `UnavailableError` when it does not answer, `SettingsError` when it never will as things are set.
    """

    def get(self, keys: Sequence[str]) -> Mapping[str, bytes]:
        """The values of those keys that are there, in one request; all keys are of one slot."""

    def put(self, values: Mapping[str, bytes], ttl: float) -> None:
        """Keep values for at most `ttl` seconds, in one request; all keys are of one slot."""

    def lock(self, key: str, ttl: float) -> bool:
        """Whether nobody held this lock; the caller then holds it until `ttl` seconds are over."""
