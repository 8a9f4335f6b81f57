"""Room on the disk for what does not fit into memory."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from geoid.errors import StorageError

PREFIX = "geoid-seed-"
"""How temporary files begin that have a name."""


@contextmanager
def writing() -> Iterator[None]:
    """Raise `StorageError` where a temporary file cannot be written."""
    try:
        yield
    except OSError as error:
        what = f"{tempfile.gettempdir()}: cannot be written: {error.strerror or error}"
        hint = "seeding needs room for what does not fit into memory: free some, or set TMPDIR"
        raise StorageError(what, hint) from error
