"""Many photos: the order of the input, bounded memory, and no photo that hides another."""

from __future__ import annotations

import itertools
import random
import threading
from dataclasses import dataclass, field

import pytest

from geoid.core.batch import AHEAD, predict_many, predict_one
from geoid.core.pipeline import UNKNOWN
from geoid.core.predictions import Failure
from geoid.core.sources import PhotoSource
from geoid.errors import BrokenPhoto, GeoidError, ModelError


@dataclass
class Echo:
    """In place of a pipeline: answers with the name it was given, after whatever `wait` does."""

    wait: object = None
    asked: list[tuple[str, bytes, object]] = field(default_factory=list)

    def predict(self, name: str, data: bytes, given=UNKNOWN):
        if self.wait is not None:
            self.wait(name)
        self.asked.append((name, data, given))
        return name


def source(name: str) -> PhotoSource:
    return PhotoSource(name, name.encode)


def sources(count: int):
    return [source(f"{number}.jpg") for number in range(count)]


def raising(name: str, error: BaseException) -> PhotoSource:
    def load() -> bytes:
        raise error

    return PhotoSource(name, load)


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_answers_come_in_the_order_of_the_input_though_photos_take_unequal_time(workers: int) -> None:
    rng = random.Random(3)
    waits = {f"{number}.jpg": rng.random() / 200 for number in range(40)}
    pause = threading.Event()
    outcomes = predict_many(Echo(lambda name: pause.wait(waits[name])), sources(40), workers=workers)
    assert list(outcomes) == [f"{number}.jpg" for number in range(40)]


def test_a_slow_first_photo_does_not_stop_the_others_from_being_answered() -> None:
    others_done = threading.Event()
    answered = itertools.count(1)

    def wait(name: str) -> None:
        if name == "0.jpg":
            assert others_done.wait(timeout=30)
        elif next(answered) == AHEAD:
            others_done.set()

    assert next(predict_many(Echo(wait), sources(10), workers=2)) == "0.jpg"


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_no_more_than_a_few_photos_a_worker_are_taken_ahead(workers: int) -> None:
    taken = 0

    def endless():
        nonlocal taken
        while True:
            taken += 1
            yield source(f"{taken}.jpg")

    outcomes = predict_many(Echo(), endless(), workers=workers)
    for given_back in range(1, 30):
        next(outcomes)
        assert taken - given_back <= workers * AHEAD
    outcomes.close()


@pytest.mark.parametrize("workers", [1, 3])
def test_no_more_photos_are_worked_on_at_once_than_there_are_workers(workers: int) -> None:
    lock, pause = threading.Lock(), threading.Event()
    working, most = 0, 0

    def wait(name: str) -> None:
        nonlocal working, most
        with lock:
            working += 1
            most = max(most, working)
        pause.wait(0.001)
        with lock:
            working -= 1

    assert len(list(predict_many(Echo(wait), sources(30), workers=workers))) == 30
    assert most <= workers


@pytest.mark.parametrize("workers", [1, 3])
def test_a_photo_that_fails_fails_in_its_place(workers: int) -> None:
    error = BrokenPhoto("1.jpg: the image is truncated")
    mixed = [source("0.jpg"), raising("1.jpg", error), source("2.jpg")]
    assert list(predict_many(Echo(), mixed, workers=workers)) == ["0.jpg", Failure("1.jpg", error), "2.jpg"]


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize(
    "error", [KeyError("x"), MemoryError(), RecursionError(), UnicodeError("y"), ZeroDivisionError()]
)
def test_a_bug_that_a_photo_finds_is_a_failure_that_says_so(workers: int, error: Exception) -> None:
    mixed = [source("0.jpg"), raising("1.jpg", error), source("2.jpg")]
    first, failed, last = predict_many(Echo(), mixed, workers=workers)
    assert (first, last, failed.path) == ("0.jpg", "2.jpg", "1.jpg")
    assert failed.error.message.startswith(f"unexpected {type(error).__name__}: ")
    assert (failed.error.exit_code, failed.error.kind) == (1, "error")
    assert "bug" in failed.error.hint
    assert failed.error.__cause__ is error


@pytest.mark.parametrize("workers", [1, 3])
def test_ctrl_c_is_no_failure_of_a_photo(workers: int) -> None:
    with pytest.raises(KeyboardInterrupt):
        list(predict_many(Echo(), [source("0.jpg"), raising("1.jpg", KeyboardInterrupt())], workers=workers))
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("geoid")]


def test_a_batch_that_is_given_up_takes_no_more_photos_and_leaves_no_thread() -> None:
    pipeline = Echo()
    outcomes = predict_many(pipeline, sources(500), workers=3)
    assert next(outcomes) == "0.jpg"
    outcomes.close()
    assert len(pipeline.asked) <= 3 * AHEAD
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("geoid")]


@pytest.mark.parametrize("workers", [1, 4])
def test_sources_that_break_off_give_what_came_before_and_then_the_error(workers: int) -> None:
    def breaking():
        yield source("0.jpg")
        raise GeoidError("the list ends here")

    outcomes = predict_many(Echo(), breaking(), workers=workers)
    with pytest.raises(GeoidError, match="the list ends here"):
        list(outcomes)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("geoid")]


@pytest.mark.parametrize("workers", [1, 4])
def test_no_photos_give_no_answers(workers: int) -> None:
    assert list(predict_many(Echo(), [], workers=workers)) == []


@pytest.mark.parametrize("workers", [1, 4])
def test_what_is_given_goes_to_every_photo(workers: int) -> None:
    pipeline, given = Echo(), object()
    list(predict_many(pipeline, sources(5), given, workers))
    assert sorted(pipeline.asked, key=lambda asked: asked[0]) == [
        (f"{number}.jpg", f"{number}.jpg".encode(), given) for number in range(5)
    ]


def test_one_photo_is_answered_or_fails() -> None:
    assert predict_one(Echo(), source("a.jpg")) == "a.jpg"
    assert isinstance(predict_one(Echo(), raising("a.jpg", OSError("disk"))), Failure)


@pytest.mark.parametrize("workers", [1, 3])
def test_what_is_no_fault_of_the_photo_stops_the_run(workers: int) -> None:
    with pytest.raises(ModelError, match="does not run"):
        list(predict_many(Echo(), [raising("a.jpg", ModelError("model x does not run"))], workers=workers))
