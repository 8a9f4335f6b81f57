"""EfficientNet-Lite as a list of layers with batch norm folded in, independent of the precision it is written in.

Architecture: Tan and Le, EfficientNet (2019), and the Lite variants of the TPU repository (2020): no squeeze and
excitation, ReLU6 for swish, and the stem and head keep their width whatever the width factor.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geoid.errors import ModelError
from geoid.zoo.checkpoint import Tensor

MEAN = 127
SCALE = 128
"""Pixels enter as (x - 127) / 128 (`MEAN_RGB` and `STDDEV_RGB` of the Lite variants)."""

EPSILON = 1e-3
"""Batch norm's epsilon in the EfficientNet sources."""

STEM = 32
HEAD = 1280
STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
"""Repeats, kernel, stride of the first repeat, expansion, output channels."""

Floats = NDArray[np.float64]
Weights = Mapping[str, Tensor]


@dataclass(frozen=True, slots=True)
class Convolution:
    """A convolution with its batch norm folded in; `pads` are top, left, bottom, right; weights O, I, height, width."""

    source: str
    output: str
    weights: Floats
    bias: Floats
    stride: int
    pads: tuple[int, int, int, int]
    groups: int
    relu6: bool

    @property
    def attributes(self) -> dict[str, int | tuple[int, ...]]:
        """The attributes of ONNX's Conv."""
        kernel = self.weights.shape[2:]
        return {"group": self.groups, "kernel_shape": kernel, "pads": self.pads, "strides": (self.stride, self.stride)}


@dataclass(frozen=True, slots=True)
class Addition:
    """The shortcut around a block."""

    sources: tuple[str, str]
    output: str


@dataclass(frozen=True, slots=True)
class Classifier:
    """The mean over all positions, then the fully connected layer; weights classes, channels."""

    source: str
    weights: Floats
    bias: Floats


Layer = Convolution | Addition | Classifier


@dataclass(frozen=True, slots=True)
class _Block:
    number: int
    kernel: int
    stride: int
    expansion: int
    inputs: int
    outputs: int
    side: int

    @property
    def inner(self) -> int:
        return self.inputs * self.expansion


@dataclass(frozen=True, slots=True)
class _Shape:
    """What a convolution must look like: weights O, I, k, k, stride, and the side of what it reads in pixels."""

    weights: tuple[int, int, int, int]
    side: int
    stride: int = 1
    groups: int = 1
    relu6: bool = True


def layers(weights: Weights, size: int, width: float, depth: float) -> Iterator[Layer]:
    """The layers from the tensor `pixels` (3 x size x size) to logits, in order.

    Raises `ModelError` where the weights do not hold this architecture.
    """
    yield _convolution(weights, ("_conv_stem", "_bn0"), ("pixels", "stem"), _Shape((STEM, 3, 3, 3), size, stride=2))
    source, side, channels = "stem", _halved(size, 2), STEM
    for block in _blocks(width, depth, side):
        for layer in _block_layers(weights, block, source):
            yield layer
            source = layer.output
        side, channels = _halved(block.side, block.stride), block.outputs
    yield _convolution(weights, ("_conv_head", "_bn1"), (source, "head"), _Shape((HEAD, channels, 1, 1), side))
    yield Classifier("head", _floats(weights, "_fc.weight"), _floats(weights, "_fc.bias"))


def _halved(side: int, stride: int) -> int:
    return math.ceil(side / stride)


def _blocks(width: float, depth: float, side: int) -> Iterator[_Block]:
    number, inputs = 0, STEM
    for position, (repeats, kernel, stride, expansion, channels) in enumerate(STAGES):
        fixed = position in {0, len(STAGES) - 1}
        outputs = _scaled(channels, width)
        for repeat in range(repeats if fixed else math.ceil(repeats * depth)):
            step = stride if repeat == 0 else 1
            yield _Block(number, kernel, step, expansion, inputs, outputs, side)
            number, inputs, side = number + 1, outputs, _halved(side, step)


def _scaled(channels: int, width: float) -> int:
    """`channels` times `width` as a multiple of 8, never below 90 % (`round_filters` of the EfficientNet sources)."""
    wanted = channels * width
    rounded = max(8, int(wanted + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * wanted else rounded


def _block_layers(weights: Weights, block: _Block, source: str) -> Iterator[Convolution | Addition]:
    name, key = f"block{block.number}", f"_blocks.{block.number}"
    entry = source
    if block.expansion != 1:
        shape = _Shape((block.inner, block.inputs, 1, 1), block.side)
        entry = f"{name}.expand"
        yield _convolution(weights, (f"{key}._expand_conv", f"{key}._bn0"), (source, entry), shape)
    middle, end = f"{name}.depthwise", f"{name}.project"
    shape = _Shape((block.inner, 1, block.kernel, block.kernel), block.side, block.stride, groups=block.inner)
    yield _convolution(weights, (f"{key}._depthwise_conv", f"{key}._bn1"), (entry, middle), shape)
    shape = _Shape((block.outputs, block.inner, 1, 1), _halved(block.side, block.stride), relu6=False)
    yield _convolution(weights, (f"{key}._project_conv", f"{key}._bn2"), (middle, end), shape)
    if block.stride == 1 and block.inputs == block.outputs:
        yield Addition((end, source), f"{name}.add")


def _convolution(weights: Weights, keys: tuple[str, str], ends: tuple[str, str], shape: _Shape) -> Convolution:
    """Convolution `keys[0]` with batch norm `keys[1]` folded in: w g / sqrt(v + e) and b - m g / sqrt(v + e)."""
    kernel = _floats(weights, f"{keys[0]}.weight")
    if kernel.shape != shape.weights:
        raise ModelError(f"weights {keys[0]} have shape {kernel.shape}, the architecture needs {shape.weights}")
    gamma, beta, mean, variance = (
        _floats(weights, f"{keys[1]}.{part}") for part in ("weight", "bias", "running_mean", "running_var")
    )
    factor = gamma / np.sqrt(variance + EPSILON)
    folded = kernel * factor[:, np.newaxis, np.newaxis, np.newaxis]
    pads = _same_padding(shape.side, shape.weights[-1], shape.stride)
    bias = beta - mean * factor
    return Convolution(ends[0], ends[1], folded, bias, shape.stride, pads, shape.groups, shape.relu6)


def _same_padding(side: int, kernel: int, stride: int) -> tuple[int, int, int, int]:
    """TensorFlow's SAME: just enough zeros for ceil(side / stride) outputs, the odd one at the bottom and right."""
    total = max((_halved(side, stride) - 1) * stride + kernel - side, 0)
    before, after = total // 2, total - total // 2
    return before, before, after, after


def _floats(weights: Weights, key: str) -> Floats:
    try:
        return weights[key].astype(np.float64)
    except KeyError:
        raise ModelError(f"weights lack {key}, which the architecture needs") from None
