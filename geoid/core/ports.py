"""The ports: what the pipeline needs of the outside. Batch-shaped; each has a contract suite in `tests/contracts`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from geoid.core.releases import Release, ReleaseTaxon
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
    """Holds area data by release; a release is immutable, so what it answered once it answers always."""

    def features(self, release: Release, cells: Sequence[str]) -> Mapping[str, bytes]:
        """The feature bytes of those cells that have any, in one request; raises `UnavailableError`."""

    def overflow(self, release: Release, cells: Sequence[str]) -> Mapping[str, bytes]:
        """The feature bytes of the taxa that did not fit into a cell's value, for those cells that have any."""

    def taxa(self, release: Release) -> Sequence[ReleaseTaxon]:
        """The taxa of a release by number."""

    def taxon_cells(self, release: Release, key: str) -> Sequence[str]:
        """The cells where a taxon occurs, at resolution 3, compacted; none for a taxon the release lacks."""

    def ping(self) -> None:
        """Do nothing if the store answers; raises `UnavailableError`."""


class ReleaseStore(Protocol):
    """Knows which releases there are, and which one is in force."""

    def current(self) -> Release:
        """The release in force; raises `UnavailableError`."""

    def list(self) -> Sequence[Release]:
        """All releases, by name."""


class FeatureCache(Protocol):
    """Keeps feature bytes near; may forget any of them at any time."""

    def get(self, keys: Sequence[str]) -> Mapping[str, bytes]:
        """The values of those keys that are there, in one request."""

    def put(self, values: Mapping[str, bytes], ttl: float) -> None:
        """Keep values for at most `ttl` seconds."""
