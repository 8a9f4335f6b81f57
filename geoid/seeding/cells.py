"""The H3 cells of resolution 3 as numbers of 16 bits, so that a range is an array with a place for each of them."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import h3
import numpy as np
from numpy.typing import NDArray

RESOLUTION = 3
SPACE = 1 << 16
"""A cell of resolution 3 has a base cell (7 bits) and three digits (3 bits each)."""

Shorts = NDArray[np.uint16]


def short(cell: str) -> int:
    """The 16 bits that tell a cell of resolution 3 from the others."""
    return int(cell, 16) >> 36 & 0xFFFF


def whole(code: int) -> int:
    """The H3 index of a cell of resolution 3 from its 16 bits."""
    return 1 << 59 | RESOLUTION << 52 | int(code) << 36 | (1 << 36) - 1


class World(NamedTuple):
    """Every cell of resolution 3: its 16 bits, and in degrees its centre and the corners of its boundary."""

    codes: Shorts
    latitudes: NDArray[np.float64]
    longitudes: NDArray[np.float64]
    """Both (cells, 11): centre, then up to ten corners, the last one repeated."""


@cache
def world() -> World:
    """All 41,162 cells."""
    cells = [cell for base in h3.get_res0_cells() for cell in h3.cell_to_children(base, RESOLUTION)]
    points = np.array([_points(cell) for cell in cells])
    return World(np.array([short(cell) for cell in cells], dtype=np.uint16), points[:, :, 0], points[:, :, 1])


def _points(cell: str) -> list[tuple[float, float]]:
    corners = list(h3.cell_to_boundary(cell))
    return [h3.cell_to_latlng(cell), *corners, *[corners[-1]] * (10 - len(corners))]


@cache
def neighbours() -> NDArray[np.uint16]:
    """For each 16 bits the cell itself and its six neighbours (SPACE, 7); those that are no cell have themselves."""
    found = np.repeat(np.arange(SPACE, dtype=np.uint16)[:, None], 7, axis=1)
    for code in world().codes:
        ring = [short(cell) for cell in h3.grid_disk(f"{whole(code):x}", 1)]
        found[code, : len(ring)] = ring
    return found


def in_box(south: float, west: float, north: float, east: float) -> Shorts:
    """The cells that a box of degrees touches; west > east crosses the antimeridian."""
    every = world()
    high = (every.latitudes >= south) & (every.latitudes <= north)
    if west <= east:
        wide = (every.longitudes >= west) & (every.longitudes <= east)
        middle = (west + east) / 2
    else:
        wide = (every.longitudes >= west) | (every.longitudes <= east)
        middle = (west + east + 360) / 2
    points = [(south, west), (south, east), (north, west), (north, east), ((south + north) / 2, middle)]
    small = [short(h3.latlng_to_cell(latitude, longitude, RESOLUTION)) for latitude, longitude in points]
    return np.unique(np.concatenate([every.codes[(high & wide).any(axis=1)], np.array(small, dtype=np.uint16)]))
