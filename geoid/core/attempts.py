"""One lookup as it goes on: how much time it has left, what went wrong on the way, what took how long."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf

from geoid.core.predictions import LookupFacts, LookupOutcome, Trouble
from geoid.errors import GeoidError

LONGEST_WAIT = 60.0
"""Seconds that a lookup without a deadline waits for another thread."""


@dataclass(slots=True)
class Attempt:
    """The state of one lookup; `until` is when it must have ended, on the clock `now`."""

    until: float = inf
    now: Callable[[], float] = time.monotonic
    outcomes: dict[LookupOutcome, int] = field(default_factory=dict)
    troubles: list[Trouble] = field(default_factory=list)
    timings_ms: dict[str, float] = field(default_factory=dict)

    def left(self) -> float:
        """Seconds that are left; infinite without a deadline."""
        return self.until - self.now()

    def timeout(self) -> float | None:
        """The seconds that are left as adapters take them: none without a deadline."""
        return None if self.until == inf else max(self.left(), 0.0)

    def acquires(self, lock: threading.Lock) -> bool:
        """Whether a lock comes free while time is left, and within a minute where there is no deadline."""
        return lock.acquire(timeout=max(min(self.left(), LONGEST_WAIT), 0.0))

    def met(self, tier: str, error: GeoidError) -> None:
        """Note an error of a tier."""
        self.troubles.append(Trouble(tier, error.kind, error.message))

    def took(self, tier: str, seconds: float) -> None:
        """Note what a tier took."""
        self.timings_ms[tier] = self.timings_ms.get(tier, 0.0) + seconds * 1000

    def count(self, outcome: LookupOutcome, cells: int) -> None:
        """Note the outcome of so many cells."""
        self.outcomes[outcome] = self.outcomes.get(outcome, 0) + cells

    def facts(self) -> LookupFacts:
        """How it went."""
        return LookupFacts(dict(self.outcomes), tuple(self.troubles), dict(self.timings_ms))
