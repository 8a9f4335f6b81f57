"""Maps as SVG: what is drawn where, and that a name cannot do anything to the picture."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import NamedTuple

import h3
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geoid.core.places import cell_of
from geoid.core.values import Coordinates
from geoid.formats.maps import FOOT, HEAD, NARROWEST, WIDTH, WORLD, MapView, frame_of, svg

LAND = Path(__file__).resolve().parents[2] / "fixtures" / "areas" / "land.txt"
SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = "<script>alert('&\"')</script>]]>\x00\x07\x1b[31m\n\ud800\u202e\ufffe"
NAIROBI = Coordinates(-1.29, 36.82)
FIJI = Coordinates(-17.8, 179.5)
FIJI_PLACES = ((-17.8, 178.0), (-16.5, 179.9), (-16.8, -179.9), (-18.2, -178.8))


class Run(NamedTuple):
    """One run of the range path: a rectangle in pixels."""

    left: float
    top: float
    right: float
    bottom: float


def around(latitude: float, longitude: float, rings: int = 0) -> list[str]:
    return sorted(h3.grid_disk(h3.latlng_to_cell(latitude, longitude, 3), rings))


def viewed(place: Coordinates | None, occurs: list[str], **more) -> MapView:
    return MapView(place, place and cell_of(place), occurs, **{"title": "lion", "caption": "expected here", **more})


def drawn(view: MapView) -> ET.Element:
    return ET.fromstring(svg(view, LAND))


def found(root: ET.Element, name: str) -> ET.Element:
    (element,) = root.findall(f".//*[@id='{name}']")
    return element


def dot(root: ET.Element) -> tuple[float, float]:
    place = found(root, "place")
    return float(place.attrib["cx"]), float(place.attrib["cy"])


def runs(root: ET.Element) -> list[Run]:
    path = found(root, "range").attrib["d"]
    number = r"(-?[\d.]+)"
    pattern = re.compile(f"M{number} {number}h{number}v{number}H{number}Z")
    assert "".join(match.group() for match in pattern.finditer(path)) == path
    drawn_runs = []
    for match in pattern.finditer(path):
        x, y, width, height, back = map(float, match.groups())
        assert back == x
        drawn_runs.append(Run(x, y, x + width, y + height))
    return drawn_runs


def covered(root: ET.Element, point: tuple[float, float]) -> bool:
    x, y = point
    return any(run.left <= x <= run.right and run.top <= y <= run.bottom for run in runs(root))


def inside(view: MapView, point: tuple[float, float]) -> bool:
    return 0 <= point[0] <= WIDTH and HEAD <= point[1] <= HEAD + frame_of(view).height


@given(st.floats(-90, 90), st.floats(-180, 180))
@settings(max_examples=25)
def test_the_dot_lies_where_the_place_is(latitude: float, longitude: float) -> None:
    view = viewed(Coordinates(latitude, longitude), [])
    frame, (x, y) = frame_of(view), dot(drawn(view))
    east = frame.west + x / frame.scale
    assert abs((east - longitude + 180) % 360 - 180) < 0.1 / frame.scale
    assert frame.north - (y - HEAD) / frame.scale == pytest.approx(latitude, abs=0.1 / frame.scale)
    assert inside(view, (x, y))


def test_a_place_without_a_range_is_in_the_middle_of_a_narrow_map() -> None:
    view = viewed(NAIROBI, [])
    assert frame_of(view).east - frame_of(view).west == NARROWEST
    assert dot(drawn(view)) == pytest.approx((WIDTH / 2, HEAD + frame_of(view).height / 2), abs=0.1)


def test_the_outline_of_the_cell_lies_around_the_place() -> None:
    root = drawn(viewed(NAIROBI, []))
    corners = [tuple(map(float, pair.split(","))) for pair in found(root, "cell").attrib["points"].split()]
    x, y = dot(root)
    assert min(one for one, _ in corners) <= x <= max(one for one, _ in corners)
    assert min(one for _, one in corners) <= y <= max(one for _, one in corners)


def test_a_place_without_a_cell_has_a_dot_and_no_outline() -> None:
    root = drawn(MapView(NAIROBI, None, [], "lion", "here"))
    assert dot(root)
    assert root.findall(".//*[@id='cell']") == []


def test_the_range_covers_the_middle_of_its_cells_and_no_point_far_away() -> None:
    cells = around(-2, 35, 1)
    view = viewed(NAIROBI, cells)
    root, frame = drawn(view), frame_of(view)
    for cell in cells:
        assert covered(root, frame.point(*h3.cell_to_latlng(cell)))
    for far in ((10, 35), (-12, 35), (-2, 25), (-2, 45)):
        assert not covered(root, frame.point(*far))


def test_a_compacted_range_is_drawn_like_its_cells() -> None:
    coarse = h3.latlng_to_cell(48, 10, 1)
    children = sorted(h3.cell_to_children(coarse, 3))
    assert len(h3.compact_cells(children)) == 1
    view, frame = viewed(None, [coarse]), frame_of(viewed(None, [coarse]))
    root = drawn(view)
    shown = [frame.point(*h3.cell_to_latlng(child)) for child in children]
    assert all(covered(root, point) for point in shown if inside(view, point))


def test_the_squares_of_a_range_stay_on_the_map() -> None:
    view = viewed(NAIROBI, around(-2, 35, 12))
    bottom = HEAD + frame_of(view).height
    assert runs(drawn(view))
    for run in runs(drawn(view)):
        assert 0 <= run.left < run.right <= WIDTH
        assert HEAD <= run.top < run.bottom <= bottom + 0.1


def test_without_a_range_nothing_is_drawn_of_it_nor_said_in_the_legend() -> None:
    root = drawn(viewed(NAIROBI, []))
    assert not found(root, "range").attrib["d"]
    texts = [text.text for text in root.iter(f"{SVG}text")]
    assert "occurs" not in texts
    assert "the photo" in texts


def test_without_place_and_range_the_whole_world_is_shown() -> None:
    view = viewed(None, [])
    root = drawn(view)
    assert frame_of(view) == WORLD
    assert found(root, "land").attrib["d"]
    assert root.findall(".//*[@id='place']") == []


def test_a_range_across_the_antimeridian_is_one_piece_on_a_narrow_map() -> None:
    cells = [h3.latlng_to_cell(*place, 3) for place in FIJI_PLACES]
    view = viewed(FIJI, cells)
    root, frame = drawn(view), frame_of(view)
    assert frame.east - frame.west == NARROWEST
    assert inside(view, dot(root))
    for cell in cells:
        point = frame.point(*h3.cell_to_latlng(cell))
        assert inside(view, point)
        assert covered(root, point)
    assert max(run.right for run in runs(root)) - min(run.left for run in runs(root)) < WIDTH / 3


@pytest.mark.parametrize("longitude", [-180.0, -179.9, 179.9, 180.0])
def test_land_is_drawn_on_both_sides_of_the_antimeridian(longitude) -> None:
    land = found(drawn(viewed(Coordinates(67.0, longitude), [])), "land").attrib["d"]
    across = [float(x) for x in re.findall(r"[ML](-?[\d.]+) ", land)]
    assert any(0 < x < WIDTH / 2 for x in across)
    assert any(WIDTH / 2 < x < WIDTH for x in across)


@pytest.mark.parametrize("latitude", [90.0, 89.99, -89.99, -90.0])
def test_a_map_at_a_pole_ends_there_and_shows_its_place(latitude) -> None:
    view = viewed(Coordinates(latitude, 12.0), [])
    frame = frame_of(view)
    assert -90 <= frame.south < frame.north <= 90
    assert inside(view, dot(drawn(view)))


@pytest.mark.parametrize("latitude", [89.5, -89.5])
def test_a_range_around_a_pole_is_a_world_map(latitude) -> None:
    view = viewed(None, around(latitude, 0, 10))
    root = drawn(view)
    assert frame_of(view) == WORLD
    edge = min(run.top for run in runs(root)) if latitude > 0 else max(run.bottom for run in runs(root))
    expected = HEAD if latitude > 0 else HEAD + frame_of(view).height
    assert edge == pytest.approx(expected, abs=3)


@pytest.mark.parametrize("latitude", [88.0, -88.0])
def test_a_place_near_a_pole_is_on_the_world_map_too(latitude) -> None:
    view = viewed(Coordinates(latitude, 10.0), around(latitude, 0, 10))
    assert inside(view, dot(drawn(view)))


@pytest.mark.parametrize("place", [None, NAIROBI, FIJI])
def test_a_worldwide_range_gives_the_whole_world(place) -> None:
    view = viewed(place, sorted(h3.get_res0_cells()))
    root = drawn(view)
    assert frame_of(view) == WORLD
    assert all(run.left == 0 and run.right == WIDTH for run in runs(root))


@pytest.mark.parametrize("field", ["title", "caption"])
def test_a_hostile_name_is_text_and_nothing_else(field) -> None:
    text = svg(viewed(NAIROBI, [], **{field: HOSTILE}), LAND)
    root = ET.fromstring(text)
    assert root.findall(f".//{SVG}script") == []
    assert "<script" not in text
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f\ud800-\udfff\u202e\ufffe]", text)
    shown = [element.text for element in root.iter(f"{SVG}text") if "alert" in (element.text or "")]
    assert len(shown) == 1
    assert shown[0].startswith("<script>alert('&\"')</script>]]> ")


@given(st.text(), st.text())
@settings(max_examples=30)
def test_whatever_the_words_are_the_svg_is_well_formed(title: str, caption: str) -> None:
    text = svg(viewed(None, [], title=title, caption=caption), LAND)
    assert ET.fromstring(text.encode()).tag == f"{SVG}svg"


def test_nothing_is_drawn_from_outside() -> None:
    text = svg(viewed(NAIROBI, around(-2, 35, 1)), LAND)
    root = ET.fromstring(text)
    assert "href" not in text
    assert "url(" not in text
    assert "@import" not in text
    assert {element.tag.removeprefix(SVG) for element in root.iter()} <= {
        "svg", "title", "desc", "rect", "text", "path", "polygon", "circle",
    }  # fmt: skip
    fonts = {element.attrib[name] for element in root.iter() for name in element.attrib if name == "font-family"}
    assert fonts == {"sans-serif"}


def test_the_picture_is_as_high_as_it_says() -> None:
    view = viewed(NAIROBI, [])
    root = drawn(view)
    height = HEAD + frame_of(view).height + FOOT
    assert root.attrib["viewBox"] == f"0 0 {WIDTH} {height:.0f}"
    assert (root.attrib["width"], root.attrib["height"]) == (str(WIDTH), f"{height:.0f}")


def test_the_same_view_gives_the_same_bytes() -> None:
    view = viewed(FIJI, around(-17, 179, 2))
    assert svg(view, LAND) == svg(view, LAND)
