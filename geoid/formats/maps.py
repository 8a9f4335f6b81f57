"""A small map without a tile server: land, where a taxon occurs, and the place of the photo."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, groupby, pairwise
from operator import itemgetter
from pathlib import Path
from typing import Any, Literal, NamedTuple
from xml.sax.saxutils import escape

import numpy as np
from h3.api import basic_int as h3
from numpy.typing import NDArray

from geoid.core.places import HIDDEN_RESOLUTION
from geoid.core.values import Coordinates
from geoid.formats.land import TURN, Frame, Grid, Points, centres, coasts, frame_of, outlines, spread

WIDTH, EDGE, HEAD, FOOT = 720, 12, 58, 32
"""Pixels: of the picture, and around the map at its sides, above and below."""

INNER = WIDTH - 2 * EDGE
RADIUS = 9.0
"""Pixels of the ring around the photo, or of a larger one if its cell is larger."""

TITLE_COLUMNS, CAPTION_COLUMNS = 68, 108
"""How much of the words there is room for; wide characters count twice."""

STEPS, MERIDIANS, PARALLELS = (5, 10, 20, 30), 12, 6
"""Degrees between the lines of the graticule, and how many there are at most."""

FEWEST_PIXELS = 0.5
"""How far a point of an outline must be from the one before to be drawn."""

PAPER, INK, QUIET, LINE, LAND, SEA = "#ffffff", "#1f2933", "#5b6874", "#8fa1ae", "#d3d1ca", "#f3f7f9"
RANGE, PLACE = "#0072b2", "#d55e00"
"""Blue and vermilion of Okabe and Ito's palette, which colour-blind people tell apart too."""

DOTS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]], dtype=np.int64)
"""The bit of each of the 4 by 2 dots of a braille character (Unicode, chapter 21)."""

BLANK, MARK = 0x2800, "◉"

Style = Literal["sea", "land", "range", "place"]
STYLES: tuple[Style, ...] = ("sea", "land", "range", "place")


Mark = Literal["photo", "place"]
NEAR: dict[Mark, str] = {"photo": "the photo was taken near", "place": "the place is near"}


class MapView(NamedTuple):
    """What a map shows: a place and its H3 cell, the cells (resolution 3 or coarser) where the taxon occurs, words.

    `mark` is what the place is that of.
    """

    place: Coordinates | None
    cell: str | None
    occurs: Sequence[str]
    title: str
    caption: str
    mark: Mark = "photo"


class Span(NamedTuple):
    """Neighbouring characters of a row that are one thing, to be coloured by whoever prints them."""

    text: str
    style: Style


Row = tuple[Span, ...]


def svg(view: MapView, land: Path) -> str:
    """The map as a self-contained SVG; `land` is the file of outlines that ships with geoid."""
    cells = spread(view.occurs)
    frame = frame_of(_points(view, centres(cells)))
    height = round(frame.height(INNER), 1)
    title, caption = _printable(view.title), _printable(view.caption)
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height + HEAD + FOOT:g}" '
            f'viewBox="0 0 {WIDTH} {height + HEAD + FOOT:g}" role="img" font-family="sans-serif">'
        ),
        f"<title>{escape(title)}</title>",
        f"<desc>{escape(_described(view, caption))}</desc>",
        f'<rect width="{WIDTH}" height="{height + HEAD + FOOT:g}" rx="6" fill="{PAPER}"/>',
        _text(EDGE, 26, _fit(title, TITLE_COLUMNS), f'font-size="17" font-weight="600" fill="{INK}"'),
        _text(EDGE, 46, _fit(caption, CAPTION_COLUMNS), f'font-size="12.5" fill="{QUIET}"'),
        f'<g transform="translate({EDGE} {HEAD})">',
        f'<rect class="sea" width="{INNER}" height="{height:g}" fill="{SEA}"/>',
        _area("land", frame, coasts(land), f'fill="{LAND}" stroke="{LAND}" stroke-width="0.4"'),
        _area("range", frame, outlines(cells), f'fill="{RANGE}" opacity="0.62"') if cells else "",
        *_graticule(frame),
        *_place(frame, view),
        "</g>",
        *_legend(view, HEAD + height + FOOT - 11),
        "</svg>",
    ]
    return "\n".join(part for part in parts if part) + "\n"


