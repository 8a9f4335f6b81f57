"""The starter release as a researcher meets it: what one sees in a photo is another animal in another place."""

from __future__ import annotations

import datetime

import numpy as np
import pytest

from geoid.core.areas import Areas
from geoid.core.grouping import Grouping, group
from geoid.core.pipeline import Pipeline
from geoid.core.predictions import AnswerStatus, LocalStatus, Mode, NarrowingStatus, Ranking
from geoid.core.ranking import RankingRules, rank
from geoid.core.values import Capture, CaptureDate, Coordinates, Location, Source
from geoid.wiring import open_areas, open_library, open_settings

PLACES = {
    "London": (51.5, -0.1),
    "Tokyo": (35.7, 139.7),
    "New York": (40.7, -74.0),
    "Denver": (39.7, -105.0),
    "Sydney": (-33.9, 151.2),
    "Vienna": (48.2, 16.4),
    "Florida": (27.5, -81.5),
    "Nairobi": (-1.29, 36.82),
    "Madrid": (40.4, -3.7),
    "Miami": (25.8, -80.2),
    "Cape Town": (-33.9, 18.4),
    "Yellowstone": (44.6, -110.5),
    "Bialowieza": (52.7, 23.8),
    "Berlin": (52.5, 13.4),
}
SURE = 0.9


def capture(place: str, month: int | None = None) -> Capture:
    date = month and CaptureDate(datetime.date(2024, month, 15), Source.ARGUMENT)
    return Capture(Location(Coordinates(*PLACES[place]), Source.ARGUMENT), date)


@pytest.fixture(name="grouping", scope="module")
def _grouping() -> Grouping:
    settings = open_settings().settings
    library = open_library(settings)
    return group(library.classes(library.card(settings.model.name)))


@pytest.fixture(name="areas", scope="module")
def _areas(grouping) -> Areas:
    return open_areas(open_settings().settings, grouping.keys)


@pytest.fixture(name="seen", scope="module")
def _seen(grouping, areas):
    """The ranking of a photo in which vision sees one class with 0.9, at a place and in a month."""

    def seen(label: str, place: str, month: int | None = None, mode: Mode = Mode.BOOST) -> Ranking:
        index = next(one.index for same in grouping.groups for one in same.labels if one.text == label)
        scores = np.full(1000, (1 - SURE) / 999, np.float32)
        scores[index] = SURE
        _, evidence, narrowing = areas.look_up(capture(place, month))[:3]
        assert narrowing.status is NarrowingStatus.APPLIED
        return rank(grouping, scores, RankingRules(), evidence, mode)

    return seen


@pytest.mark.parametrize(
    ("label", "place", "species"),
    [
        ("jay", "London", "Garrulus glandarius"),
        ("jay", "Tokyo", "Garrulus glandarius"),
        ("jay", "New York", "Cyanocitta cristata"),
        ("magpie", "London", "Pica pica"),
        ("magpie", "Denver", "Pica hudsonia"),
        ("magpie", "Sydney", "Gymnorhina tibicen"),
        ("goldfinch", "London", "Carduelis carduelis"),
        ("goldfinch", "New York", "Spinus tristis"),
        ("bison", "Yellowstone", "Bison bison"),
        ("bison", "Bialowieza", "Bison bonasus"),
        ("spoonbill", "Vienna", "Platalea leucorodia"),
        ("spoonbill", "Florida", "Platalea ajaja"),
        ("badger", "London", "Meles meles"),
        ("badger", "Denver", "Taxidea taxus"),
        ("badger", "Tokyo", "Meles anakuma"),
        ("flamingo", "Madrid", "Phoenicopterus roseus"),
        ("flamingo", "Miami", "Phoenicopterus ruber"),
        ("porcupine or hedgehog", "London", "Erinaceus europaeus"),
        ("porcupine or hedgehog", "New York", "Erethizon dorsatum"),
        ("hummingbird", "New York", "Archilochus colubris"),
        ("hare", "Cape Town", "Lepus capensis"),
        ("hare", "Madrid", "Lepus granatensis"),
        ("pelican", "Sydney", "Pelecanus conspicillatus"),
    ],
)
def test_one_class_is_another_species_in_another_place(seen, label, place, species) -> None:
    ranking = seen(label, place)
    assert ranking.candidates[0].taxon.scientific_name == species
    assert ranking.answer.taxon.scientific_name == species
    assert ranking.candidates[0].label == label


