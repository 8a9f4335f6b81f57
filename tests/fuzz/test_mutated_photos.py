"""Mutated photos end as an answer or as an error about the photo; `run.py` beside this does the same with thousands."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import ask, complaints, write_photos
from mutations import mutant
from seed_photos import PHOTOS, Seed, all_seeds

from geoid import open_pipeline
from geoid.core.batch import predict_one
from geoid.core.pipeline import Pipeline
from geoid.core.predictions import Prediction
from geoid.core.sources import PhotoSource
from geoid.errors import BadInputError

SEED = 20
MUTANTS = 150
GROUPS = 10
GOOD = PHOTOS / "samoyed.jpg"

pytestmark = pytest.mark.filterwarnings("ignore")
"""Pillow warns of the damage; the command line shows no warnings either."""


@pytest.fixture(name="seeds", scope="module")
def _seeds() -> tuple[Seed, ...]:
    return all_seeds()


@pytest.fixture(name="pipeline", scope="module")
def _pipeline() -> Pipeline:
    return open_pipeline()


@pytest.mark.xdist_group("fuzz")
@pytest.mark.parametrize("group", range(GROUPS))
def test_every_mutated_photo_ends_as_an_answer_or_as_an_error_about_the_photo(
    seeds: tuple[Seed, ...], pipeline: Pipeline, group: int
) -> None:
    for number in range(group, MUTANTS, GROUPS):
        photo = mutant(seeds, SEED, number)
        outcome = predict_one(pipeline, PhotoSource(photo.name, lambda data=photo.data: data))
        assert isinstance(outcome, Prediction) or isinstance(outcome.error, BadInputError), (photo.name, outcome)


@pytest.mark.xdist_group("fuzz")
def test_a_seed_and_a_number_make_the_same_photo_every_time(seeds: tuple[Seed, ...]) -> None:
    assert mutant(seeds, SEED, 7) == mutant(seeds, SEED, 7)
    assert mutant(seeds, SEED, 7) != mutant(seeds, SEED + 1, 7)


@pytest.mark.xdist_group("fuzz")
def test_the_command_answers_for_mutated_photos_one_by_one(seeds: tuple[Seed, ...], tmp_path: Path) -> None:
    for path in write_photos([mutant(seeds, SEED, number) for number in range(2)], tmp_path):
        assert not list(complaints(ask([path])))


@pytest.mark.xdist_group("fuzz")
def test_the_command_answers_for_a_good_photo_among_mutated_ones(seeds: tuple[Seed, ...], tmp_path: Path) -> None:
    paths = write_photos([mutant(seeds, SEED, number) for number in range(2, 6)], tmp_path)
    assert not list(complaints(ask([*paths[:2], GOOD, *paths[2:]]), [GOOD]))
