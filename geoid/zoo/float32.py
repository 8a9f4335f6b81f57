"""Layers written as an ONNX graph in float32."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from geoid.zoo.efficientnet import Addition, Classifier, Convolution, Layer
from geoid.zoo.onnx import Graph, Value
from geoid.zoo.pixels import normalised, photo


def float_model(name: str, layers: Iterable[Layer], size: int, also: Sequence[str] = ()) -> bytes:
    """The layers as ONNX: uint8 `photo` N x size x size x 3 in, float32 `logits` N x classes out.

    `also` names inner tensors to hand out as well, N x channels x height x width (what calibrating needs).
    """
    graph = Graph(name)
    normalised(graph)
    graph.constant("zero", np.zeros((), np.float32))
    graph.constant("six", np.full((), 6, np.float32))
    classes = 0
    for layer in layers:
        match layer:
            case Convolution():
                _convolution(graph, layer)
            case Addition():
                graph.node("Add", layer.sources, layer.output)
            case Classifier():
                classes = _classifier(graph, layer)
    inner = [Value(tensor, "float32", ("N", f"{tensor}.c", f"{tensor}.h", f"{tensor}.w")) for tensor in also]
    return graph.model(photo(size), [Value("logits", "float32", ("N", classes)), *inner])


def _convolution(graph: Graph, layer: Convolution) -> None:
    weights = graph.constant(f"{layer.output}.weights", layer.weights.astype(np.float32))
    bias = graph.constant(f"{layer.output}.bias", layer.bias.astype(np.float32))
    output = f"{layer.output}.linear" if layer.relu6 else layer.output
    graph.node("Conv", [layer.source, weights, bias], output, **layer.attributes)
    if layer.relu6:
        graph.node("Clip", [output, "zero", "six"], layer.output)


def _classifier(graph: Graph, layer: Classifier) -> int:
    graph.node("GlobalAveragePool", [layer.source], "pool")
    graph.node("Flatten", ["pool"], "features", axis=1)
    weights = graph.constant("logits.weights", layer.weights.astype(np.float32))
    bias = graph.constant("logits.bias", layer.bias.astype(np.float32))
    graph.node("Gemm", ["features", weights, bias], "logits", transB=1)
    return len(layer.bias)
