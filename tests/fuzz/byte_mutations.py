"""Mutations that know nothing of a format: bits, runs, ends, headers."""

from __future__ import annotations

import struct
from random import Random

HEADERS = (
    b"\xff\xd8\xff\xe0\0\x10JFIF\0",
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
    b"RIFF\xff\xff\xff\xffWEBPVP8L",
    b"RIFF\0\0\0\0WEBPVP8X",
    b"II*\0\x08\0\0\0",
    b"MM\0*\0\0\0\x08",
    b"II+\0\x08\0\0\0\x10\0\0\0\0\0\0\0",
    b"MM\0+\0\x08\0\0\0\0\0\0\0\0\0\x10",
    b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf",
    b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
    b"GIF89a\xff\xff\xff\xff\xf7\0\0",
    b"BM\xff\xff\xff\xff\0\0\0\0\x36\0\0\0\x28\0\0\0",
    b"BM6\0\0\0\0\0\0\0\x36\0\0\0\x0c\0\0\0",
)

EDGES = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF)
"""Numbers at which decoders change their minds."""


def put(data: bytes, at: int, new: bytes) -> bytes:
    """The data with some bytes overwritten; never longer than before."""
    return (data[:at] + new + data[at + len(new) :])[: len(data)]


def somewhere(rng: Random, data: bytes) -> int:
    """A place in the data; every second one is in the first 600 bytes, where headers are."""
    end = min(600, len(data)) if rng.random() < 0.5 else len(data)
    return rng.randrange(max(end, 1))


def flip_bits(rng: Random, data: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.choice((1, 2, 8, 64))):
        changed[somewhere(rng, data)] ^= 1 << rng.randrange(8)
    return bytes(changed)


def replace_run(rng: Random, data: bytes) -> bytes:
    length = rng.choice((1, 4, 16, 256, 4096))
    new = rng.choice((bytes(length), b"\xff" * length, rng.randbytes(length)))
    return put(data, somewhere(rng, data), new)


def truncate(rng: Random, data: bytes) -> bytes:
    return data[: somewhere(rng, data)]


def insert_run(rng: Random, data: bytes) -> bytes:
    at = somewhere(rng, data)
    return data[:at] + rng.randbytes(rng.choice((1, 3, 64, 1024))) + data[at:]


def remove_run(rng: Random, data: bytes) -> bytes:
    at = somewhere(rng, data)
    return data[:at] + data[at + rng.choice((1, 3, 64, 1024)) :]


def repeat_run(rng: Random, data: bytes) -> bytes:
    at = somewhere(rng, data)
    end = at + rng.choice((1, 12, 200, 5000))
    return data[:at] + data[at:end] * rng.choice((2, 3, 50)) + data[end:]


def swap_header(rng: Random, data: bytes) -> bytes:
    header = rng.choice(HEADERS)
    return header + data[len(header) :] if rng.random() < 0.5 else header + data


def place_edge(rng: Random, data: bytes) -> bytes:
    at = somewhere(rng, data)
    return put(data, at, number(rng, rng.choice("<>"), rng.choice("HIQ")))


def number(rng: Random, order: str, letter: str) -> bytes:
    """A number at the edge of something, cut to fit."""
    value = rng.choice(EDGES) if rng.random() < 0.8 else rng.getrandbits(32)
    return struct.pack(f"{order}{letter}", value & ((1 << (8 * struct.calcsize(letter))) - 1))


EVERYWHERE = (flip_bits, replace_run, truncate, insert_run, remove_run, repeat_run, swap_header, place_edge)
"""The mutations of any file."""
