"""Layers written as an ONNX graph with int8 weights and uint8 activations, every tensor quantised and dequantised.

onnxruntime fuses each DequantizeLinear, operator, QuantizeLinear into one integer operator.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from geoid.errors import ModelError
from geoid.zoo.efficientnet import SCALE, Addition, Classifier, Convolution, Floats, Layer
from geoid.zoo.onnx import Array, Graph, Value
from geoid.zoo.pixels import normalised, photo

Ranges = Mapping[str, tuple[float, float]]
"""The smallest and the largest value each activation takes, by the name of its tensor."""

WEIGHT_LIMIT = 127
ACTIVATION_LIMIT = 255
BIAS_LIMIT = 2**30


def int8_model(name: str, layers: Iterable[Layer], size: int, ranges: Ranges) -> bytes:
    """The layers as ONNX: uint8 `photo` N x size x size x 3 in, float32 `logits` N x classes out.

    Raises `ModelError` where a tensor has no range.
    """
    graph = Graph(name)
    normalised(graph)
    scales = {"pixels": 1 / SCALE}
    classes = 0
    for layer in layers:
        match layer:
            case Convolution():
                _convolution(graph, layer, ranges, scales)
            case Addition():
                graph.node("Add", layer.sources, f"{layer.output}.exact")
                _quantised(graph, layer.output, ranges, scales)
            case Classifier():
                classes = _classifier(graph, layer, ranges, scales)
    return graph.model(photo(size), [Value("logits", "float32", ("N", classes))])


def _convolution(graph: Graph, layer: Convolution, ranges: Ranges, scales: dict[str, float]) -> None:
    """ReLU6 needs no operator: an activation range that begins at 0 and ends at 6 or below clips by itself."""
    weights, bias = _weights(graph, layer.output, layer.weights, layer.bias, scales[layer.source])
    graph.node("Conv", [layer.source, weights, bias], f"{layer.output}.exact", **layer.attributes)
    _quantised(graph, layer.output, ranges, scales)


def _classifier(graph: Graph, layer: Classifier, ranges: Ranges, scales: dict[str, float]) -> int:
    """The bytes are flattened, not the numbers: an operator in between would keep Gemm from being fused."""
    graph.node("GlobalAveragePool", [layer.source], "pool.exact")
    names = _through_bytes(graph, "pool", ranges, scales)
    graph.node("Flatten", ["pool.bytes"], "features.bytes", axis=1)
    graph.node("DequantizeLinear", ["features.bytes", *names], "features")
    weights, bias = _weights(graph, "logits", layer.weights, layer.bias, scales["pool"])
    graph.node("Gemm", ["features", weights, bias], "logits", transB=1)
    return len(layer.bias)


def _quantised(graph: Graph, tensor: str, ranges: Ranges, scales: dict[str, float]) -> None:
    """Turn `TENSOR.exact` into `TENSOR`: through bytes and back."""
    names = _through_bytes(graph, tensor, ranges, scales)
    graph.node("DequantizeLinear", [f"{tensor}.bytes", *names], tensor)


def _through_bytes(graph: Graph, tensor: str, ranges: Ranges, scales: dict[str, float]) -> tuple[str, str]:
    """Turn `TENSOR.exact` into `TENSOR.bytes`, in the range that calibrating found; its scale and zero by name."""
    if tensor not in ranges:
        raise ModelError(f"the activation ranges lack {tensor}", "make them again: tests/bench/calibrate_int8.py")
    low, high = min(ranges[tensor][0], 0.0), max(ranges[tensor][1], 0.0)
    scale = np.float32((high - low) / ACTIVATION_LIMIT)
    zero = np.uint8(np.rint(-low / float(scale)))
    scales[tensor] = float(scale)
    names = (graph.constant(f"{tensor}.scale", np.full((), scale)), graph.constant(f"{tensor}.zero", np.full((), zero)))
    graph.node("QuantizeLinear", [f"{tensor}.exact", *names], f"{tensor}.bytes")
    return names


def _weights(graph: Graph, name: str, weights: Floats, bias: Floats, entry: float) -> tuple[str, str]:
    """Symmetric int8 weights with one scale an output channel, and the int32 bias in units of both scales.

    A channel of hardly any weight gets a scale at which its bias still fits.
    """
    largest = np.abs(weights).reshape(len(weights), -1).max(axis=1)
    scale = np.maximum(largest / WEIGHT_LIMIT, np.abs(bias) / (entry * BIAS_LIMIT)).astype(np.float32)
    step = scale.astype(np.float64)
    whole = np.rint(weights / step.reshape(-1, *[1] * (weights.ndim - 1)))
    unit = (step * entry).astype(np.float32)
    return (
        _dequantised(graph, f"{name}.weights", np.clip(whole, -WEIGHT_LIMIT, WEIGHT_LIMIT).astype(np.int8), scale),
        _dequantised(graph, f"{name}.bias", np.rint(bias / unit).astype(np.int32), unit),
    )


def _dequantised(graph: Graph, name: str, values: Array, scale: NDArray[np.float32]) -> str:
    zero = np.zeros(len(scale), values.dtype)
    names = [
        graph.constant(f"{name}.bytes", values),
        graph.constant(f"{name}.scale", scale),
        graph.constant(f"{name}.zero", zero),
    ]
    return graph.node("DequantizeLinear", names, name, axis=0)
