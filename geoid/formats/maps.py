"""A small map as SVG, without a tile server: land, where a taxon occurs, and the place of the photo."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate, groupby, pairwise
from pathlib import Path
from typing import NamedTuple
from xml.sax.saxutils import escape

from geoid.core.values import Coordinates

WIDTH, HEAD, FOOT = 720, 34, 46
"""Pixels: of the picture, and above and below the map."""

NARROWEST, MARGIN = 40.0, 8.0
"""Degrees of longitude that a map shows at least, and that it leaves around what it is about."""

RATIO = 0.5
COLUMNS = 240
RESOLUTION = 3
INK, LAND, SEA, RANGE, PLACE = "#22303a", "#d9d6cd", "#f2f6f8", "#0072b2", "#d55e00"
"""Range and place are blue and vermilion of Okabe and Ito's palette, told apart by colour-blind people too."""


class MapView(NamedTuple):
    """What a map shows: a place and its H3 cell, the cells (resolution 3 or coarser) where the taxon occurs, words."""

    place: Coordinates | None
    cell: str | None
    occurs: Sequence[str]
    title: str
    caption: str


class Frame(NamedTuple):
    """The part of the world on the map, in degrees; west may be below -180 and east above 180, but never both."""

    south: float
    west: float
    north: float
    east: float

    @property
    def scale(self) -> float:
        """Pixels a degree."""
        return WIDTH / (self.east - self.west)

    @property
    def height(self) -> float:
        """Pixels of the map."""
        return (self.north - self.south) * self.scale

    def point(self, latitude: float, longitude: float) -> tuple[float, float]:
        """The pixel of a place, on the copy of the world that the frame shows."""
        if longitude < self.west:
            longitude += 360
        elif longitude > self.east:
            longitude -= 360
        return (longitude - self.west) * self.scale, HEAD + (self.north - latitude) * self.scale


WORLD = Frame(-90, -180, 90, 180)


def svg(view: MapView, land: Path) -> str:
    """The map as a self-contained SVG; `land` is the outline that ships with geoid."""
    frame = frame_of(view)
    height = HEAD + frame.height + FOOT
    title, caption = escape(_printable(view.title)), escape(_printable(view.caption))
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height:.0f}" '
            f'viewBox="0 0 {WIDTH} {height:.0f}" role="img" font-family="sans-serif" fill="{INK}">'
        ),
        f"<title>{title}</title><desc>{caption}</desc>",
        f'<rect width="{WIDTH}" height="{height:.0f}" fill="#ffffff"/>',
        f'<text x="12" y="23" font-size="16" font-weight="bold">{title}</text>',
        (
            f'<svg x="0" y="{HEAD}" width="{WIDTH}" height="{frame.height:.1f}" '
            f'viewBox="0 {HEAD} {WIDTH} {frame.height:.1f}">'
        ),
        f'<rect y="{HEAD}" width="{WIDTH}" height="{frame.height:.1f}" fill="{SEA}"/>',
        f'<path id="land" d="{_land(frame, land)}" fill="{LAND}" fill-rule="evenodd"/>',
        f'<path id="range" d="{_range(frame, view.occurs)}" fill="{RANGE}" fill-opacity="0.6"/>',
        *_place(frame, view),
        "</svg>",
        *_legend(frame.height + HEAD, caption, bool(view.occurs), view.place is not None),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def frame_of(view: MapView) -> Frame:
    """The smallest part of the world with the place and the range on it, or the whole world if that is over half."""
    import h3

    points = [h3.cell_to_latlng(cell) for cell in view.occurs]
    if view.place is not None:
        points.append((view.place.latitude, view.place.longitude))
    if not points:
        return WORLD
    west, width = _span([longitude for _, longitude in points])
    south, north = min(latitude for latitude, _ in points), max(latitude for latitude, _ in points)
    wide = max(width + 2 * MARGIN, NARROWEST, (north - south + 2 * MARGIN) / RATIO)
    if wide > 180:  # noqa: PLR2004 - half of the world
        return WORLD
    middle, centre = west + width / 2, (south + north) / 2
    high = wide * RATIO
    bottom = min(max(centre - high / 2, -90), 90 - high)
    left = middle - wide / 2
    left -= 360 * (left >= 180)  # noqa: PLR2004 - degrees
    return Frame(bottom, left, bottom + high, left + wide)


def _span(longitudes: list[float]) -> tuple[float, float]:
    """The western end and the width of the shortest arc with all these longitudes: the world less the widest gap."""
    ordered = sorted(longitudes)
    gaps = [(after - before, after) for before, after in pairwise(ordered)]
    gaps.append((ordered[0] + 360 - ordered[-1], ordered[0]))
    gap, west = max(gaps)
    return west, 360 - gap


