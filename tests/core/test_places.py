"""Places as cells, and what is left of a hidden one."""

from __future__ import annotations

import h3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoid.core.places import HIDDEN_RESOLUTION, RESOLUTION, cell_of, hidden, hidden_cell
from geoid.core.values import Coordinates

places = st.builds(
    Coordinates, st.floats(-90, 90), st.floats(-180, 180), st.one_of(st.none(), st.floats(0.1, 1_000_000))
)


@given(places)
def test_every_place_has_a_cell_at_the_one_resolution(place: Coordinates) -> None:
    assert h3.get_resolution(cell_of(place)) == RESOLUTION


@given(places)
def test_a_hidden_place_is_the_same_for_all_places_of_its_cell(place: Coordinates) -> None:
    cell = hidden_cell(cell_of(place))
    assert h3.get_resolution(cell) == HIDDEN_RESOLUTION
    child = h3.cell_to_center_child(cell, RESOLUTION)
    elsewhere = hidden(Coordinates(*h3.cell_to_latlng(child), place.uncertainty_m))
    assert elsewhere == hidden(place)


@given(places)
def test_the_true_place_lies_within_the_uncertainty_of_the_hidden_one(place: Coordinates) -> None:
    shown = hidden(place)
    distance = h3.great_circle_distance((place.latitude, place.longitude), (shown.latitude, shown.longitude), unit="m")
    assert distance + (place.uncertainty_m or 0) <= shown.uncertainty_m


@given(places)
def test_hiding_twice_tells_the_same_cell(place: Coordinates) -> None:
    assert hidden_cell(cell_of(hidden(place))) == hidden_cell(cell_of(place))


@given(places)
def test_a_hidden_place_has_no_more_than_four_decimals(place: Coordinates) -> None:
    shown = hidden(place)
    assert (round(shown.latitude, 4), round(shown.longitude, 4)) == (shown.latitude, shown.longitude)


@pytest.mark.parametrize("corner", [(90, 0), (-90, 0), (0, 180), (0, -180), (90, 180), (-90, -180), (0, 0), (-1, -1)])
def test_corners_of_the_world_have_cells(corner) -> None:
    assert h3.is_valid_cell(cell_of(Coordinates(*corner)))


def test_both_sides_of_the_date_line_are_one_place() -> None:
    assert cell_of(Coordinates(10, 180)) == cell_of(Coordinates(10, -180))
