"""The circuit breaker: a server that fails is left alone for a while, so that nobody waits for it in vain."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

FAILURES = 2
"""Failures in a row after which a server is left alone: one may be chance."""

REST = 1.0
"""Seconds until one request may try again; recovery is noticed at most this late."""


@dataclass(slots=True)
class Breaker:
    """Closed while a server answers; open after `failures` in a row, when one request every `rest` seconds probes."""

    failures: int = FAILURES
    rest: float = REST
    now: Callable[[], float] = time.monotonic
    met: bool = False
    """Whether the server has ever answered."""
    _failed: int = 0
    _until: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def admits(self) -> bool:
        """Whether to ask the server now; the caller says afterwards how that went."""
        if self._failed < self.failures:
            return True
        with self._lock:
            now = self.now()
            if now < self._until:
                return False
            self._until = now + self.rest
            return True

    def succeeded(self) -> None:
        """The server answered."""
        self.met = True
        if self._failed:
            with self._lock:
                self._failed = 0

    def failed(self) -> None:
        """The server did not answer, or not in time."""
        with self._lock:
            self._failed += 1
            self._until = self.now() + self.rest
