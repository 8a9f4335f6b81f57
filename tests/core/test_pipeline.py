"""The five steps together: with tables in the place of the outside, and with the real thing."""

from __future__ import annotations

import datetime
import hashlib
import threading
import time
from dataclasses import replace

import pytest
from processes import World, held_everywhere
from tables import TableClassifier, TableMetadata

from geoid.core.areas import Looked
from geoid.core.batch import predict_many
from geoid.core.grouping import group
from geoid.core.pipeline import Pipeline, Stopwatch
from geoid.core.places import cell_of
from geoid.core.predictions import (
    STEPS,
    AnswerStatus,
    LocalStatus,
    LookupFacts,
    LookupOutcome,
    Mode,
    ModelReference,
    Narrowing,
    NarrowingStatus,
    Prediction,
)
from geoid.core.ranking import RankingRules
from geoid.core.sources import PhotoSource
from geoid.core.values import (
    Capture,
    CaptureDate,
    ClassTable,
    Coordinates,
    Kind,
    Label,
    Location,
    Photo,
    Source,
    Taxon,
)
from geoid.errors import BrokenPhoto, EmptyPhoto, NotAPhoto, SettingsError
from geoid.wiring import open_areas, open_settings

LINEAGE = {
    "class": "Mammalia",
    "order": "Carnivora",
    "family": "Felidae",
    "genus": "Panthera",
    "species": "Panthera leo",
}
LION = Taxon("panthera-leo", "Panthera leo", "lion", "species", LINEAGE)
TABLE = ClassTable((Label(0, "lion", Kind.WILD, (LION,)), Label(1, "castle", Kind.NONE)))
HOME = Location(Coordinates(51.5, -0.125), Source.EXIF)
DAY = CaptureDate(datetime.date(2024, 5, 1), Source.EXIF)


def read(name: str, data: bytes) -> Photo:
    if not data:
        raise EmptyPhoto(f"{name}: the file is empty")
    return Photo(name, data, hashlib.sha256(data).hexdigest(), 30, 20)


@pytest.fixture(name="small")
def _small() -> Pipeline:
    return Pipeline(
        read=read,
        metadata=TableMetadata({b"at home": Capture(HOME, DAY, ("date-from-gps",))}),
        areas=open_areas(open_settings().settings, group(TABLE).keys),
        classifier=TableClassifier({b"lion": [0.9, 0.1], b"castle": [0.01, 0.99], b"at home": [0.9, 0.1]}, 2),
        grouping=group(TABLE),
        rules=RankingRules(),
        model=ModelReference("table", "0" * 64),
    )


def test_a_prediction_holds_all_that_led_to_it(small: Pipeline) -> None:
    found = small.predict("lion.jpg", b"lion")
    assert (found.photo.path, found.photo.width, found.photo.height) == ("lion.jpg", 30, 20)
    assert found.photo.sha256 == hashlib.sha256(b"lion").hexdigest()
    assert (found.ranking.status, found.ranking.answer.taxon.key) == (AnswerStatus.SPECIES, "panthera-leo")
    assert (found.model.name, found.cell, found.capture) == ("table", None, Capture())
    assert found.narrowing.status is NarrowingStatus.NO_LOCATION


def test_every_step_is_timed_and_the_total_is_no_less_than_their_sum(small: Pipeline) -> None:
    timings = small.predict("lion.jpg", b"lion").timings_ms
    assert list(timings) == [*STEPS, "total"]
    assert all(spent >= 0 for spent in timings.values())
    assert timings["total"] >= sum(timings[step] for step in STEPS)


def test_a_photo_with_a_place_has_a_cell(small: Pipeline) -> None:
    found = small.predict("home.jpg", b"at home")
    assert found.cell == cell_of(HOME.coordinates)
    assert found.capture == Capture(HOME, DAY, ("date-from-gps",))
    assert found.narrowing.status is NarrowingStatus.APPLIED
    assert found.ranking.candidates[0].local_status is LocalStatus.NOT_RECORDED
    assert 1000 < found.ranking.why_not.distance_km < 8000


def test_what_is_given_goes_before_what_the_photo_says(small: Pipeline) -> None:
    given = Capture(Location(Coordinates(-33.75, 151.25), Source.ARGUMENT))
    found = small.predict("home.jpg", b"at home", given)
    assert (found.capture.location, found.capture.date) == (given.location, DAY)
    assert found.cell == cell_of(given.location.coordinates)
    assert found.capture.problems == ("date-from-gps",)


def test_a_date_that_is_given_leaves_the_place_to_the_photo(small: Pipeline) -> None:
    given = Capture(date=CaptureDate(datetime.date(2020, 2, 29), Source.ARGUMENT))
    found = small.predict("home.jpg", b"at home", given)
    assert (found.capture.location, found.capture.date) == (HOME, given.date)


@pytest.mark.parametrize(("data", "error"), [(b"", EmptyPhoto), (b"nobody knows", BrokenPhoto)])
def test_a_bad_photo_raises_its_own_error(small: Pipeline, data: bytes, error) -> None:
    with pytest.raises(error, match=r"^bad\.jpg: "):
        small.predict("bad.jpg", data)


def test_predictions_are_equal_whatever_time_they_took(small: Pipeline) -> None:
    first, second = (small.predict("lion.jpg", b"lion") for _ in range(2))
    assert first.timings_ms is not second.timings_ms
    assert first == second


