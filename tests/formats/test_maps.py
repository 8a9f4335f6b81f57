"""Maps as SVG and in braille: what is drawn where, and that a name cannot do anything to the picture."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from functools import cache
from itertools import accumulate, pairwise
from pathlib import Path

import h3
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geoid.core.places import cell_of, hidden, hidden_cell
from geoid.core.values import Coordinates
from geoid.formats import maps
from geoid.formats.land import NARROWEST, WORLD, Frame, Grid, centres, coasts, frame_of, outlines, spread
from geoid.formats.maps import EDGE, FOOT, HEAD, INNER, MARK, RADIUS, WIDTH, MapView, svg, terminal

LAND = Path(__file__).resolve().parents[2] / "fixtures" / "areas" / "land.txt"
SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = "<script>alert('&\"')</script>]]>\x00\x07\x1b[31m\n\ud800\u202e\ufffe"
NAIROBI = Coordinates(-1.29, 36.82)
FIJI = Coordinates(-17.8, 179.5)
FIJI_PLACES = ((-17.8, 178.0), (-16.5, 179.9), (-16.8, -179.9), (-18.2, -178.8))
EVERYWHERE = tuple(sorted(h3.get_res0_cells()))

Ring = list[tuple[float, float]]


def around(latitude: float, longitude: float, rings: int = 0) -> tuple[str, ...]:
    return tuple(sorted(h3.grid_disk(h3.latlng_to_cell(latitude, longitude, 3), rings)))


def viewed(place: Coordinates | None, occurs: Sequence[str] = (), **more) -> MapView:
    return MapView(
        place, place and cell_of(place), tuple(occurs), **{"title": "lion", "caption": "expected here", **more}
    )


@cache
def framed(view: MapView) -> Frame:
    return frame_of(maps._points(view, centres(spread(view.occurs))))


def pixel(view: MapView, latitude: float, longitude: float) -> tuple[float, float]:
    return maps._pixel(framed(view), longitude, latitude)


def drawn(view: MapView) -> ET.Element:
    return ET.fromstring(svg(view, LAND))


def every(root: ET.Element, name: str) -> list[ET.Element]:
    return [element for element in root.iter() if name in (element.attrib.get("id"), element.attrib.get("class"))]


def dot(root: ET.Element) -> tuple[float, float]:
    (place,) = every(root, "place")
    return float(place.attrib["cx"]), float(place.attrib["cy"])


def rings(root: ET.Element, name: str) -> list[Ring]:
    (path,) = every(root, name)
    return parsed(path.attrib["d"])


@cache
def parsed(path: str) -> list[Ring]:
    found = []
    for ring in path.split("z")[:-1]:
        numbers = [float(number) for number in re.split("[M l]", ring)[1:]]
        steps = zip(numbers[::2], numbers[1::2], strict=True)
        found.append(list(accumulate(steps, lambda one, step: (one[0] + step[0], one[1] + step[1]))))
    return found


def inside(ring: Ring, x: float, y: float) -> bool:
    """Whether a ray to the right crosses the ring an odd number of times."""
    odd = False
    for (ax, ay), (bx, by) in zip(ring, [*ring[1:], ring[0]], strict=True):
        if (ay > y) != (by > y) and x < ax + (y - ay) / (by - ay) * (bx - ax):
            odd = not odd
    return odd


def covered(root: ET.Element, name: str, point: tuple[float, float]) -> bool:
    return sum(inside(ring, *point) for ring in rings(root, name)) % 2 == 1


def texts(root: ET.Element) -> list[str]:
    return [element.text or "" for element in root.iter(f"{SVG}text")]


def on_map(view: MapView, point: tuple[float, float]) -> bool:
    return -0.05 <= point[0] <= INNER + 0.05 and -0.05 <= point[1] <= framed(view).height(INNER) + 0.05


def lines(view: MapView, width: int = 72) -> list[str]:
    return ["".join(span.text for span in row) for row in terminal(view, LAND, width)]


def styles(view: MapView, width: int = 72) -> list[list[str]]:
    return [[span.style for span in row for _ in span.text] for row in terminal(view, LAND, width)]


def character(view: MapView, latitude: float, longitude: float) -> tuple[int, int]:
    rows = lines(view)
    row, column = Grid(framed(view), 4 * len(rows), 2 * len(rows[0])).dot(longitude, latitude)
    return row // 4, column // 2


def count(char: str) -> int:
    """The dots of a braille character."""
    return (ord(char) - 0x2800).bit_count()


@given(st.floats(-90, 90), st.floats(-180, 180))
@settings(max_examples=25, deadline=None)
def test_the_dot_lies_where_the_place_is(latitude: float, longitude: float) -> None:
    view = viewed(Coordinates(latitude, longitude))
    frame, (x, y) = framed(view), dot(drawn(view))
    scale = INNER / (frame.east - frame.west)
    assert abs((frame.west + x / scale - longitude + 180) % 360 - 180) < 0.1 / scale
    assert frame.north - y * frame.flatness / scale == pytest.approx(latitude, abs=0.1 / scale)
    assert on_map(view, (x, y))


def test_a_place_without_a_range_is_in_the_middle_of_a_narrow_map() -> None:
    view = viewed(NAIROBI)
    frame = framed(view)
    assert (frame.east - frame.west) * frame.flatness == pytest.approx(NARROWEST)
    assert dot(drawn(view)) == pytest.approx((INNER / 2, frame.height(INNER) / 2), abs=0.1)


def test_a_map_in_the_north_is_true_to_scale_in_its_middle() -> None:
    frame = framed(viewed(Coordinates(60.0, 10.0)))
    assert frame.flatness == pytest.approx(0.5)
    (one, two), (three, four) = frame.on_map(np.array([[10.0, 60.0], [12.0, 61.0]]), INNER)
    assert three - one == pytest.approx(two - four)


def test_the_outline_of_the_cell_lies_around_the_place() -> None:
    root = drawn(viewed(NAIROBI))
    assert covered(root, "cell", dot(root))
    (ring,) = rings(root, "cell")
    assert len(ring) == 6


def test_a_hidden_place_has_a_ring_around_its_cell_and_the_legend_says_so() -> None:
    view = MapView(hidden(NAIROBI), hidden_cell(cell_of(NAIROBI)), (), "lion", "here")
    root = drawn(view)
    (outline,), (ring,) = rings(root, "cell"), every(root, "ring")
    x, y = dot(root)
    assert all(np.hypot(one - x, other - y) < float(ring.attrib["r"]) for one, other in outline)
    assert "the photo, somewhere in the outlined cell" in texts(root)


def test_a_place_without_a_cell_has_a_dot_and_no_outline() -> None:
    root = drawn(MapView(NAIROBI, None, (), "lion", "here"))
    assert dot(root)
    assert every(root, "cell") == []
    assert every(root, "ring")[0].attrib["r"] == str(RADIUS)


def test_the_range_covers_the_middle_of_its_cells_and_no_point_far_away() -> None:
    cells = around(-2, 35, 2)
    view = viewed(NAIROBI, cells)
    root = drawn(view)
    assert all(covered(root, "range", pixel(view, *h3.cell_to_latlng(cell))) for cell in cells)
    outside = set(around(-2, 35, 3)) - set(cells)
    assert not any(covered(root, "range", pixel(view, *h3.cell_to_latlng(cell))) for cell in outside)


def test_neighbouring_cells_are_one_outline() -> None:
    (ring,) = outlines(spread(around(10, 20, 4)))
    assert len(ring) == 6 * (2 * 4 + 1)


def test_a_hole_in_a_range_stays_open() -> None:
    cells = sorted(set(around(10, 20, 3)) - set(around(10, 20)))
    view = viewed(None, cells)
    root = drawn(view)
    assert len(rings(root, "range")) == 2
    assert not covered(root, "range", pixel(view, *h3.cell_to_latlng(around(10, 20)[0])))


def test_a_compacted_range_is_drawn_like_its_cells() -> None:
    children = sorted(h3.cell_to_children(h3.latlng_to_cell(48, 10, 1), 3))
    compacted = h3.compact_cells(children)
    assert len(compacted) == 1
    assert svg(viewed(None, compacted), LAND) == svg(viewed(None, children), LAND)


def test_a_single_cell_is_seen_on_a_map_of_the_world() -> None:
    cells = [*around(0, -60), *around(10, 60), *around(-30, 179)]
    view = viewed(None, cells)
    assert framed(view) == WORLD
    root = drawn(view)
    assert all(covered(root, "range", pixel(view, *h3.cell_to_latlng(cell))) for cell in cells)
    rows = styles(view)
    for cell in cells:
        row, column = character(view, *h3.cell_to_latlng(cell))
        assert rows[row][column] == "range"


VIEWS = [
    viewed(NAIROBI, around(-2, 35, 12)),
    viewed(FIJI, around(-17, 179.9, 3)),
    viewed(Coordinates(71.0, 180.0), around(66, -179, 5)),
    viewed(Coordinates(90.0, 12.0), around(90, 0, 8)),
    viewed(Coordinates(-90.0, -180.0), around(-80, 0, 8)),
    viewed(Coordinates(51.5, -0.12), EVERYWHERE),
    viewed(Coordinates(0.0, -180.0), around(0, 0)),
    viewed(None),
]
PLACED = [view for view in VIEWS if view.place]


@pytest.mark.parametrize("view", VIEWS)
def test_nothing_is_drawn_beyond_the_map(view) -> None:
    root = drawn(view)
    for name in {"land", "range", "cell"} & {element.attrib.get("id") for element in root.iter()}:
        assert all(on_map(view, point) for ring in rings(root, name) for point in ring)


@pytest.mark.parametrize("view", VIEWS)
def test_the_world_is_not_wider_than_the_picture(view) -> None:
    frame = framed(view)
    assert frame.east - frame.west <= 360
    assert -90 <= frame.south < frame.north <= 90
    assert EDGE + INNER + EDGE == WIDTH
    assert frame.height(INNER) <= 0.51 * INNER


def test_without_a_range_nothing_is_drawn_of_it_nor_said_in_the_legend() -> None:
    root = drawn(viewed(NAIROBI))
    assert every(root, "range") == []
    assert "occurs" not in texts(root)
    assert "the photo" in texts(root)


def test_a_range_without_a_place_has_no_photo_in_the_legend() -> None:
    root = drawn(viewed(None, around(-2, 35, 2)))
    assert "occurs" in texts(root)
    assert "the photo" not in texts(root)


def test_without_place_and_range_the_whole_world_is_shown() -> None:
    view = viewed(None)
    root = drawn(view)
    assert framed(view) == WORLD
    assert rings(root, "land")
    assert every(root, "place") == []


@pytest.mark.parametrize(
    ("place", "land"), [((0, 20), True), ((50, 100), True), ((0, -30), False), ((-30, -120), False)]
)
def test_land_is_where_land_is(place, land) -> None:
    view = viewed(None)
    assert covered(drawn(view), "land", pixel(view, *place)) == land
    row, column = character(view, *place)
    assert styles(view)[row][column] == ("land" if land else "sea")


def test_a_sea_inside_land_is_a_hole() -> None:
    view = viewed(Coordinates(42.0, 51.0))
    assert not covered(drawn(view), "land", dot(drawn(view)))


def test_a_range_across_the_antimeridian_is_one_piece_on_a_narrow_map() -> None:
    cells = [h3.latlng_to_cell(*place, 3) for place in FIJI_PLACES]
    view = viewed(FIJI, cells)
    root, frame = drawn(view), framed(view)
    assert (frame.east - frame.west) * frame.flatness == pytest.approx(NARROWEST)
    assert all(covered(root, "range", pixel(view, *h3.cell_to_latlng(cell))) for cell in cells)
    xs = [x for ring in rings(root, "range") for x, _ in ring]
    assert max(xs) - min(xs) < INNER / 3


def test_cells_on_the_antimeridian_do_not_span_a_map_of_the_world() -> None:
    cells = [h3.latlng_to_cell(latitude, 180, 3) for latitude in range(-60, 80, 10)]
    view = viewed(NAIROBI, [*cells, *around(0, 90), *around(0, -90)])
    root = drawn(view)
    assert framed(view).east - framed(view).west == 360
    assert all(max(x for x, _ in ring) - min(x for x, _ in ring) < 10 for ring in rings(root, "range"))
    assert any(x == 0 for ring in rings(root, "range") for x, _ in ring)
    assert any(x == INNER for ring in rings(root, "range") for x, _ in ring)


@pytest.mark.parametrize("longitude", [-180.0, -179.9, 179.9, 180.0])
def test_land_is_drawn_on_both_sides_of_the_antimeridian(longitude) -> None:
    view = viewed(Coordinates(67.0, longitude))
    root = drawn(view)
    assert covered(root, "land", pixel(view, 67, 175))
    assert covered(root, "land", pixel(view, 66, -160))


@pytest.mark.parametrize("latitude", [90.0, 89.99, -89.99, -90.0])
def test_a_map_at_a_pole_ends_there_and_shows_its_place(latitude) -> None:
    view = viewed(Coordinates(latitude, 12.0))
    assert -90 <= framed(view).south < framed(view).north <= 90
    assert on_map(view, dot(drawn(view)))


@pytest.mark.parametrize("latitude", [88.0, -88.0])
def test_a_place_near_a_pole_is_on_a_map_of_the_world_too(latitude) -> None:
    view = viewed(Coordinates(latitude, 10.0), around(latitude, 0, 3))
    assert framed(view).east - framed(view).west == 360
    assert on_map(view, dot(drawn(view)))


@pytest.mark.parametrize("pole", [90, -90])
def test_a_range_over_a_pole_is_a_band_along_the_edge(pole) -> None:
    view = viewed(None, around(pole, 0, 4))
    root = drawn(view)
    for longitude in range(-179, 180, 30):
        assert covered(root, "range", pixel(view, pole * 0.99, longitude))
        assert not covered(root, "range", pixel(view, pole * 0.9, longitude))
        assert not covered(root, "range", pixel(view, -pole / 3, longitude))


@pytest.mark.parametrize("pole", [90, -90])
def test_a_range_around_a_pole_leaves_the_pole_open(pole) -> None:
    view = viewed(None, sorted(set(around(pole, 0, 8)) - set(around(pole, 0, 3))))
    root = drawn(view)
    assert covered(root, "range", pixel(view, pole * 0.935, 40))
    assert not covered(root, "range", pixel(view, pole * 0.995, 40))
    assert not covered(root, "range", pixel(view, 0, 40))


@pytest.mark.parametrize("latitude", [90.0, -90.0])
def test_the_cell_of_a_pole_is_not_smeared_over_the_map(latitude) -> None:
    view = viewed(Coordinates(latitude, 0.0), around(latitude, 0, 8))
    assert rings(drawn(view), "cell") == []


@pytest.mark.parametrize("place", [None, NAIROBI, FIJI])
def test_a_worldwide_range_covers_the_whole_world(place) -> None:
    view = viewed(place, EVERYWHERE)
    root = drawn(view)
    for latitude in (-89, -40, 0, 50, 89):
        for longitude in (-179, -90, 0, 90, 179):
            assert covered(root, "range", pixel(view, latitude, longitude))


@pytest.mark.parametrize("field", ["title", "caption"])
def test_a_hostile_name_is_text_and_nothing_else(field) -> None:
    text = svg(viewed(NAIROBI, (), **{field: HOSTILE}), LAND)
    root = ET.fromstring(text)
    assert root.findall(f".//{SVG}script") == []
    assert "<script" not in text
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f\ud800-\udfff\u202e\ufffe]", text)
    (shown,) = [words for words in texts(root) if "alert" in words]
    assert shown.startswith("<script>alert('&\"')</script>]]> ")


@given(st.text(), st.text())
@settings(max_examples=30, deadline=None)
def test_whatever_the_words_are_the_svg_is_well_formed(title: str, caption: str) -> None:
    text = svg(viewed(None, (), title=title, caption=caption), LAND)
    assert ET.fromstring(text.encode()).tag == f"{SVG}svg"


@pytest.mark.parametrize(("word", "room"), [("lion ", maps.TITLE_COLUMNS), ("獅子座", maps.TITLE_COLUMNS // 2)])
def test_a_long_title_is_cut_where_it_is_drawn_and_whole_where_it_is_read(word, room) -> None:
    root = drawn(viewed(None, (), title=word * 40))
    assert root.findtext(f"{SVG}title") == word * 40
    assert texts(root)[0] == (word * 40)[: room - 1] + "…"


def test_screen_readers_hear_what_it_is_and_where() -> None:
    root = drawn(viewed(NAIROBI))
    assert root.attrib["role"] == "img"
    assert root[0].tag == f"{SVG}title"
    assert root.findtext(f"{SVG}desc") == "expected here; the photo was taken near 1.3°S, 36.8°E"


def test_a_place_that_is_not_that_of_a_photo_is_called_a_place() -> None:
    root = drawn(viewed(NAIROBI, mark="place"))
    assert "the place" in texts(root)
    assert root.findtext(f"{SVG}desc") == "expected here; the place is near 1.3°S, 36.8°E"


@pytest.mark.parametrize(
    ("tenths", "text"), [(0, "0"), (5, ".5"), (-5, "-.5"), (10, "1"), (105, "10.5"), (-100, "-10"), (-1, "-.1")]
)
def test_numbers_are_written_at_their_shortest(tenths, text) -> None:
    assert maps._tenths(tenths) == text


def test_thousands_of_scattered_cells_make_a_small_picture() -> None:
    world = [cell for base in EVERYWHERE for cell in sorted(h3.cell_to_children(base, 3))]
    assert len(svg(viewed(NAIROBI, world[::5][:8000]), LAND)) < 450_000


def test_nothing_is_drawn_from_outside() -> None:
    text = svg(viewed(NAIROBI, around(-2, 35, 1)), LAND)
    root = ET.fromstring(text)
    assert not any(word in text for word in ("href", "url(", "@import", "style"))
    assert {element.tag.removeprefix(SVG) for element in root.iter()} <= {
        "svg", "title", "desc", "g", "rect", "text", "path", "circle",
    }  # fmt: skip
    assert {element.attrib["font-family"] for element in root.iter() if "font-family" in element.attrib} == {
        "sans-serif"
    }


def test_the_picture_is_as_high_as_it_says() -> None:
    view = viewed(NAIROBI)
    root = drawn(view)
    height = HEAD + round(framed(view).height(INNER), 1) + FOOT
    assert root.attrib["viewBox"] == f"0 0 {WIDTH} {height:g}"
    assert (root.attrib["width"], root.attrib["height"]) == (str(WIDTH), f"{height:g}")


def test_the_same_view_gives_the_same_bytes() -> None:
    view = viewed(FIJI, around(-17, 179, 2))
    assert svg(view, LAND) == svg(view, LAND)


@pytest.mark.parametrize("width", [20, 72, 99])
@pytest.mark.parametrize("view", VIEWS)
def test_the_rows_of_a_terminal_are_of_equal_width(view, width) -> None:
    rows = lines(view, width)
    assert {len(row) for row in rows} == {width}
    assert width / 6 < len(rows) < width / 3
    assert all(char == MARK or "\u2800" <= char <= "\u28ff" for row in rows for char in row)


@pytest.mark.parametrize("view", PLACED)
def test_the_place_is_one_mark_where_it_is(view) -> None:
    marks = [(y, x) for y, row in enumerate(lines(view)) for x, char in enumerate(row) if char == MARK]
    assert marks == [character(view, view.place.latitude, view.place.longitude)]
    ((row, column),) = marks
    assert styles(view)[row][column] == "place"


def test_a_place_without_a_range_is_in_the_middle_of_the_terminal() -> None:
    view = viewed(NAIROBI)
    assert character(view, NAIROBI.latitude, NAIROBI.longitude) == (len(lines(view)) // 2, 36)


def test_the_range_is_solid_and_land_is_sparse() -> None:
    view = viewed(None, around(0, 25, 5))
    rows, kinds = lines(view), styles(view)
    row, column = character(view, 0, 25)
    assert (rows[row][column], kinds[row][column]) == ("⣿", "range")
    by_style = {style: [count(rows[y][x]) for y, row in enumerate(kinds) for x, one in enumerate(row) if one == style]
                for style in ("sea", "land")}  # fmt: skip
    assert set(by_style["sea"]) == {0}
    assert max(by_style["land"]) == 4


def test_neighbouring_spans_differ_so_that_there_are_few() -> None:
    for row in terminal(viewed(NAIROBI, around(-2, 35, 4)), LAND):
        assert all(one.style != other.style for one, other in pairwise(row))


@pytest.mark.parametrize("view", [viewed(FIJI, around(-17, 179.9, 3)), viewed(None, around(-41, 179, 3))])
def test_a_range_across_the_antimeridian_is_one_piece_in_the_terminal(view) -> None:
    for row in terminal(view, LAND):
        assert len([span for span in row if span.style == "range"]) <= 1 + any(span.style == "place" for span in row)
    assert sum(style == "range" for row in styles(view) for style in row) > 20


def test_a_worldwide_range_fills_the_terminal() -> None:
    assert {char for row in lines(viewed(None, EVERYWHERE)) for char in row} == {"⣿"}


def test_the_land_of_the_file_lies_on_the_earth() -> None:
    for ring in coasts(LAND):
        assert len(ring) >= 3
        assert (np.abs(ring) <= (180, 90)).all()
