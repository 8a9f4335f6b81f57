"""What is said of a place: how many taxa, how many of them the model knows, and on how many records that rests."""

from __future__ import annotations

import pytest

from geoid.cli.reasons import coverage, nearest, records
from geoid.core.features import weight_of
from geoid.core.predictions import Narrowing, NarrowingStatus


def narrowing(here: int, known: int, density: int | None = None) -> Narrowing:
    return Narrowing(NarrowingStatus.APPLIED, species_here=here, known_to_model=known, density=density)


def test_coverage_is_said_in_words() -> None:
    said = coverage(narrowing(1412, 96, weight_of(12_034)))
    assert said == "1,412 taxa occur here in some month, 96 of them known to the model; about 12,000 records near"


def test_ranges_have_no_records_and_none_are_mentioned() -> None:
    assert coverage(narrowing(1, 1)) == "1 taxon occurs here in some month, 1 of them known to the model"


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (0, "no records"),
        (1, "1 record"),
        (7, "about 7 records"),
        (15, "about 15 records"),
        (127, "about 130 records"),
        (1023, "about 1,000 records"),
        (2**20 - 1, "about 1,000,000 records"),
        (2**31 - 1, "about 2,100,000,000 records"),
    ],
)
def test_a_density_is_a_count_of_two_digits(count: int, said: str) -> None:
    assert records(weight_of(count)) == said


@pytest.mark.parametrize(("kilometres", "said"), [(0.0, "10"), (14.9, "10"), (344.0, "340"), (12_345.0, "12,340")])
def test_a_distance_is_said_to_ten_kilometres_and_never_as_none(kilometres: float, said: str) -> None:
    assert nearest(kilometres) == f"nearest {said} km away"
