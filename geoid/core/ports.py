"""The ports: what the pipeline needs of the outside. Batch-shaped; each has a contract suite in `tests/contracts`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

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
