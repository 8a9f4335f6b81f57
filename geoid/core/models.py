"""The model card: what must be known about an ONNX classifier to feed it and to read its answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

CARD_FORMAT = 1


@dataclass(frozen=True, slots=True)
class InputSpec:
    """How pixels enter: upright RGB, short side to `resize` px, centre crop of `size` px, then (x - mean) / scale.

    `uint8` models take raw bytes (their normalisation is inside the graph), so mean is 0 and scale 1 there.
    """

    size: int
    resize: int
    layout: Literal["NHWC", "NCHW"] = "NHWC"
    dtype: Literal["uint8", "float32"] = "uint8"
    resample: Literal["bicubic", "bilinear"] = "bicubic"
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    scale: tuple[float, float, float] = (1.0, 1.0, 1.0)


@dataclass(frozen=True, slots=True)
class OutputSpec:
    """What comes out: one row of `classes` logits or probabilities a photo."""

    classes: int
    kind: Literal["logits", "probabilities"] = "logits"


@dataclass(frozen=True, slots=True)
class WeightsSpec:
    """The packaged weights a model is built from: an installed distribution, a file in it, its sha256."""

    package: str
    version: str
    file: str
    sha256: str


@dataclass(frozen=True, slots=True)
class BuildSpec:
    """How to turn the weights into ONNX; `ranges` is the file of activation ranges that int8 needs."""

    architecture: str
    width: float
    depth: float
    precision: Literal["fp32", "int8"] = "fp32"
    ranges: str | None = None


@dataclass(frozen=True, slots=True)
class CheckSpec:
    """A stored input and what the model must answer to it: the input's seed, some logits by class, a tolerance."""

    seed: int
    outputs: dict[str, float]
    tolerance: float


@dataclass(frozen=True, slots=True)
class ModelCard:
    """A model: name, input, output, labels, terms, and the digest of its ONNX file."""

    format: int
    name: str
    title: str
    summary: str
    licence: str
    source: str
    training_data: str
    labels: str
    input: InputSpec
    output: OutputSpec
    sha256: str
    temperature: float = 1.0
    published_accuracy: str | None = None
    weights: WeightsSpec | None = None
    build: BuildSpec | None = None
    check: CheckSpec | None = None
