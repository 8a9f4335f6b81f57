"""What every `Classifier` promises, over all its implementations."""

from __future__ import annotations

import hashlib
import io
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import pytest
from PIL import Image
from tables import TableClassifier

from geoid.core.models import ModelCard
from geoid.core.ports import Classifier
from geoid.core.values import Photo
from geoid.errors import BrokenPhoto


def picture(colour: str, size=(320, 240)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, "PNG")
    return buffer.getvalue()


def photo(data: bytes, name: str = "photo.png", size=(320, 240)) -> Photo:
    return Photo(name, data, hashlib.sha256(data).hexdigest(), *size)


PICTURES = [photo(picture(colour), f"{colour}.png") for colour in ("red", "green", "blue")]
BROKEN = photo(PICTURES[0].data[:80], "broken.png")


@dataclass(frozen=True)
class Subject:
    """A classifier under contract, and how many classes it has."""

    classifier: Classifier
    classes: int


@pytest.fixture(name="real", scope="session")
def _real() -> tuple[Classifier, ModelCard]:
    """The default model, as wiring opens it."""
    from geoid.wiring import open_library, open_pipeline, open_settings

    settings = open_settings().settings
    return open_pipeline(settings).classifier, open_library(settings).card("efficientnet-lite2")


@pytest.fixture(name="subject", params=["onnx", "table"])
def _subject(request) -> Subject:
    if request.param == "onnx":
        classifier, card = request.getfixturevalue("real")
        return Subject(classifier, card.output.classes)
    rows = {one.data: [1.0 + number, 5.0, 3.0, 0.0] for number, one in enumerate(PICTURES)}
    return Subject(TableClassifier(rows, 4), 4)


def test_there_is_a_row_of_float32_scores_for_each_photo(subject: Subject) -> None:
    scores = subject.classifier.classify(PICTURES)
    for values in (scores.logits, scores.probabilities):
        assert (values.shape, values.dtype) == ((3, subject.classes), np.float32)
        assert np.isfinite(values).all()


def test_rows_of_probabilities_sum_to_one(subject: Subject) -> None:
    shares = subject.classifier.classify(PICTURES).probabilities
    assert (shares >= 0).all()
    assert shares.sum(axis=1) == pytest.approx(1, abs=1e-5)


def test_probabilities_follow_the_logits(subject: Subject) -> None:
    scores = subject.classifier.classify(PICTURES)
    assert np.array_equal(scores.logits.argmax(axis=1), scores.probabilities.argmax(axis=1))


def test_photos_are_scored_in_the_order_given(subject: Subject) -> None:
    forward = subject.classifier.classify(PICTURES)
    backward = subject.classifier.classify(PICTURES[::-1])
    assert np.array_equal(forward.probabilities, backward.probabilities[::-1])
    assert not np.array_equal(forward.probabilities[0], forward.probabilities[2])


def test_a_photo_gets_the_same_scores_alone_and_among_others(subject: Subject) -> None:
    alone = np.concatenate([subject.classifier.classify([one]).probabilities for one in PICTURES])
    assert np.array_equal(alone, subject.classifier.classify(PICTURES).probabilities)


def test_a_name_does_not_change_the_scores(subject: Subject) -> None:
    named, renamed = (
        subject.classifier.classify([replace(PICTURES[0], name=name)]).probabilities for name in ("lion.png", "-")
    )
    assert np.array_equal(named, renamed)


def test_no_photos_give_no_rows(subject: Subject) -> None:
    scores = subject.classifier.classify([])
    assert scores.logits.shape == scores.probabilities.shape == (0, subject.classes)


def test_a_photo_that_cannot_be_decoded_is_broken(subject: Subject) -> None:
    with pytest.raises(BrokenPhoto, match=r"^broken\.png: "):
        subject.classifier.classify([PICTURES[0], BROKEN])


def test_one_classifier_serves_many_threads(subject: Subject) -> None:
    wanted = [subject.classifier.classify([one]).probabilities for one in PICTURES]
    start = threading.Barrier(3)

    def scores(number: int):
        start.wait(timeout=30)
        return [subject.classifier.classify([PICTURES[number]]).probabilities for _ in range(3)]

    with ThreadPoolExecutor(3) as pool:
        for number, found in enumerate(pool.map(scores, range(3))):
            assert all(np.array_equal(one, wanted[number]) for one in found)
