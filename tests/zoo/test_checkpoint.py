from __future__ import annotations

import contextlib
import io
import os
import pickle
import struct
import subprocess
import sys
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geoid.errors import ModelError
from geoid.zoo.checkpoint import MAGIC, PROTOCOL, read_checkpoint

FACTS = {"protocol_version": PROTOCOL, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}


class Named:
    """Stands for a name of PyTorch's in a pickle that is written without PyTorch."""

    def __init__(self, module: str, name: str) -> None:
        self.module, self.name = module, name


class Storage:
    def __init__(self, kind: str, key: str, count: int) -> None:
        self.kind, self.key, self.count = kind, key, count


class Rebuilt:
    def __init__(self, storage: Storage, offset: int, shape: tuple[int, ...], stride: tuple[int, ...]) -> None:
        self.arguments = (storage, offset, shape, stride, False, OrderedDict())


class Writer(pickle._Pickler):
    """Writes what PyTorch would: names as globals, storages as persistent ids."""

    def persistent_id(self, obj: Any) -> Any:
        if isinstance(obj, Storage):
            return ("storage", Named("torch", obj.kind), obj.key, "cpu", obj.count, None)
        return None

    def save(self, obj: Any, save_persistent_id: bool = True) -> None:
        if isinstance(obj, Named):
            self.write(pickle.GLOBAL + f"{obj.module}\n{obj.name}\n".encode())
        elif isinstance(obj, Rebuilt):
            self.save(Named("torch._utils", "_rebuild_tensor_v2"))
            self.save(obj.arguments)
            self.write(pickle.REDUCE)
        else:
            super().save(obj, save_persistent_id)


def pickled(thing: Any) -> bytes:
    stream = io.BytesIO()
    Writer(stream, 2).dump(thing)
    return stream.getvalue()


def checkpoint(state: Any, storages: dict[str, bytes], magic: int = MAGIC, facts: Any = FACTS) -> bytes:
    """A file of PyTorch's old format; storages are of four-byte elements."""
    head = b"".join(pickled(part) for part in (magic, PROTOCOL, facts, state, sorted(storages)))
    return head + b"".join(struct.pack("<q", len(raw) // 4) + raw for _, raw in sorted(storages.items()))


def floats(*values: float) -> bytes:
    return np.array(values, "<f4").tobytes()


def one_tensor(offset: int, shape: tuple[int, ...], stride: tuple[int, ...], count: int = 6) -> bytes:
    tensor = Rebuilt(Storage("FloatStorage", "7", count), offset, shape, stride)
    return checkpoint(OrderedDict(weight=tensor), {"7": floats(*range(count))})


def test_a_tensor_is_read_with_its_offset_and_strides() -> None:
    (weight,) = read_checkpoint(one_tensor(1, (2, 2), (1, 2)), "small.pth").values()
    assert weight.tolist() == [[1, 3], [2, 4]]


def test_two_tensors_may_share_a_storage() -> None:
    storage = Storage("FloatStorage", "7", 4)
    state = OrderedDict(a=Rebuilt(storage, 0, (2,), (1,)), b=Rebuilt(storage, 2, (2,), (1,)))
    tensors = read_checkpoint(checkpoint(state, {"7": floats(1, 2, 3, 4)}), "shared.pth")
    assert {name: tensor.tolist() for name, tensor in tensors.items()} == {"a": [1, 2], "b": [3, 4]}


@pytest.mark.parametrize(("offset", "shape", "stride"), [(5, (2,), (1,)), (-1, (2,), (1,)), (0, (2, 2), (1, 6))])
def test_a_tensor_beyond_its_storage_is_refused(offset: int, shape: tuple[int, ...], stride: tuple[int, ...]) -> None:
    with pytest.raises(ModelError, match="reaches beyond its storage"):
        read_checkpoint(one_tensor(offset, shape, stride), "wild.pth")


class Command:
    def __init__(self, function: Any, argument: str) -> None:
        self.call = (function, (argument,))

    def __reduce__(self) -> Any:
        return self.call


@pytest.mark.parametrize("function", [os.system, eval, subprocess.check_output, __import__])
def test_a_pickle_that_calls_anything_is_refused_and_calls_nothing(function: Any, tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    command = Command(function, f"{sys.executable} -c \"open({str(trap)!r}, 'w')\"")
    data = checkpoint(OrderedDict(weight=command), {})
    with pytest.raises(ModelError, match=r"it names .*, which no weights need"):
        read_checkpoint(data, "evil.pth")
    assert not trap.exists()


@pytest.mark.parametrize("part", ["magic", "facts"])
def test_a_trap_in_front_of_the_weights_is_refused_too(part: str) -> None:
    trap: Any = Command(os.system, "exit 1")
    with pytest.raises(ModelError, match="system, which no weights need"):
        read_checkpoint(checkpoint(OrderedDict(), {}, **{part: trap}), "evil.pth")


def test_five_bytes_cannot_ask_for_all_memory() -> None:
    """LONG_BINPUT with a huge index: C's unpickler makes a table of that many pointers."""
    greedy = b"\x80\x02Nr\xff\xff\xff\x7f."
    with pytest.raises(ModelError, match="from before version"):
        read_checkpoint(greedy, "greedy.pth")


def test_an_operation_that_no_weights_need_is_refused() -> None:
    with pytest.raises(ModelError, match="damaged"):
        read_checkpoint(b"\x80\x05\x96\x00\x00\x00\x00\x04\x00\x00\x00.", "buffer.pth")


def test_a_state_dict_of_other_things_than_tensors_is_refused() -> None:
    with pytest.raises(ModelError, match="more than named tensors"):
        read_checkpoint(checkpoint(OrderedDict(weight="text"), {}), "odd.pth")


def test_a_storage_of_an_unknown_type_is_refused() -> None:
    tensor = Rebuilt(Storage("QInt8Storage", "7", 1), 0, (1,), (1,))
    with pytest.raises(ModelError, match=r"torch\.QInt8Storage"):
        read_checkpoint(checkpoint(OrderedDict(weight=tensor), {"7": floats(1)}), "odd.pth")


def test_another_format_is_refused() -> None:
    with pytest.raises(ModelError, match=r"from before version 1\.6"):
        read_checkpoint(checkpoint(OrderedDict(), {}, magic=1), "odd.pth")


def test_a_big_endian_file_is_refused() -> None:
    with pytest.raises(ModelError, match="little-endian"):
        read_checkpoint(checkpoint(OrderedDict(), {}, facts={"little_endian": False}), "odd.pth")


@pytest.mark.parametrize("length", range(0, len(one_tensor(0, (6,), (1,))), 7))
def test_a_file_cut_anywhere_is_refused(length: int) -> None:
    with pytest.raises(ModelError, match=r"weights cut\.pth cannot be read"):
        read_checkpoint(one_tensor(0, (6,), (1,))[:length], "cut.pth")


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_a_damaged_file_is_read_or_refused_and_nothing_else(data: st.DataObject) -> None:
    file = bytearray(one_tensor(0, (2, 3), (3, 1)))
    for _ in range(data.draw(st.integers(1, 4))):
        file[data.draw(st.integers(0, len(file) - 1))] = data.draw(st.integers(0, 255))
    tensors = {}
    with contextlib.suppress(ModelError):
        tensors = read_checkpoint(bytes(file), "damaged.pth")
    assert all(isinstance(tensor, np.ndarray) for tensor in tensors.values())
