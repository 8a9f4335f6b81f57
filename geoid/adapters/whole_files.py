"""Files that appear whole or not at all, and a lock between processes that ends with the process that holds it."""

from __future__ import annotations

import errno
import os
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from geoid.errors import ThrottledError

UNFINISHED = ".unfinished-"
"""How the names of files begin that are being written, or were when their writer was killed."""


@contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """A file to write to, which takes its name when all is on the disk; nothing is left of it if that fails."""
    unfinished = path.with_name(f"{UNFINISHED}{uuid.uuid4().hex}")
    try:  # around the opening too: an interruption may come at any moment
        with open(unfinished, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    if os.name == "posix":  # elsewhere a folder cannot be opened
        _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock that ends with this process; raises `ThrottledError` while another one has it."""
    with open(path, "ab") as file:
        try:
            _lock(file.fileno())
        except OSError as error:
            if error.errno not in {errno.EAGAIN, errno.EACCES}:
                raise
            what = f"{path.parent}: another process publishes there"
            raise ThrottledError(what, "try again, or wait for it: --wait 60s") from error
        yield


def _lock(handle: int) -> None:
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