def test_a_step_that_fails_is_timed_all_the_same() -> None:
    watch = Stopwatch()
    with pytest.raises(KeyError), watch.step("read"):
        raise KeyError
    assert list(watch.timings_ms) == ["read"]


def loaded(path) -> PhotoSource:
    return PhotoSource(path.name, path.read_bytes)


def test_one_by_one_and_many_at_once_give_identical_predictions(pipeline: Pipeline, photos) -> None:
    paths = sorted(photos.iterdir())[:6]
    alone = [pipeline.predict(path.name, path.read_bytes()) for path in paths]
    assert list(predict_many(pipeline, map(loaded, paths), workers=1)) == alone
    assert list(predict_many(pipeline, map(loaded, paths), workers=3)) == alone
    assert all(isinstance(outcome, Prediction) for outcome in alone)


@pytest.mark.parametrize(
    ("name", "species"),
    [("koala.webp", "Phascolarctos cinereus"), ("giant-panda.webp", "Ailuropoda melanoleuca")],
)
def test_the_real_pipeline_knows_its_animals(pipeline: Pipeline, photos, name: str, species: str) -> None:
    found = pipeline.predict(name, (photos / name).read_bytes())
    assert found.ranking.answer.taxon.scientific_name == species
    assert sum(candidate.combined_score for candidate in found.ranking.candidates) <= 1 + 1e-9


def test_the_real_pipeline_sees_no_animal_in_a_castle(pipeline: Pipeline, photos) -> None:
    name = "no-animal-castle.webp"
    ranking = pipeline.predict(name, (photos / name).read_bytes()).ranking
    assert ranking.answer is None
    assert ranking.status in {AnswerStatus.NO_ANIMAL, AnswerStatus.NOT_SURE}


def test_the_real_pipeline_refuses_what_is_no_photo(pipeline: Pipeline) -> None:
    with pytest.raises(NotAPhoto, match=r"^notes\.txt: not an image but text$"):
        pipeline.predict("notes.txt", b"hello")


class Looking:
    """Area data whose lookup does what it is told."""

    mode = Mode.BOOST

    def __init__(self, step) -> None:
        self.look_up = step


class Classifying:
    """A classifier that does what it is told."""

    def __init__(self, step) -> None:
        self.step = step

    def classify(self, photos):
        self.step()
        return TableClassifier({b"lion": [0.9, 0.1]}, 2).classify(photos)


def unlocated(_: Capture) -> Looked:
    return Looked(None, None, Narrowing(NarrowingStatus.NO_LOCATION))


def failing(error: Exception):
    def step(*_: object):
        raise error

    return step


def test_lookup_and_classify_run_beside_each_other(small: Pipeline) -> None:
    both = threading.Barrier(2)

    def looking(capture: Capture) -> Looked:
        both.wait(30)
        return unlocated(capture)

    beside = replace(small, areas=Looking(looking), classifier=Classifying(lambda: both.wait(30)))
    assert beside.predict("lion.jpg", b"lion").ranking.answer.taxon.key == "panthera-leo"


def test_a_lookup_that_fails_is_raised(small: Pipeline) -> None:
    with pytest.raises(SettingsError, match="refused"):
        replace(small, areas=Looking(failing(SettingsError("refused")))).predict("lion.jpg", b"lion")


def test_a_photo_that_cannot_be_classified_is_raised_once_the_lookup_has_ended(small: Pipeline) -> None:
    ended = []

    def looking(capture: Capture) -> Looked:
        time.sleep(0.02)
        ended.append(capture)
        return unlocated(capture)

    with pytest.raises(BrokenPhoto):
        replace(small, areas=Looking(looking)).predict("bad.jpg", b"nobody knows")
    assert len(ended) == 1


def test_where_both_fail_the_lookup_is_raised_and_tells_of_the_photo(small: Pipeline) -> None:
    with pytest.raises(SettingsError) as raised:
        replace(small, areas=Looking(failing(SettingsError("refused")))).predict("bad.jpg", b"nobody knows")
    assert isinstance(raised.value.__context__, BrokenPhoto)


def test_how_the_lookup_went_is_part_of_a_prediction_but_not_of_its_equality(small: Pipeline) -> None:
    facts = LookupFacts({LookupOutcome.HIT: 4}, (), {"cache": 0.3})

    def looking(capture: Capture) -> Looked:
        return unlocated(capture)._replace(facts=facts)

    found = replace(small, areas=Looking(looking)).predict("lion.jpg", b"lion")
    assert found.lookup == facts
    assert found == small.predict("lion.jpg", b"lion")


def test_a_photo_without_a_place_is_predicted_whatever_the_servers_do(small: Pipeline) -> None:
    world = World(held_everywhere(0, "ants"))
    world.fail()
    world.shared.down = True
    found = replace(small, areas=world.process().areas).predict("lion.jpg", b"lion")
    assert (found.narrowing.status, found.lookup) == (NarrowingStatus.NO_LOCATION, None)


def test_with_all_servers_down_vision_answers_alone(small: Pipeline) -> None:
    world = World(held_everywhere(0, "ants"))
    world.fail()
    world.shared.down = True
    found = replace(small, areas=world.process(group(TABLE).keys).areas).predict("home.jpg", b"at home")
    assert found.narrowing.status is NarrowingStatus.DATABASE_UNAVAILABLE
    assert found.ranking.answer.taxon.key == "panthera-leo"
    assert found.ranking.candidates[0].geo_score is None
    assert {one.tier for one in found.lookup.troubles} == {"cache", "database"}
