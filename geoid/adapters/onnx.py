"""A classifier by onnxruntime: any ONNX model with a card."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # onnxruntime queues events for its maker unless told so before its import

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from geoid.core.models import InputSpec, ModelCard
from geoid.core.ports import Scores
from geoid.core.values import Photo
from geoid.core.views import Box, best_view, centre_crop, tiles
from geoid.errors import ModelError

Decode = Callable[[Photo, InputSpec, Sequence[Box]], NDArray[np.uint8]]

FATAL_ONLY = 4
TINY = np.float32(1e-12)
"""Keeps logarithms of probabilities finite."""
ELEMENTS = {"uint8": "tensor(uint8)", "float32": "tensor(float)"}


class OnnxModel:
    """An ONNX file opened by its card; one session with one thread, safe to share between threads.

    Batching gains nothing on a CPU, so speed comes from as many callers as there are cores.
    """

    def __init__(self, path: Path, card: ModelCard) -> None:
        self._card = card
        self._session = open_session(path, card.name)
        self._input = _checked_input(self._session, card)
        self._one_at_a_time = self._session.get_inputs()[0].shape[0] == 1
        self._hint = f"see the card: geoid model show {card.name}"

    def run(self, pixels: NDArray[np.generic]) -> NDArray[np.float32]:
        """The model's raw outputs, shape (n, classes), for prepared input."""
        step = 1 if self._one_at_a_time else len(pixels)
        return np.concatenate([self._run(pixels[at : at + step]) for at in range(0, len(pixels), step)])

    def _run(self, pixels: NDArray[np.generic]) -> NDArray[np.float32]:
        try:
            (outputs,) = self._session.run([self._session.get_outputs()[0].name], {self._input: pixels})
        except Exception as error:  # onnxruntime's exceptions have no common class but Exception
            raise ModelError(f"model {self._card.name} does not run: {_first_line(error)}", self._hint) from error
        if outputs.shape != (len(pixels), self._card.output.classes):
            raise ModelError(
                f"model {self._card.name} answers with shape {outputs.shape}, its card says"
                f" {self._card.output.classes} classes",
                self._hint,
            )
        if np.isnan(outputs).any():
            raise ModelError(f"model {self._card.name} answers with what is not a number", self._hint)
        return np.asarray(outputs, dtype=np.float32)


class OnnxClassifier:
    """Classifies photos one at a time on the calling thread; safe to share between threads.

    `model` returns the opened model, and may wait for it: the first photo's pixels are decoded meanwhile. With
    `tiled_for`, class indices, nine tiles are looked at too, for one of these classes.
    """

    def __init__(
        self,
        card: ModelCard,
        model: Callable[[], OnnxModel],
        decode: Decode,
        tiled_for: NDArray[np.intp] | None = None,
    ) -> None:
        self._card = card
        self._model = model
        self._decode = decode
        self._tiled_for = tiled_for

    def classify(self, photos: Sequence[Photo]) -> Scores:
        """Score each photo by its centre crop or, with tiles, by the view that shows one of `tiled_for` most surely."""
        rows = [self._best(self._outputs(photo)) for photo in photos]
        logits = np.array(rows, np.float32).reshape(len(rows), self._card.output.classes)
        return Scores(logits, probabilities(logits, self._card))

    def _best(self, outputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """The row of the view that counts: the only one, unless there are tiles."""
        if self._tiled_for is None:
            best: NDArray[np.float32] = outputs[0]
        else:
            best = outputs[best_view(probabilities(outputs, self._card), self._tiled_for)]
        return best

    def _outputs(self, photo: Photo) -> NDArray[np.float32]:
        boxes = [centre_crop(photo.width, photo.height, self._card.input)]
        if self._tiled_for is not None:
            boxes += tiles(photo.width, photo.height)
        pixels = prepare(self._decode(photo, self._card.input, boxes), self._card.input)
        return self._model().run(pixels)


def open_session(path: Path, name: str) -> ort.InferenceSession:
    """Open an ONNX file with one thread; raises `ModelError` for one that onnxruntime cannot run."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = FATAL_ONLY
    try:
        return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's exceptions have no common class but Exception
        raise ModelError(
            f"model {name} does not open: {_first_line(error)}",
            "is it an ONNX file, and whole?",
        ) from error


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


def run_file(path: Path, pixels: NDArray[np.generic]) -> NDArray[np.float32]:
    """One run of a file on prepared input, for verifying a model."""
    session = open_session(path, path.name)
    try:
        (outputs, *_) = session.run(None, {session.get_inputs()[0].name: pixels})
    except Exception as error:  # onnxruntime's exceptions have no common class but Exception
        sentence = f"{path.name} does not run on the input that its card describes: {_first_line(error)}"
        raise ModelError(sentence, "correct `input` in the card") from error
    return np.asarray(outputs, dtype=np.float32)


def prepare(pixels: NDArray[np.uint8], spec: InputSpec) -> NDArray[np.generic]:
    """Pixels, shape (n, size, size, 3), in the type, order and scale that the card asks for."""
    if spec.dtype == "uint8":
        return pixels if spec.layout == "NHWC" else np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))
    mean, scale = np.array(spec.mean, np.float32), np.array(spec.scale, np.float32)
    values = (pixels.astype(np.float32) - mean) / scale
    return values if spec.layout == "NHWC" else np.ascontiguousarray(values.transpose(0, 3, 1, 2))


def probabilities(logits: NDArray[np.float32], card: ModelCard) -> NDArray[np.float32]:
    """Probabilities by softmax of logits / temperature; those of a model that answers with them are tempered alike."""
    values = np.log(logits + TINY) if card.output.kind == "probabilities" else logits
    scaled = values / np.float32(card.temperature)
    weights = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    shares: NDArray[np.float32] = weights / weights.sum(axis=1, keepdims=True)
    return shares


def _checked_input(session: ort.InferenceSession, card: ModelCard) -> str:
    """The name of the one input, if its type and shape are the card's."""
    first, *others = session.get_inputs()
    size, layout = card.input.size, card.input.layout
    wanted = (size, size, 3) if layout == "NHWC" else (3, size, size)
    fits = not others and first.type == ELEMENTS[card.input.dtype] and _fits(first.shape[1:], wanted)
    if not fits or len(first.shape) != len(wanted) + 1:
        raise ModelError(
            f"model {card.name} takes {first.type} of shape {first.shape}, its card says {card.input.dtype} {layout}"
            f" of {size} pixels",
            "correct `input` in the card",
        )
    return str(first.name)


def _fits(shape: Sequence[int | str | None], wanted: Sequence[int]) -> bool:
    return all(not isinstance(have, int) or have == want for have, want in zip(shape, wanted, strict=False))
