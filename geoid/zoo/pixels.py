"""The entrance of every built graph: raw bytes of a photo to normalised planes."""

from __future__ import annotations

import numpy as np

from geoid.zoo.efficientnet import MEAN, SCALE
from geoid.zoo.onnx import Graph, Value


def photo(size: int) -> Value:
    """The input: any number of upright RGB photos, rows of pixels of bytes."""
    return Value("photo", "uint8", ("N", size, size, 3))


def normalised(graph: Graph) -> str:
    """Add the tensor `pixels`, N x 3 x size x size: (x - mean) / scale, which is what dequantising does.

    So both precisions share one entrance, exact in float32, and int8 reads the bytes of the photo as they are. SAME
    padding comes after it: the zeros are zeros of normalised pixels, as in training.
    """
    planes = graph.node("Transpose", ["photo"], "planes", perm=(0, 3, 1, 2))
    scale = graph.constant("pixels.scale", np.full((), 1 / SCALE, np.float32))
    zero = graph.constant("pixels.zero", np.full((), MEAN, np.uint8))
    return graph.node("DequantizeLinear", [planes, scale, zero], "pixels")
