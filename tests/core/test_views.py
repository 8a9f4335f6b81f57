"""Which parts of a photo a model looks at."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from geoid.core.models import InputSpec
from geoid.core.views import TILES_A_SIDE, Box, best_view, centre_crop, tiles

sides = st.integers(1, 50_000)


@st.composite
def specs(draw):
    resize = draw(st.integers(1, 1000))
    return InputSpec(size=draw(st.integers(1, resize)), resize=resize)


def lies_inside(box: Box, width: int, height: int) -> bool:
    slack = 1e-6 * max(width, height)
    return box.left >= -slack and box.top >= -slack and box.right <= width + slack and box.bottom <= height + slack


@given(sides, sides, specs())
def test_the_centre_crop_is_a_centred_square_inside_the_photo(width: int, height: int, spec: InputSpec) -> None:
    box = centre_crop(width, height, spec)
    side = min(width, height) * spec.size / spec.resize
    assert (box.right - box.left, box.bottom - box.top) == pytest.approx((side, side), rel=1e-6, abs=1e-6 * width)
    assert (box.left + box.right, box.top + box.bottom) == pytest.approx((width, height))
    assert lies_inside(box, width, height)


@given(sides, sides)
def test_tiles_are_nine_squares_that_reach_every_edge(width: int, height: int) -> None:
    found = tiles(width, height)
    assert len(found) == TILES_A_SIDE**2
    assert all(lies_inside(box, width, height) for box in found)
    assert min(box.left for box in found) == min(box.top for box in found) == 0
    assert max(box.right for box in found) == pytest.approx(width)
    assert max(box.bottom for box in found) == pytest.approx(height)


@given(st.integers(1, 5000))
def test_tiles_of_a_square_leave_no_gap(side: int) -> None:
    lefts = sorted({(box.left, box.right) for box in tiles(side, side)})
    assert all(after[0] < before[1] for before, after in itertools.pairwise(lefts))


def test_a_crop_of_the_whole_short_side_is_the_short_side() -> None:
    assert centre_crop(400, 200, InputSpec(size=224, resize=224)) == Box(100, 0, 300, 200)


@given(arrays.arrays(np.float32, (4, 7), elements=st.floats(2**-10, 1, width=32)))
def test_the_best_view_is_the_one_with_the_surest_animal(probabilities) -> None:
    animals = np.array([1, 4, 5])
    assert probabilities[best_view(probabilities, animals), animals].max() == probabilities[:, animals].max()


def test_a_view_that_is_surer_of_something_else_does_not_count() -> None:
    castle, animal = [0.9, 0.05, 0.05], [0.3, 0.4, 0.3]
    assert best_view(np.array([castle, castle, animal], np.float32), np.array([1, 2])) == 2


def test_of_equal_views_the_first_counts_and_without_animals_the_whole_photo_does() -> None:
    same = np.full((3, 4), 0.25, np.float32)
    assert best_view(same, np.array([0, 1])) == 0
    assert best_view(same, np.array([], np.intp)) == 0
