"""The ground of a map: the part of the world that it shows, and the outlines of land and of H3 cells on it.

Points are float64 arrays (n, 2) of longitude and latitude in degrees. A ring's last point joins its first. Rings run
past 180 instead of jumping to -180, and one around the earth is closed along the south pole; the rings of an outline
are filled together, by the even-odd rule.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from h3.api import basic_int as h3
from numpy.typing import NDArray

Points = NDArray[np.float64]
Bitmap = NDArray[np.bool_]

TURN = 360.0
"""Degrees around the earth."""

RESOLUTION = 3
"""The resolution at which ranges are drawn; their cells are of this one or coarser."""

NARROWEST, MARGIN = 30.0, 6.0
"""What a map shows at least from west to east, and leaves around what it is about, in degrees of the equator."""

RATIO = 0.5
"""Height to width of a map that shows less than the world."""

FLATTEST = 0.4
"""The least cosine of a middle latitude (66 degrees): nearer to the poles, maps are stretched rather than vast."""

INHABITED = -58.0, 84.0
"""The latitudes of a map of the world; it reaches to a pole only for what lies beyond."""


class Frame(NamedTuple):
    """The part of the world on a map, in degrees, equirectangular; east may lie beyond 180.

    A degree of longitude is drawn `flatness` times as wide as one of latitude is high: true to scale in the middle.
    """

    west: float
    south: float
    east: float
    north: float
    flatness: float = 1.0

    def height(self, width: float) -> float:
        """How high the map is if it is so wide."""
        return width * (self.north - self.south) / (self.east - self.west) / self.flatness

    def on_map(self, points: Points, width: float) -> Points:
        """Where points are on a map so wide, x and y from its upper left corner."""
        scale = width / (self.east - self.west)
        return (points - (self.west, self.north)) * (scale, -scale / self.flatness)

    def turned(self, points: Points) -> Points:
        """The same places, by the turn of the globe that is on the map."""
        return np.column_stack([self.west + (points[:, 0] - self.west) % TURN, points[:, 1]])

    def clip(self, rings: Iterable[Points]) -> Iterator[Points]:
        """What is on the map of these rings, in as many turns of the globe as it shows."""
        for ring in rings:
            (least, lowest), (most, highest) = ring.min(axis=0), ring.max(axis=0)
            if highest < self.south or lowest > self.north:
                continue
            for turn in range(math.ceil((self.west - most) / TURN), math.floor((self.east - least) / TURN) + 1):
                cut = self._cut(ring + np.array([TURN * turn, 0]))
                if len(cut):
                    yield cut

    def _cut(self, ring: Points) -> Points:
        """The ring inside the frame (Sutherland and Hodgman, 1974: one side after the other)."""
        for axis, side, inward in ((0, self.west, 1), (0, self.east, -1), (1, self.south, 1), (1, self.north, -1)):
            depth = (ring[:, axis] - side) * inward
            inside = depth >= 0
            if inside.all():
                continue
            after = np.roll(depth, -1)
            leaves = inside != (after >= 0)
            share = np.divide(depth, depth - after, out=np.zeros_like(depth), where=leaves)
            crossings = ring + share[:, None] * (np.roll(ring, -1, axis=0) - ring)
            both = np.stack([ring, crossings], axis=1).reshape(-1, 2)
            ring = both[np.stack([inside, leaves], axis=1).ravel()]
        return ring


WHOLE_EARTH: Points = np.array([(-180.0, -90.0), (180.0, -90.0), (180.0, 90.0), (-180.0, 90.0)])

WORLD = Frame(-180, INHABITED[0], 180, INHABITED[1])


def frame_of(points: Points) -> Frame:
    """The smallest frame with a margin around these points, or the world if that were more than half of it."""
    if not len(points):
        return WORLD
    west, wide = _arc(points[:, 0])
    south, north = float(points[:, 1].min()), float(points[:, 1].max())
    flatness = max(math.cos(math.radians((south + north) / 2)), FLATTEST)
    across = max(wide * flatness + 2 * MARGIN, NARROWEST, (north - south + 2 * MARGIN) / RATIO)
    if across / flatness > TURN / 2:
        bottom, top = INHABITED
        return WORLD._replace(south=-90 if south < bottom else bottom, north=90 if north > top else top)
    high = across * RATIO
    bottom = min(max((south + north - high) / 2, -90), 90 - high)
    left = (west + wide / 2 - across / flatness / 2 + 180) % TURN - 180
    return Frame(left, bottom, left + across / flatness, bottom + high, flatness)


def _arc(longitudes: NDArray[np.float64]) -> tuple[float, float]:
    """The western end and the width of the shortest arc with all these longitudes: the circle less the widest gap."""
    ordered = np.unique(longitudes)
    gaps = np.diff(ordered, append=ordered[0] + TURN)
    widest = int(gaps.argmax())
    return float(ordered[(widest + 1) % len(ordered)]), float(TURN - gaps[widest])


def coasts(path: Path) -> Iterator[Points]:
    """The rings of the file `land.txt`: hundredths of a degree, the first point and then differences."""
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            steps = np.array(line.replace(",", " ").split(), dtype=np.float64)
            yield steps.reshape(-1, 2).cumsum(axis=0) / 100


def spread(cells: Iterable[str]) -> frozenset[int]:
    """The cells of a compacted set, all at `RESOLUTION`."""
    numbers = {h3.str_to_int(cell) for cell in cells}
    return frozenset(h3.uncompact_cells(numbers, RESOLUTION))


def centres(cells: Iterable[int]) -> Points:
    """The middles of cells."""
    return np.array([h3.cell_to_latlng(cell) for cell in cells], dtype=np.float64).reshape(-1, 2)[:, ::-1]


def outlines(cells: frozenset[int]) -> Iterator[Points]:
    """The rings around cells of one resolution, without the edges that two of them share."""
    after = _edges(cells)
    while after:
        corners = [*after.popitem()]
        while corners[-1] in after:
            corners.append(after.pop(corners[-1]))
        yield _unrolled(np.array([h3.vertex_to_latlng(corner)[::-1] for corner in corners[:-1]]))
    if cells and h3.latlng_to_cell(90, 0, h3.get_resolution(next(iter(cells)))) in cells:
        yield WHOLE_EARTH  # its parity: rings around the earth are closed at the other pole


def _edges(cells: Iterable[int]) -> dict[int, int]:
    """The edges between a cell and none: from each corner (an H3 vertex) the next, counterclockwise."""
    edges: set[tuple[int, int]] = set()
    for cell in cells:
        corners = h3.cell_to_vertexes(cell)
        for one, other in zip(corners, [*corners[1:], corners[0]], strict=True):
            if (other, one) in edges:  # the neighbour's, the other way round
                edges.remove((other, one))
            else:
                edges.add((one, other))
    return dict(edges)  # where cells end, one edge leaves each corner: three cells meet there


def _unrolled(ring: Points) -> Points:
    longitudes = np.unwrap([*ring[:, 0], ring[0, 0]], period=TURN)
    first, last = longitudes[0], longitudes[-1]
    ring = np.column_stack([longitudes[:-1], ring[:, 1]])
    if abs(last - first) < TURN / 2:
        return ring
    return np.vstack([ring, [(last, ring[0, 1]), (last, -90), (first, -90)]])


class Grid(NamedTuple):
    """A frame in rows and columns of dots."""

    frame: Frame
    rows: int
    columns: int

    def places(self, points: Points) -> Points:
        """Where points are, in columns and rows from the upper left corner."""
        return self.frame.on_map(points, self.columns) * (1, self.rows / self.frame.height(self.columns))

    def dot(self, longitude: float, latitude: float) -> tuple[int, int]:
        """The row and the column of a place, at the edge if it is beyond."""
        column, row = self.places(self.frame.turned(np.array([[longitude, latitude]])))[0]
        return min(max(int(row), 0), self.rows - 1), min(max(int(column), 0), self.columns - 1)

    def marked(self, points: Points) -> Bitmap:
        """The dots with a point in them."""
        columns, rows = np.floor(self.places(self.frame.turned(points))).astype(np.intp).T
        seen = (rows >= 0) & (rows < self.rows) & (columns < self.columns)
        marks = np.zeros((self.rows, self.columns), dtype=np.bool_)
        marks[rows[seen], columns[seen]] = True
        return marks

    def within(self, cells: frozenset[int]) -> Bitmap:
        """The dots whose middle lies in one of these cells."""
        if not cells:
            return np.zeros((self.rows, self.columns), dtype=np.bool_)
        frame, size = self.frame, h3.get_resolution(next(iter(cells)))
        longitudes = np.interp(np.arange(self.columns) + 0.5, (0, self.columns), (frame.west, frame.east)).tolist()
        latitudes = np.interp(np.arange(self.rows) + 0.5, (0, self.rows), (frame.north, frame.south)).tolist()
        return np.array([[h3.latlng_to_cell(y, x, size) in cells for x in longitudes] for y in latitudes])

    def filled(self, rings: Iterable[Points]) -> Bitmap:
        """The dots whose middle lies inside an outline, by the even-odd rule: row after row."""
        inside = np.zeros((self.rows, self.columns + 1), dtype=np.intp)
        shapes = [self.places(ring) for ring in self.frame.clip(rings)]
        if shapes:
            starts = np.concatenate(shapes)
            steps = np.concatenate([np.roll(shape, -1, axis=0) - shape for shape in shapes])
            middles = np.arange(self.rows)[:, None] + 0.5
            rows, edges = np.nonzero((starts[:, 1] <= middles) != (starts[:, 1] + steps[:, 1] <= middles))
            shares = (rows + 0.5 - starts[edges, 1]) / steps[edges, 1]
            crossings = starts[edges, 0] + shares * steps[edges, 0]
            np.add.at(inside, (rows, np.rint(crossings).clip(0, self.columns).astype(np.intp)), 1)
        odd: Bitmap = inside.cumsum(axis=1)[:, :-1] % 2 == 1
        return odd
