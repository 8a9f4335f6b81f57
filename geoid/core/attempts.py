"""One lookup as it goes on: how much time it has left, what went wrong on the way, what took how long."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import inf

from geoid.core.predictions import LookupFacts, LookupOutcome, Trouble
from geoid.errors import GeoidError


@dataclass(slots=True)
class Attempt:
    """The state of one lookup; `until` is when it must have ended, on the clock `now`."""

    until: float = inf
    now: Callable[[], float] = time.monotonic
    outcomes: Counter[LookupOutcome] = field(default_factory=Counter)
    troubles: list[Trouble] = field(default_factory=list)
    timings_ms: dict[str, float] = field(default_factory=dict)

    def left(self) -> float:
        """Seconds that are left; infinite without a deadline."""
        return self.until - self.now()

    def timeout(self) -> float | None:
        """The seconds that are left as adapters take them: none without a deadline."""
        return None if self.until == inf else max(self.left(), 0.0)

    def met(self, tier: str, error: GeoidError) -> None:
        """Note an error of a tier."""
        self.troubles.append(Trouble(tier, error.kind, error.message))

    @contextmanager
    def step(self, tier: str) -> Iterator[None]:
        """Time what a tier takes."""
        start = time.perf_counter()
        try:
            yield
        finally:
            spent = (time.perf_counter() - start) * 1000
            self.timings_ms[tier] = self.timings_ms.get(tier, 0.0) + spent

    def facts(self) -> LookupFacts:
        """How it went."""
        return LookupFacts(dict(self.outcomes), tuple(self.troubles), dict(self.timings_ms))