def test_without_the_place_a_class_stays_a_class(grouping) -> None:
    settings = open_settings({"ranking.mode": "off"}).settings
    areas = open_areas(settings, grouping.keys)
    _, evidence, narrowing = areas.look_up(capture("London"))[:3]
    assert (evidence, narrowing.status) == (None, NarrowingStatus.OFF)


def test_a_lion_in_nairobi_is_a_lion(seen) -> None:
    ranking = seen("lion", "Nairobi")
    assert ranking.answer.taxon.scientific_name == "Panthera leo"
    assert (ranking.candidates[0].local_status, ranking.why_not) == (LocalStatus.EXPECTED, None)


def test_a_lion_in_berlin_is_still_shown_and_flagged(seen, areas) -> None:
    ranking = seen("lion", "Berlin")
    first = ranking.candidates[0]
    assert (first.taxon.scientific_name, first.local_status) == ("Panthera leo", LocalStatus.NOT_RECORDED)
    assert (ranking.why_not.taxon.scientific_name, ranking.why_not.reason) == ("Panthera leo", LocalStatus.NOT_RECORDED)
    assert 3000 < areas.distance_km(["panthera-leo"], Coordinates(*PLACES["Berlin"])) < 6000


def test_a_fence_keeps_the_lion_out_of_berlin_and_says_so(seen) -> None:
    ranking = seen("lion", "Berlin", mode=Mode.FILTER)
    assert ranking.status is AnswerStatus.NOTHING_HERE
    assert "Panthera leo" not in {candidate.taxon.scientific_name for candidate in ranking.candidates}
    assert ranking.why_not.taxon.scientific_name == "Panthera leo"


@pytest.mark.parametrize(("month", "status"), [(6, LocalStatus.EXPECTED), (1, LocalStatus.OUT_OF_SEASON)])
def test_a_hummingbird_is_in_new_york_in_summer_only(seen, month, status) -> None:
    first = seen("hummingbird", "New York", month).candidates[0]
    assert (first.taxon.scientific_name, first.local_status) == ("Archilochus colubris", status)


@pytest.mark.parametrize("place", PLACES)
def test_pets_and_livestock_are_at_home_everywhere(seen, place) -> None:
    for label in ("Siamese cat", "sorrel (horse)", "German shepherd", "hen (chicken)"):
        first = seen(label, place, mode=Mode.FILTER).candidates[0]
        assert first.local_status is LocalStatus.DOMESTIC


def test_a_real_cheetah_is_answered_in_nairobi_and_fenced_off_in_berlin(pipeline: Pipeline, photos) -> None:
    data = (photos / "cheetah.webp").read_bytes()
    home = pipeline.predict("cheetah.webp", data, capture("Nairobi")).ranking
    away = pipeline.predict("cheetah.webp", data, capture("Berlin")).ranking
    assert home.answer.taxon.scientific_name == away.candidates[0].taxon.scientific_name == "Acinonyx jubatus"
    assert home.candidates[0].local_status is LocalStatus.EXPECTED
    assert 1000 < away.why_not.distance_km < 3000


@pytest.mark.parametrize(("place", "species"), [("Vienna", "Platalea leucorodia"), ("Florida", "Platalea ajaja")])
def test_a_real_spoonbill_is_the_spoonbill_of_its_place(pipeline: Pipeline, photos, place, species) -> None:
    ranking = pipeline.predict("spoonbill.webp", (photos / "spoonbill.webp").read_bytes(), capture(place)).ranking
    assert ranking.answer.taxon.scientific_name == species
