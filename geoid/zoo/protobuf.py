"""The few lines of protobuf's wire format that writing an ONNX file takes.

Source: the Protocol Buffers documentation, "Encoding". A message is the concatenation of its fields; a field is a tag
(number and wire type) and a value. Only wire types 0 (varint) and 2 (length and bytes) occur here.
"""

from __future__ import annotations

from collections.abc import Iterable

VARINT = 0
LENGTH = 2

_MASK_64 = (1 << 64) - 1
_MASK_7 = (1 << 7) - 1
_MORE = 1 << 7


def varint(value: int) -> bytes:
    """`value` in base 128, least significant group first; negative numbers as their 64-bit two's complement."""
    value &= _MASK_64
    groups = bytearray()
    while value > _MASK_7:
        groups.append(value & _MASK_7 | _MORE)
        value >>= 7
    groups.append(value)
    return bytes(groups)


def integer(field: int, value: int) -> bytes:
    """A field that holds one integer or enum value."""
    return varint(field << 3 | VARINT) + varint(value)


def block(field: int, content: bytes) -> bytes:
    """A field that holds bytes: a string, a message or raw data."""
    return varint(field << 3 | LENGTH) + varint(len(content)) + content


def text(field: int, value: str) -> bytes:
    """A field that holds a string."""
    return block(field, value.encode("utf-8"))


def message(field: int, *parts: bytes) -> bytes:
    """A field that holds a message made of `parts`."""
    return block(field, b"".join(parts))


def integers(field: int, values: Iterable[int]) -> bytes:
    """A repeated integer field, unpacked: one tag a value, which every reader of proto2 and proto3 takes."""
    return b"".join(integer(field, value) for value in values)
