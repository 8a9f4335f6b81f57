"""ONNX files written by hand: nodes, constants, one input and one output.

Field numbers and enum values from `onnx.proto` (ONNX 1.8, IR version 7, operator set 13: the first with an axis in
DequantizeLinear, and old enough for every onnxruntime that geoid supports).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from geoid.zoo import protobuf

IR_VERSION = 7
OPERATOR_SET = 13

Array = NDArray[np.float32] | NDArray[np.int32] | NDArray[np.int8] | NDArray[np.uint8]
Attribute = int | Sequence[int]

ELEMENT_TYPES = {"float32": 1, "uint8": 2, "int8": 3, "int32": 6, "int64": 7}
"""TensorProto.DataType by the name of the numpy type."""

_ATTRIBUTE_INT = 2
_ATTRIBUTE_INTS = 7


@dataclass(frozen=True, slots=True)
class Value:
    """A named input or output: element type and shape; a string is a dimension that is known only when run."""

    name: str
    dtype: str
    shape: tuple[int | str, ...]


@dataclass(slots=True)
class Graph:
    """A graph under construction; the order of calls is the order of nodes, so they must come sorted."""

    name: str
    _nodes: list[bytes] = field(default_factory=list)
    _constants: list[bytes] = field(default_factory=list)

    def node(self, operator: str, inputs: Sequence[str], output: str, **attributes: Attribute) -> str:
        """Add a node named after its one output, and return that name."""
        parts = [protobuf.text(1, name) for name in inputs]
        parts += [protobuf.text(2, output), protobuf.text(3, output), protobuf.text(4, operator)]
        parts += [_attribute(name, value) for name, value in sorted(attributes.items())]
        self._nodes.append(protobuf.message(1, *parts))
        return output

    def constant(self, name: str, values: Array) -> str:
        """Add a constant tensor (little endian, whatever the machine), and return its name."""
        raw = np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("<")).tobytes()
        shape = protobuf.integers(1, values.shape)
        kind = protobuf.integer(2, ELEMENT_TYPES[values.dtype.name])
        self._constants.append(protobuf.message(5, shape, kind, protobuf.text(8, name), protobuf.block(9, raw)))
        return name

    def model(self, entry: Value, exits: Sequence[Value]) -> bytes:
        """The finished file: this graph with one input and its outputs."""
        graph = [*self._nodes, protobuf.text(2, self.name), *self._constants, _value(11, entry)]
        graph += [_value(12, value) for value in exits]
        return b"".join(
            (
                protobuf.integer(1, IR_VERSION),
                protobuf.text(2, "geoid"),
                protobuf.message(7, *graph),
                protobuf.message(8, protobuf.text(1, ""), protobuf.integer(2, OPERATOR_SET)),
            )
        )


def _attribute(name: str, value: Attribute) -> bytes:
    if isinstance(value, int):
        return protobuf.message(5, protobuf.text(1, name), protobuf.integer(3, value), _kind(_ATTRIBUTE_INT))
    return protobuf.message(5, protobuf.text(1, name), protobuf.integers(8, value), _kind(_ATTRIBUTE_INTS))


def _kind(kind: int) -> bytes:
    return protobuf.integer(20, kind)


def _value(number: int, value: Value) -> bytes:
    shape = protobuf.message(2, *(_dimension(size) for size in value.shape))
    tensor = protobuf.message(1, protobuf.integer(1, ELEMENT_TYPES[value.dtype]), shape)
    return protobuf.message(number, protobuf.text(1, value.name), protobuf.message(2, tensor))


def _dimension(size: int | str) -> bytes:
    known = protobuf.integer(1, size) if isinstance(size, int) else protobuf.text(2, size)
    return protobuf.message(1, known)