def _points(view: MapView, middles: Points) -> Points:
    """What must be on the map."""
    if view.place is None:
        return middles
    return np.vstack([middles, [(view.place.longitude, view.place.latitude)]])


def _area(name: str, frame: Frame, rings: Iterable[Points], paint: str) -> str:
    drawn = "".join(_ring(frame.on_map(ring, INNER)) for ring in frame.clip(rings))
    return f'<path id="{name}" fill-rule="evenodd" stroke-linejoin="round" {paint} d="{drawn}"/>'


def _ring(pixels: Points) -> str:
    """A ring in steps of tenths of a pixel, without the points that nobody would see."""
    kept: list[tuple[int, int]] = []
    for x, y in np.rint(pixels * 10).astype(int).tolist():
        if not kept or max(abs(x - kept[-1][0]), abs(y - kept[-1][1])) >= FEWEST_PIXELS * 10:
            kept.append((x, y))
    if len(kept) < 3:  # noqa: PLR2004 - a triangle
        return ""
    steps = " ".join(f"{_tenths(x - a)} {_tenths(y - b)}" for (a, b), (x, y) in pairwise(kept))
    return f"M{_tenths(kept[0][0])} {_tenths(kept[0][1])}l{steps}z"


def _tenths(number: int) -> str:
    """So many tenths as SVG has them at their shortest: a scattered range is many short steps."""
    text = f"{abs(number) / 10:g}"
    return ("-" if number < 0 else "") + (text.removeprefix("0") or "0")


def _graticule(frame: Frame) -> Iterator[str]:
    """Thin meridians and parallels, and what they are along the lower and the left edge."""
    height = frame.height(INNER)
    meridians, parallels = _round(frame.west, frame.east, MERIDIANS), _round(frame.south, frame.north, PARALLELS)
    across = {degrees: _pixel(frame, degrees, frame.north)[0] for degrees in meridians}
    along = {degrees: _pixel(frame, frame.west, degrees)[1] for degrees in parallels}
    lines = [f"M{x:.1f} 0v{height:g}" for x in across.values()] + [f"M0 {y:.1f}h{INNER}" for y in along.values()]
    yield f'<path class="graticule" d="{"".join(lines)}" fill="none" stroke="{LINE}" stroke-width="0.5" opacity="0.5"/>'
    small = f'font-size="9" fill="{INK}" stroke="{SEA}" stroke-width="2" stroke-opacity="0.6" paint-order="stroke"'
    for degrees, x in across.items():
        if x < INNER - 30:  # or the label would leave the map
            yield _text(x + 3, height - 4, _degrees((degrees + 180) % 360 - 180, "EW"), small)
    for degrees, y in along.items():
        if 12 < y < height - 15:  # noqa: PLR2004 - nor stand on those of the meridians
            yield _text(3, y - 3, _degrees(degrees, "NS"), small)


def _round(low: float, high: float, most: int) -> range:
    """The round degrees in between."""
    step = next(step for step in STEPS if (high - low) / step <= most)
    return range(math.ceil(low / step) * step, math.ceil(high), step)


def _degrees(degrees: float, hemispheres: str) -> str:
    side = hemispheres[degrees < 0] if degrees % 180 else ""
    return f"{abs(degrees):g}°{side}"


def _place(frame: Frame, view: MapView) -> Iterator[str]:
    """The outline of the cell, and a dot with a ring around both that is seen at any scale."""
    radius = RADIUS
    if view.cell is not None:
        rings = [ring for ring in outlines(frozenset([h3.str_to_int(view.cell)])) if np.ptp(ring[:, 0]) < TURN]
        radius = max([RADIUS, *(np.ptp(frame.on_map(ring, INNER), axis=0).max() / 2 + 5 for ring in rings)])
        yield _area("cell", frame, rings, f'fill="{PLACE}" fill-opacity="0.4" stroke="{PLACE}" stroke-width="1.2"')
    if view.place is not None:
        x, y = _pixel(frame, view.place.longitude, view.place.latitude)
        at = f'cx="{x:.1f}" cy="{y:.1f}"'
        yield f'<circle {at} r="{radius:.1f}" fill="none" stroke="{PAPER}" stroke-width="3.5" opacity="0.8"/>'
        yield f'<circle class="ring" {at} r="{radius:.1f}" fill="none" stroke="{PLACE}" stroke-width="1.5"/>'
        yield f'<circle id="place" {at} r="3.5" fill="{PLACE}" stroke="{PAPER}"/>'


