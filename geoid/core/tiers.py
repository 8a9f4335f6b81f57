"""The servers behind a lookup, each behind a circuit breaker: a cache that may fail, a database that is asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import TypeVar

from geoid.core.attempts import Attempt
from geoid.core.breaker import Breaker
from geoid.core.ports import FeatureCache, FeatureStore, ReleaseReader
from geoid.errors import ReleaseGone, SettingsError, UnavailableError

Answer = TypeVar("Answer")
CACHE, DATABASE = "cache", "database"


@dataclass(frozen=True, slots=True)
class SharedCache:
    """The cache that processes share; whatever befalls it is noted and answered by none, never by an error.

    One request takes at most `timeout` seconds; a lookup with less time than that left asks for nothing, but as long as
    any is left it keeps what it has: a database that is slow needs a full cache most.
    """

    cache: FeatureCache
    timeout: float
    breaker: Breaker = field(default_factory=Breaker)

    def get(self, keys: Sequence[str], attempt: Attempt) -> Mapping[str, bytes] | None:
        """The values of those keys that are there, or none if the cache does not answer."""
        return self._asked(attempt, self.timeout, lambda: self.cache.get(keys))

    def put(self, values: Mapping[str, bytes], ttl: float, attempt: Attempt) -> None:
        """Keep values, if the cache takes them."""
        self._asked(attempt, 0.0, lambda: self.cache.put(values, ttl))

    def lock(self, key: str, ttl: float, attempt: Attempt) -> bool | None:
        """Whether the lock is ours now, or none if the cache does not answer."""
        return self._asked(attempt, self.timeout, lambda: self.cache.lock(key, ttl))

    def _asked(self, attempt: Attempt, needed: float, question: Callable[[], Answer]) -> Answer | None:
        if attempt.left() < needed or not self.breaker.admits():
            return None
        begun = perf_counter()
        try:
            answer = question()
        except (UnavailableError, SettingsError) as error:
            self.breaker.failed()
            attempt.met(CACHE, error)
            return None
        finally:
            attempt.took(CACHE, perf_counter() - begun)
        self.breaker.succeeded()
        return answer


@dataclass(frozen=True, slots=True)
class Database:
    """The store of area data and releases."""

    store: FeatureStore
    releases: ReleaseReader
    breaker: Breaker = field(default_factory=Breaker)

    def ask(self, attempt: Attempt, question: Callable[[float | None], Answer]) -> Answer:
        """Put a question, which is given the seconds left; raises `UnavailableError` where there is no answer.

        Raises `SettingsError` where there never was one: a password that worked before may be renewed any moment.
        """
        if attempt.left() <= 0:
            raise UnavailableError("no time was left to ask the database")
        if not self.breaker.admits():
            raise UnavailableError("the database is left alone for a moment, because it did not answer")
        begun = perf_counter()
        try:
            answer = question(attempt.timeout())
        except ReleaseGone:
            self.breaker.succeeded()
            raise
        except (UnavailableError, SettingsError) as error:
            attempt.met(DATABASE, error)
            if isinstance(error, SettingsError) and not self.breaker.met:
                raise  # and again the next time: an open breaker would hide it
            self.breaker.failed()
            if isinstance(error, SettingsError):
                raise UnavailableError(error.message, error.hint) from error
            raise
        finally:
            attempt.took(DATABASE, perf_counter() - begun)
        self.breaker.succeeded()
        return answer
