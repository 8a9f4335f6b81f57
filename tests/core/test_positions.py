"""Positions in EXIF fields and XMP properties; the synthetic suite holds the cases, this holds the laws."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from geoid.core.exif import Field
from geoid.core.positions import FoundPosition, exif_position, xmp_position
from geoid.core.problems import Problem
from geoid.core.values import Coordinates

LATITUDES = st.fractions(-90, 90, max_denominator=10**7)
LONGITUDES = st.fractions(-180, 180, max_denominator=10**7)
WHOLE = st.integers(0, 2**32 - 1)
NAMES = ("GPSLatitude", "GPSLatitudeRef", "GPSLongitude", "GPSLongitudeRef", "GPSHPositioningError", "GPSMapDatum")
FIELDS = st.one_of(
    st.none(),
    st.text("NSEW51,30 \0\u0661", max_size=12),
    st.sampled_from("NSEWnsew"),
    st.lists(st.tuples(st.integers(-200, 2**32 - 1), WHOLE), max_size=4).map(tuple),
)


def parts(value: Fraction) -> tuple[tuple[int, int], ...]:
    """Degrees, minutes, and seconds as one rational."""
    size = abs(value)
    degrees, minutes = int(size), int(size * 60 % 60)
    return (degrees, 1), (minutes, 1), (size * 3600 % 60).as_integer_ratio()


def fields(latitude: Fraction, longitude: Fraction) -> dict[str, Field]:
    """The GPS fields of a position."""
    return {
        "GPSLatitude": parts(latitude),
        "GPSLatitudeRef": "S" if latitude < 0 else "N",
        "GPSLongitude": parts(longitude),
        "GPSLongitudeRef": "W" if longitude < 0 else "E",
    }


@given(LATITUDES, LONGITUDES)
def test_a_position_survives_exif_rationals_exactly(latitude: Fraction, longitude: Fraction) -> None:
    assume((latitude, longitude) != (0, 0))
    found = exif_position(fields(latitude, longitude))
    assert found == FoundPosition(Coordinates(float(latitude), float(longitude)))


@given(LATITUDES, LONGITUDES)
def test_a_position_survives_xmp_minutes(latitude: Fraction, longitude: Fraction) -> None:
    written = {
        name: f"{int(abs(value))},{float(abs(value) % 1 * 60):.9f}{letters[value < 0]}"
        for name, value, letters in (("GPSLatitude", latitude, "NS"), ("GPSLongitude", longitude, "EW"))
    }
    coordinates = xmp_position(written).coordinates
    assume(coordinates is not None or max(abs(latitude), abs(longitude)) > Fraction(1, 10**9))
    assert coordinates is not None
    assert (coordinates.latitude, coordinates.longitude) == pytest.approx((float(latitude), float(longitude)), abs=1e-9)


@given(LATITUDES, LONGITUDES)
def test_a_position_survives_xmp_decimals_with_and_without_letters(latitude: Fraction, longitude: Fraction) -> None:
    assume(abs(latitude) > Fraction(1, 10**6))
    signed = {"GPSLatitude": f"{float(latitude):.9f}", "GPSLongitude": f"{float(longitude):.9f}"}
    apart = {
        "GPSLatitude": f"{float(abs(latitude)):.9f}",
        "GPSLatitudeRef": "S" if latitude < 0 else "N",
        "GPSLongitude": f"{float(abs(longitude)):.9f}",
        "GPSLongitudeRef": "W" if longitude < 0 else "E",
    }
    first, second = xmp_position(signed).coordinates, xmp_position(apart).coordinates
    assert first is not None
    assert first == second
    assert (first.latitude, first.longitude) == pytest.approx((float(latitude), float(longitude)), abs=1e-9)


@given(st.dictionaries(st.sampled_from(NAMES), FIELDS))
def test_any_fields_give_a_valid_position_or_a_problem(fields: dict[str, Field]) -> None:
    found = exif_position(fields)
    assert found.coordinates is not None or found.problems or not fields
    if found.coordinates is not None:
        assert found.coordinates.uncertainty_m is None or found.coordinates.uncertainty_m > 0


@given(st.dictionaries(st.sampled_from(NAMES), st.text("0123456789,.-+NSEWnsewv/ ", max_size=30)))
def test_any_xmp_text_gives_a_valid_position_or_a_problem(properties: dict[str, str]) -> None:
    found = xmp_position(properties)
    written = any(properties.get(name, "").strip() for name in ("GPSLatitude", "GPSLongitude"))
    assert found.coordinates is not None or bool(found.problems) == written


def test_no_gps_field_is_no_problem() -> None:
    assert exif_position({"DateTimeOriginal": "2019:05:01 12:00:00"}) == FoundPosition()
    assert xmp_position({}) == FoundPosition()


@pytest.mark.parametrize("datum", ["WGS-84", "WGS 84", "wgs84", "", "JGD2011", "ETRS89"])
def test_datums_within_metres_of_wgs_84_are_not_doubted(datum: str) -> None:
    written: dict[str, Field] = {**fields(Fraction(51), Fraction(7)), "GPSMapDatum": datum}
    assert exif_position(written).problems == ()


@pytest.mark.parametrize(
    "error", ["-1", "0", "nan", "inf", "1e400", "five", "1/0", "0/5", "4/-2"], ids=lambda error: f"error {error}"
)
def test_an_xmp_error_that_is_no_distance_is_left_out(error: str) -> None:
    found = xmp_position({"GPSLatitude": "51.5", "GPSLongitude": "7", "GPSHPositioningError": error})
    assert found == FoundPosition(Coordinates(51.5, 7.0), (Problem.GPS_BAD_UNCERTAINTY,))


@pytest.mark.parametrize(("error", "metres"), [("12.5", 12.5), ("25/2", 12.5), ("1e2", 100.0)])
def test_an_xmp_error_in_metres_is_the_uncertainty(error: str, metres: float) -> None:
    found = xmp_position({"GPSLatitude": "51.5", "GPSLongitude": "7", "GPSHPositioningError": error})
    assert found.coordinates == Coordinates(51.5, 7.0, metres)
