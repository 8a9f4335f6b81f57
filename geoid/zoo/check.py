"""The stored check of a card: an input made from a seed, and the logits a right model answers with."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from geoid.core.models import CheckSpec, InputSpec, ModelCard
from geoid.errors import ModelError

Pixel = TypeVar("Pixel", np.uint8, np.float32)
Pixels = NDArray[np.uint8] | NDArray[np.float32]
Run = Callable[[Path, Pixels], NDArray[np.float32]]
"""Runs an ONNX file: one input in, its first output back."""

PATCHES = 13
"""The check's picture is this many coloured patches wide and high."""


def check_input(spec: InputSpec, seed: int) -> Pixels:
    """One photo for the model, in its own layout: patches of random colours, the same on every platform for ever.

    The bytes come from the standard library's Mersenne Twister, whose `getrandbits` is fixed by its documentation,
    where numpy's generators may change between versions. Patches rather than noise, because noise excites little
    beyond the first layer.
    """
    colours = np.frombuffer(random.Random(seed).randbytes(PATCHES * PATCHES * 3), np.uint8)  # noqa: S311 - no secret
    nearest = np.arange(spec.size) * PATCHES // spec.size
    photo = colours.reshape(PATCHES, PATCHES, 3)[nearest][:, nearest]
    if spec.dtype == "uint8":
        return _laid_out(photo, spec)
    mean, scale = np.array(spec.mean, np.float32), np.array(spec.scale, np.float32)
    return _laid_out((photo.astype(np.float32) - mean) / scale, spec)


def _laid_out(photo: NDArray[Pixel], spec: InputSpec) -> NDArray[Pixel]:
    return np.ascontiguousarray(photo.transpose(2, 0, 1) if spec.layout == "NCHW" else photo)[np.newaxis]


def require_answer(card: ModelCard, file: Path, run: Run, seed: int = 0) -> NDArray[np.float32]:
    """What the file answers the input of that seed; raises `ModelError` unless it is a number for each class."""
    answer = run(file, check_input(card.input, seed)).reshape(-1)
    if answer.size != card.output.classes:
        raise ModelError(f"model {card.name} answers {answer.size} values, its card says {card.output.classes} classes")
    if not np.isfinite(answer).all():
        raise ModelError(f"model {card.name} answers values that are not numbers")
    return answer


def require_match(card: ModelCard, check: CheckSpec, file: Path, run: Run) -> float:
    """The largest difference to the card's answers; raises `ModelError` where it is beyond the tolerance."""
    answer = require_answer(card, file, run, check.seed)
    difference = max(abs(float(answer[int(key)]) - value) for key, value in check.outputs.items())
    if difference > check.tolerance:
        raise ModelError(
            f"model {card.name} answers the stored input {difference:.3g} off, its card tolerates {check.tolerance:g}",
            "this onnxruntime or processor computes differently: try another version of onnxruntime",
        )
    return difference
