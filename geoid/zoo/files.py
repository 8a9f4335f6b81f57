"""Files of the model cache: written whole or not at all, and recognised without reading them."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from geoid.errors import ModelError, StorageError

SECOND_NS = 1_000_000_000
STALE_AFTER = 3600
"""A partial file this many seconds old belongs to a process that was killed."""

_ELSEWHERE = "choose another folder: paths.cache or paths.models in the settings (GEOID_PATHS__CACHE)"
_HINTS = {
    errno.ENOSPC: f"free some space, or {_ELSEWHERE}",
    errno.EDQUOT: f"free some space, or {_ELSEWHERE}",
    errno.EACCES: f"make the folder writable, or {_ELSEWHERE}",
    errno.EPERM: f"make the folder writable, or {_ELSEWHERE}",
}


class Stamp(NamedTuple):
    """What a file looked like when it was last found to be right: its sha256, size, and mtime in nanoseconds."""

    sha256: str
    size: int
    mtime_ns: int


def sha256_of(path: Path) -> str:
    """The sha256 of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_stamp(path: Path) -> Stamp | None:
    """The stamp in a file, or nothing if there is none that makes sense."""
    try:
        digest, size, mtime_ns = path.read_text(encoding="utf-8").split()
        return Stamp(digest, int(size), int(mtime_ns))
    except (OSError, ValueError):
        return None


def write_stamp(path: Path, file: Path, digest: str) -> None:
    """Remember that `file` holds the bytes of `digest`; a stamp that cannot be written only costs the next run time."""
    with contextlib.suppress(StorageError, OSError):
        status = file.stat()
        write(path, f"{digest} {status.st_size} {status.st_mtime_ns}\n".encode())


def looks_like(stamp: Stamp | None, file: Path) -> bool:
    """Whether size and time of `file` are those of the stamp.

    Whole seconds do: archives and image layers keep no more, and a cache that came in one should stay recognised.
    """
    if stamp is None:
        return False
    status = file.stat()
    times = {stamp.mtime_ns, stamp.mtime_ns // SECOND_NS * SECOND_NS}
    return stamp.size == status.st_size and status.st_mtime_ns in times


def write(path: Path, data: bytes) -> None:
    """Write a file whole: readers see the former file or this one, whatever is killed or full in between.

    Raises `StorageError`.
    """
    with partial(path, data) as temporary:
        replace(temporary, path)


@contextlib.contextmanager
def partial(path: Path, data: bytes) -> Iterator[Path]:
    """A finished temporary file beside `path` with `data` in it; removed afterwards unless it was moved into place."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{os.urandom(4).hex()}.part")
    try:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            sweep(path.parent)
            _write_through(temporary, data)
        except OSError as error:
            raise cannot_write(path, error) from error
        yield temporary
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def replace(temporary: Path, path: Path) -> None:
    """Move a finished file into place; raises `StorageError`."""
    try:
        temporary.replace(path)
    except OSError as error:
        raise cannot_write(path, error) from error


def copy(source: Path, path: Path) -> None:
    """Copy a file whole or not at all; raises `ModelError` and `StorageError`."""
    try:
        data = source.read_bytes()
    except OSError as error:
        raise ModelError(f"{source} cannot be read: {error.strerror}") from error
    write(path, data)


def sweep(folder: Path) -> None:
    """Remove partial files that killed processes left behind."""
    for file in folder.glob(".*.part"):
        with contextlib.suppress(OSError):
            if time.time() - file.stat().st_mtime > STALE_AFTER:
                file.unlink()


def cannot_write(path: Path, error: OSError) -> StorageError:
    """The error for a file that could not be written, with what to do about it."""
    return StorageError(
        f"{path} cannot be written: {error.strerror or error}", _HINTS.get(error.errno or 0, _ELSEWHERE)
    )


def _write_through(path: Path, data: bytes) -> None:
    """Write to the disk itself: after a power cut a renamed file must not be an empty one."""
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