def _land(frame: Frame, path: Path) -> str:
    """The outline of the land, and its copies a turn of the globe east and west where the frame reaches there."""
    rings = list(_rings(path))
    turns = [0, *([-360] if frame.west < -180 else []), *([360] if frame.east > 180 else [])]  # noqa: PLR2004 - degrees
    drawn = []
    for turn in turns:
        for ring in rings:
            moved = [(longitude + turn, latitude) for longitude, latitude in ring]
            if _meets(frame, moved):
                drawn.append(_outline(frame, moved))
    return "".join(drawn)


def _rings(path: Path) -> Iterator[list[tuple[float, float]]]:
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            steps = ([int(part) for part in point.split(",")] for point in line.split())
            points = accumulate(steps, lambda one, step: [one[0] + step[0], one[1] + step[1]])
            yield [(x / 100, y / 100) for x, y in points]


def _meets(frame: Frame, ring: list[tuple[float, float]]) -> bool:
    longitudes, latitudes = [point[0] for point in ring], [point[1] for point in ring]
    beside = max(longitudes) < frame.west or min(longitudes) > frame.east
    return not (beside or max(latitudes) < frame.south or min(latitudes) > frame.north)


def _outline(frame: Frame, ring: list[tuple[float, float]]) -> str:
    points = (
        f"{(longitude - frame.west) * frame.scale:.1f} {HEAD + (frame.north - latitude) * frame.scale:.1f}"
        for longitude, latitude in ring
    )
    return f"M{'L'.join(points)}Z"


def _range(frame: Frame, cells: Sequence[str]) -> str:
    """The range as runs of small squares, each there if its middle lies in one of the cells.

    That is as fine as ranges by cells of 110 km deserve, and holds at the poles and on the antimeridian alike.
    """
    side = WIDTH / COLUMNS
    inside = _inside(cells)
    drawn = []
    for row in range(int(frame.height / side)):
        latitude = frame.north - (row + 0.5) * side / frame.scale
        marks = [
            inside(latitude, frame.west + (column + 0.5) * side / frame.scale) for column in range(COLUMNS) if cells
        ]
        column = 0
        for here, run in groupby(marks):
            length = len(list(run))
            if here:
                drawn.append(f"M{column * side:g} {HEAD + row * side:g}h{length * side:g}v{side:g}H{column * side:g}Z")
            column += length
    return "".join(drawn)


def _inside(cells: Sequence[str]) -> Callable[[float, float], bool]:
    """Whether a place lies in one of these cells, of resolutions 0 to 3."""
    from h3.api import basic_int as h3

    numbers = {int(cell, 16) for cell in cells}
    resolutions = sorted({h3.get_resolution(cell) for cell in numbers})

    def inside(latitude: float, longitude: float) -> bool:
        cell = h3.latlng_to_cell(latitude, (longitude + 180) % 360 - 180, RESOLUTION)
        return any(h3.cell_to_parent(cell, resolution) in numbers for resolution in resolutions)

    return inside


def _place(frame: Frame, view: MapView) -> Iterator[str]:
    """The outline of the cell, and a dot with a ring that is seen at any scale."""
    import h3

    if view.place is None:
        return
    if view.cell is not None:
        corners = h3.cell_to_boundary(view.cell)
        points = [frame.point(latitude, longitude) for latitude, longitude in corners]
        if max(x for x, _ in points) - min(x for x, _ in points) < WIDTH / 2:  # not torn apart by the map's edge
            outline = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
            yield f'<polygon id="cell" points="{outline}" fill="none" stroke="{PLACE}" stroke-width="1.5"/>'
    x, y = frame.point(view.place.latitude, view.place.longitude)
    yield f'<circle id="place" cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{PLACE}"/>'
    yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="9" fill="none" stroke="{PLACE}" stroke-width="1.5"/>'


def _legend(top: float, caption: str, occurs: bool, placed: bool) -> Iterator[str]:
    x = 12.0
    if occurs:
        yield f'<rect x="{x}" y="{top + 9}" width="12" height="10" fill="{RANGE}" fill-opacity="0.6"/>'
        yield f'<text x="{x + 18}" y="{top + 18}" font-size="12">occurs</text>'
        x += 80
    if placed:
        yield f'<circle cx="{x + 5}" cy="{top + 14}" r="3.5" fill="{PLACE}"/>'
        yield f'<text x="{x + 15}" y="{top + 18}" font-size="12">the photo</text>'
    yield f'<text x="12" y="{top + 37}" font-size="12">{caption}</text>'


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text)
