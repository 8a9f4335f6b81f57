"""The in-process cache: what a warm process need not ask for again."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence

from cachetools import LRUCache

Entry = tuple[bytes, float]

OVERHEAD = 300
"""Bytes that an entry takes besides its value: key, tuple, number and their places in two dictionaries (CPython)."""


def _size(entry: Entry) -> int:
    return len(entry[0]) + OVERHEAD


class MemoryCache:
    """A `FeatureCache` of at most so many bytes: the least recently used goes first, each has its own lifetime.

    Lifetimes are looked at when asked, because the heap of cachetools' `TLRUCache` makes a get six times slower.
    """

    def __init__(self, size: int) -> None:
        self._kept: LRUCache[str, Entry] = LRUCache(size, getsizeof=_size)
        self._lock = threading.Lock()

    def get(self, keys: Sequence[str]) -> Mapping[str, bytes]:
        """The values of those keys that are there."""
        now = time.monotonic()
        kept, found = self._kept, {}
        with self._lock:
            for key in keys:
                entry = kept.get(key)
                if entry is not None and now < entry[1]:
                    found[key] = entry[0]
        return found

    def put(self, values: Mapping[str, bytes], ttl: float) -> None:
        """Keep values for at most `ttl` seconds."""
        until = time.monotonic() + ttl
        kept, largest = self._kept, self._kept.maxsize - OVERHEAD
        with self._lock:
            for key, value in values.items():
                if len(value) <= largest:
                    kept[key] = (value, until)
                else:
                    kept.pop(key, None)

    def lock(self, key: str, ttl: float) -> bool:
        """Whether nobody in this process held this lock."""
        now = time.monotonic()
        with self._lock:
            held = self._kept.get(key)
            if held is not None and now < held[1]:
                return False
            self._kept[key] = (b"", now + ttl)
            return True