def _pixel(frame: Frame, longitude: float, latitude: float) -> tuple[float, float]:
    x, y = frame.on_map(frame.turned(np.array([[longitude, latitude]])), INNER)[0]
    return float(x), float(y)


def _legend(view: MapView, baseline: float) -> Iterator[str]:
    words = f'font-size="12" fill="{INK}"'
    x = EDGE
    if view.occurs:
        yield f'<rect x="{x}" y="{baseline - 10:g}" width="14" height="11" fill="{RANGE}" opacity="0.62"/>'
        yield _text(x + 20, baseline, "occurs", words)
        x += 112
    if view.place is not None:
        yield f'<circle cx="{x + 7}" cy="{baseline - 4:g}" r="6" fill="none" stroke="{PLACE}" stroke-width="1.2"/>'
        yield f'<circle cx="{x + 7}" cy="{baseline - 4:g}" r="2.5" fill="{PLACE}"/>'
        yield _text(x + 20, baseline, f"the {view.mark}{_within(view.cell)}", words)


def _within(cell: str | None) -> str:
    """What to say where the place is that of a whole cell."""
    coarse = cell is not None and h3.get_resolution(h3.str_to_int(cell)) <= HIDDEN_RESOLUTION
    return ", somewhere in the outlined cell" if coarse else ""


def _text(x: float, y: float, words: str, looks: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" {looks}>{escape(words)}</text>'


def _described(view: MapView, caption: str) -> str:
    if view.place is None:
        return caption
    where = f"{_degrees(round(view.place.latitude, 1), 'NS')}, {_degrees(round(view.place.longitude, 1), 'EW')}"
    return f"{caption}; {NEAR[view.mark]} {where}"


def _fit(words: str, columns: int) -> str:
    """The words, cut with an ellipsis where they take more than these columns."""
    widths = accumulate(1 + (unicodedata.east_asian_width(char) in "WF") for char in words)
    room = sum(width <= columns for width in widths)
    return words if room == len(words) else f"{words[: room - 1]}…"


def _printable(words: str) -> str:
    """XML has no room for controls and half characters, not even escaped."""
    return "".join(char if char.isprintable() else " " for char in words)


def terminal(view: MapView, land: Path, width: int = 72) -> list[Row]:
    """The map in braille dots, in rows of `width` characters: land is sparse, the range solid, the place a sign."""
    cells = spread(view.occurs)
    middles = centres(cells)
    frame = frame_of(_points(view, middles))
    grid = Grid(frame, 4 * max(round(frame.height(2 * width) / 4), 1), 2 * width)
    occurs = grid.within(cells) | grid.marked(middles)
    ground = grid.filled(coasts(land))
    dots = occurs | (ground & (np.add.outer(np.arange(grid.rows), np.arange(grid.columns)) % 2 == 0))
    codes = BLANK + _by_character(dots * np.tile(DOTS, (grid.rows // 4, width))).sum(axis=2)
    styles = np.maximum(_by_character(occurs).any(axis=2) * 2, _by_character(ground).any(axis=2))
    if view.place is not None:
        row, column = grid.dot(view.place.longitude, view.place.latitude)
        codes[row // 4, column // 2], styles[row // 4, column // 2] = ord(MARK), STYLES.index("place")
    return [_spans(*row) for row in zip(codes.tolist(), styles.tolist(), strict=True)]


def _by_character(dots: NDArray[Any]) -> NDArray[Any]:
    """Dots (rows, columns) by their characters (rows / 4, columns / 2, 8)."""
    rows, columns = dots.shape
    return dots.reshape(rows // 4, 4, columns // 2, 2).swapaxes(1, 2).reshape(rows // 4, columns // 2, 8)


def _spans(codes: Sequence[int], styles: Sequence[int]) -> Row:
    runs = groupby(zip(styles, codes, strict=True), key=itemgetter(0))
    return tuple(Span("".join(chr(code) for _, code in run), STYLES[style]) for style, run in runs)
