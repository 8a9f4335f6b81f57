from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from geoid.zoo import protobuf


def read_varint(data: bytes) -> tuple[int, bytes]:
    value = 0
    for position, byte in enumerate(data):
        value |= (byte & 0x7F) << (7 * position)
        if byte < 0x80:
            return value, data[position + 1 :]
    raise AssertionError("the varint does not end")


@given(st.integers(0, 2**64 - 1), st.binary(max_size=4))
def test_a_varint_reads_back_and_ends_where_it_should(value: int, rest: bytes) -> None:
    assert read_varint(protobuf.varint(value) + rest) == (value, rest)


@given(st.integers(-(2**63), -1))
def test_a_negative_varint_is_its_twos_complement_in_ten_bytes(value: int) -> None:
    encoded = protobuf.varint(value)
    assert len(encoded) == 10
    assert read_varint(encoded) == (value + 2**64, b"")


def test_varints_are_those_of_the_documentation() -> None:
    assert protobuf.varint(1) == b"\x01"
    assert protobuf.varint(150) == b"\x96\x01"
    assert protobuf.integer(1, 150) == b"\x08\x96\x01"
    assert protobuf.text(2, "testing") == b"\x12\x07testing"


@given(st.integers(1, 2**28), st.binary(max_size=300))
def test_a_block_says_its_field_its_wire_type_and_its_length(field: int, content: bytes) -> None:
    tag, rest = read_varint(protobuf.block(field, content))
    length, rest = read_varint(rest)
    assert (tag >> 3, tag & 7) == (field, protobuf.LENGTH)
    assert (length, rest) == (len(content), content)


@given(st.lists(st.integers(0, 2**32), max_size=5))
def test_a_repeated_field_carries_one_tag_a_value(values: list[int]) -> None:
    rest = protobuf.integers(3, values)
    read = []
    while rest:
        tag, rest = read_varint(rest)
        assert tag == 3 << 3
        value, rest = read_varint(rest)
        read.append(value)
    assert read == values
