"""A second implementation of each port: a table says what is in which photo.

They pass the same contract suites as the real ones, so the tests of everything above a port may stand on them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geoid.core.ports import Scores
from geoid.core.values import Capture, Photo
from geoid.errors import BrokenPhoto


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
