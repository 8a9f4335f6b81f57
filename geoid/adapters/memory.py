"""The in-process cache: what a warm process need not ask for again."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence

from cachetools import TLRUCache


def _expiry(_key: str, entry: tuple[bytes, float], now: float) -> float:
    return now + entry[1]


class MemoryCache:
    """A `FeatureCache` of at most `entries` values: the least recently used goes first, each has its own lifetime."""

    def __init__(self, entries: int) -> None:
        self._kept: TLRUCache[str, tuple[bytes, float]] = TLRUCache(entries, ttu=_expiry, timer=time.monotonic)
        self._lock = threading.Lock()

    def get(self, keys: Sequence[str]) -> Mapping[str, bytes]:
        """The values of those keys that are there."""
        with self._lock:
            return {key: found[0] for key in keys if (found := self._kept.get(key)) is not None}

    def put(self, values: Mapping[str, bytes], ttl: float) -> None:
        """Keep values for at most `ttl` seconds."""
        with self._lock:
            for key, value in values.items():
                self._kept[key] = (value, ttl)
