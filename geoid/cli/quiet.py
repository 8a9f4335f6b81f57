"""What C libraries write to stderr about a stranger's photo is not part of the answer."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

STDERR = 2


@contextmanager
def quiet_libraries() -> Iterator[None]:
    """Send what C code writes to stderr nowhere, as libtiff does for damaged photos; Python's own stderr goes on.

    Does nothing where stderr is closed or has been replaced. Loggers that were given `sys.stderr` before stay silent.
    """
    ours = sys.stderr
    if not _is_stderr(ours):
        yield
        return
    ours.flush()
    kept = os.dup(STDERR)
    sys.stderr = open(kept, "w", encoding=ours.encoding, errors="replace", buffering=1)  # noqa: SIM115 - loggers keep it
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), STDERR)
    try:
        yield
    finally:
        sys.stderr.flush()
        os.dup2(kept, STDERR)
        sys.stderr = ours


def _is_stderr(stream: TextIO | None) -> bool:
    try:
        return stream is not None and stream.fileno() == STDERR
    except (OSError, ValueError):
        return False
