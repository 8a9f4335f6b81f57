"""Photos that have not been read yet."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple


class PhotoSource(NamedTuple):
    """A photo's name, and how to get its bytes."""

    name: str
    load: Callable[[], bytes]
