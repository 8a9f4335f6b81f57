"""The nouns: frozen, checked, without sentinel values."""

from __future__ import annotations

import datetime
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoid.core.captures import merge
from geoid.core.values import (
    RANKS,
    Capture,
    CaptureDate,
    ClassTable,
    Coordinates,
    Location,
    Photo,
    Source,
    Taxon,
    taxon_key,
)

LINEAGE = dict(
    zip(RANKS, ("Animalia", "Chordata", "Mammalia", "Carnivora", "Felidae", "Panthera", "Panthera leo"), strict=True)
)
LION = Taxon("panthera-leo", "Panthera leo", "lion", "species", LINEAGE)


@given(st.floats(-90, 90), st.floats(-180, 180))
def test_every_place_on_earth_is_a_place(latitude: float, longitude: float) -> None:
    place = Coordinates(latitude, longitude)
    assert (place.latitude, place.longitude, place.uncertainty_m) == (latitude, longitude, None)


@given(
    st.one_of(st.floats(min_value=90, exclude_min=True), st.floats(max_value=-90, exclude_max=True), st.just(math.nan))
)
def test_no_latitude_is_beyond_the_poles(latitude: float) -> None:
    with pytest.raises(ValueError, match=r"^latitude .* is outside -90\.\.90$"):
        Coordinates(latitude, 0)


@given(
    st.one_of(
        st.floats(min_value=180, exclude_min=True), st.floats(max_value=-180, exclude_max=True), st.just(math.nan)
    )
)
def test_no_longitude_is_beyond_the_date_line(longitude: float) -> None:
    with pytest.raises(ValueError, match=r"^longitude .* is outside -180\.\.180$"):
        Coordinates(0, longitude)


def test_minus_one_minus_one_is_a_real_place() -> None:
    assert Coordinates(-1, -1).latitude == -1


@pytest.mark.parametrize(
    "value", [Coordinates(1, 2), Capture(), LION, Photo("a", b"", "", 1, 1), Location(Coordinates(1, 2), Source.EXIF)]
)
def test_values_are_frozen_and_have_no_room_for_more(value) -> None:
    name = next(iter(type(value).__annotations__))
    with pytest.raises(AttributeError):
        setattr(value, name, None)
    assert not hasattr(value, "__dict__")


def test_a_photo_does_not_print_its_bytes() -> None:
    assert "secret" not in repr(Photo("a.jpg", b"secret bytes", "digest", 1, 1))


@pytest.mark.parametrize("name", ["Panthera leo", "Aves"])
def test_a_key_is_the_scientific_name_in_lower_case_and_hyphens(name: str) -> None:
    assert taxon_key(name) == name.lower().replace(" ", "-")


@pytest.mark.parametrize("rank", RANKS[:-1])
def test_an_ancestor_that_no_table_lists_has_a_lineage_down_to_itself(rank: str) -> None:
    ancestor = ClassTable(()).ancestor(LION, rank)
    assert (ancestor.scientific_name, ancestor.rank, ancestor.common_name) == (LINEAGE[rank], rank, None)
    assert list(ancestor.lineage) == list(RANKS[: RANKS.index(rank) + 1])


def test_an_ancestor_that_the_table_lists_is_the_table_s_own() -> None:
    cats = Taxon("felidae", "Felidae", "cats", "family", {})
    assert ClassTable((), lambda name: cats if name == "Felidae" else None).ancestor(LION, "family") is cats


def test_sources_are_the_words_of_the_output() -> None:
    assert [source.value for source in Source] == ["argument", "exif", "xmp", "sidecar"]


@given(st.lists(st.sampled_from(["place", "date", "both", "none"]), max_size=4))
def test_the_first_capture_with_a_place_and_the_first_with_a_date_win(kinds: list[str]) -> None:
    captures = [
        Capture(
            Location(Coordinates(number, 0), Source.EXIF) if kind in {"place", "both"} else None,
            CaptureDate(datetime.date(2020, 1, number + 1), Source.XMP) if kind in {"date", "both"} else None,
            (kind,),
        )
        for number, kind in enumerate(kinds)
    ]
    merged = merge(captures)
    with_place = [capture.location for capture in captures if capture.location]
    with_date = [capture.date for capture in captures if capture.date]
    assert merged.location == (with_place[0] if with_place else None)
    assert merged.date == (with_date[0] if with_date else None)
    assert merged.problems == tuple(dict.fromkeys(kinds))
