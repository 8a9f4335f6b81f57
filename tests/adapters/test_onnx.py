"""Any ONNX model with a card: what is fed, what is read, and what does not fit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from geoid.adapters.onnx import OnnxClassifier, OnnxModel, open_session, prepare, probabilities, run_file
from geoid.core.models import CARD_FORMAT, InputSpec, ModelCard, OutputSpec
from geoid.core.values import Photo
from geoid.errors import ModelError
from geoid.zoo.onnx import Graph, Value

SIZE, CLASSES = 4, 3
PHOTO = Photo("photo.jpg", b"", "", 40, 40)
OTHER = Photo("other.jpg", b"", "", 40, 40)


def card(*, input_spec: InputSpec | None = None, output: OutputSpec | None = None, **more) -> ModelCard:
    return ModelCard(
        format=CARD_FORMAT,
        name="toy",
        title="Toy",
        summary="Three classes.",
        licence="CC0-1.0",
        source="made for a test",
        training_data="none",
        labels="toy.tsv",
        input=input_spec or InputSpec(size=SIZE, resize=SIZE),
        output=output or OutputSpec(CLASSES),
        sha256="0" * 64,
        **more,
    )


def means(path: Path, batch: int | str = "N", scale: float = 1.0, exits: int = 1) -> Path:
    """A model of raw bytes whose three outputs are the means of the three channels, times `scale`."""
    graph = Graph("means")
    step = graph.constant("step", np.array(scale, np.float32))
    zero = graph.constant("zero", np.array(0, np.uint8))
    numbers = graph.node("DequantizeLinear", ["photo", step, zero], "numbers")
    graph.node("ReduceMean", [numbers], "scores", axes=(1, 2), keepdims=0)
    outputs = [Value("scores", "float32", (batch, CLASSES))]
    if exits > 1:
        graph.node("Identity", [numbers], "extra")
        outputs.append(Value("extra", "float32", (batch, SIZE, SIZE, 3)))
    path.write_bytes(graph.model(Value("photo", "uint8", (batch, SIZE, SIZE, 3)), outputs))
    return path


def float_means(path: Path, layout: str) -> Path:
    graph = Graph("means")
    shape = ("N", SIZE, SIZE, 3) if layout == "NHWC" else ("N", 3, SIZE, SIZE)
    graph.node("ReduceMean", ["photo"], "scores", axes=(1, 2) if layout == "NHWC" else (2, 3), keepdims=0)
    path.write_bytes(graph.model(Value("photo", "float32", shape), [Value("scores", "float32", ("N", CLASSES))]))
    return path


def decode(photo: Photo, spec: InputSpec, boxes) -> np.ndarray:
    """A brighter red for each further view, and green for `other.jpg`."""
    pixels = np.zeros((len(boxes), spec.size, spec.size, 3), np.uint8)
    for number in range(len(boxes)):
        pixels[number, ..., 1 if photo is OTHER else 0] = 100 + number
    return pixels


def classifier_of(path: Path, of: ModelCard, tiled_for=None) -> OnnxClassifier:
    model = OnnxModel(path, of)
    return OnnxClassifier(of, lambda: model, decode, tiled_for)


@pytest.fixture(name="path")
def _path(tmp_path: Path) -> Path:
    return tmp_path / "toy.onnx"


def test_photos_are_scored_by_the_centre_crop(path: Path) -> None:
    scores = classifier_of(means(path), card()).classify([PHOTO, OTHER])
    assert scores.logits.tolist() == [[100, 0, 0], [0, 100, 0]]
    assert scores.probabilities.argmax(axis=1).tolist() == [0, 1]


@pytest.mark.parametrize("batch", ["N", 1])
def test_with_tiles_the_view_that_shows_a_wanted_class_most_surely_counts(path: Path, batch) -> None:
    red = classifier_of(means(path, batch, scale=0.01), card(), tiled_for=np.array([0])).classify([PHOTO])
    assert red.logits[0] == pytest.approx([1.09, 0, 0])  # the last of ten views is the reddest
    green = classifier_of(means(path, batch, scale=0.01), card(), tiled_for=np.array([1])).classify([PHOTO])
    assert green.logits[0] == pytest.approx([1.0, 0, 0])


def test_of_several_outputs_the_first_is_read(path: Path) -> None:
    classifier = classifier_of(means(path, exits=2), card())
    assert classifier.classify([PHOTO]).logits.shape == (1, CLASSES)


def test_a_fixed_batch_that_no_photo_fills_is_a_model_error(path: Path) -> None:
    classifier = classifier_of(means(path, 7), card())
    with pytest.raises(ModelError, match=r"^model toy does not run: "):
        classifier.classify([PHOTO])


@pytest.mark.parametrize("layout", ["NHWC", "NCHW"])
def test_a_float_model_gets_normalised_pixels_in_its_own_order(path: Path, layout) -> None:
    spec = InputSpec(SIZE, SIZE, layout, "float32", mean=(50.0, 0.0, 0.0), scale=(25.0, 1.0, 2.0))
    classifier = classifier_of(float_means(path, layout), card(input_spec=spec))
    assert classifier.classify([PHOTO]).logits.tolist() == [[2, 0, 0]]


@pytest.mark.parametrize(
    "spec",
    [
        InputSpec(SIZE + 1, SIZE + 1),
        InputSpec(SIZE, SIZE, "NCHW"),
        InputSpec(SIZE, SIZE, dtype="float32"),
    ],
)
def test_a_card_that_describes_another_input_is_refused(path: Path, spec: InputSpec) -> None:
    with pytest.raises(ModelError, match=r"^model toy takes tensor\(uint8\) of shape .*, its card says") as caught:
        OnnxModel(means(path), card(input_spec=spec))
    assert caught.value.hint == "correct `input` in the card"


def test_a_card_with_another_number_of_classes_is_refused_at_the_first_photo(path: Path) -> None:
    classifier = classifier_of(means(path), card(output=OutputSpec(5)))
    with pytest.raises(ModelError, match=r"answers with shape \(1, 3\), its card says 5 classes$"):
        classifier.classify([PHOTO])


def test_an_answer_that_is_no_number_is_a_model_error(path: Path) -> None:
    classifier = classifier_of(means(path, scale=float("nan")), card())
    with pytest.raises(ModelError, match=r"^model toy answers with what is not a number$"):
        classifier.classify([PHOTO])


@pytest.mark.parametrize("content", [b"", b"this is no model", bytes(100)])
def test_a_file_that_is_no_model_does_not_open(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"^model toy does not open: [^\n]+$") as caught:
        classifier_of(path, card())
    assert caught.value.hint == "is it an ONNX file, and whole?"


def test_a_file_that_is_not_there_does_not_open(path: Path) -> None:
    with pytest.raises(ModelError, match=r"^model toy does not open: "):
        open_session(path, "toy")


def test_a_file_runs_on_prepared_input_alone(path: Path) -> None:
    pixels = np.full((2, SIZE, SIZE, 3), 7, np.uint8)
    found = run_file(means(path, exits=2), pixels)
    assert (found.dtype, found.tolist()) == (np.float32, [[7, 7, 7]] * 2)


# pure parts


def test_raw_bytes_are_not_copied() -> None:
    pixels = np.zeros((1, 2, 2, 3), np.uint8)
    assert prepare(pixels, InputSpec(2, 2)) is pixels


def test_planes_hold_the_same_pixels() -> None:
    pixels = np.arange(24, dtype=np.uint8).reshape(2, 2, 2, 3)
    planes = prepare(pixels, InputSpec(2, 2, "NCHW"))
    assert planes.shape == (2, 3, 2, 2)
    assert planes.flags.c_contiguous
    assert np.array_equal(planes[1, 2], pixels[1, ..., 2])


logits = arrays.arrays(np.float32, (3, 5), elements=st.floats(-1e4, 1e4, width=32))


@given(logits, st.floats(0.1, 10))
def test_probabilities_are_a_distribution_in_the_order_of_the_logits(values, temperature: float) -> None:
    shares = probabilities(values, replace(card(), temperature=temperature))
    assert shares.dtype == np.float32
    assert np.isfinite(shares).all()
    assert shares.sum(axis=1) == pytest.approx(1, abs=1e-5)
    for row, row_shares in zip(values, shares, strict=True):
        assert (np.diff(row_shares[np.argsort(row)]) >= 0).all()


@given(logits)
def test_a_shift_of_all_logits_changes_nothing(values) -> None:
    whole = np.round(values)
    assert np.allclose(probabilities(whole, card()), probabilities(whole + 1024, card()), atol=1e-6)


def test_a_higher_temperature_is_less_sure() -> None:
    values = np.array([[2.0, 1.0, 0.0]], np.float32)
    cool, warm = (probabilities(values, card(temperature=heat)).max() for heat in (1.0, 3.0))
    assert warm < cool


def test_probabilities_of_a_model_that_answers_with_them_stay_as_they_are() -> None:
    values = np.array([[0.7, 0.3, 0.0]], np.float32)
    shares = probabilities(values, card(output=OutputSpec(3, "probabilities")))
    assert shares == pytest.approx(values, abs=1e-6)
