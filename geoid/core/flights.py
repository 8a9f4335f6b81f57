"""Single flight: whoever wants what another thread is already fetching waits for that one's answer."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Sequence
from typing import Generic, TypeVar

Answer = TypeVar("Answer")


class Flight(Generic[Answer]):
    """An answer on its way; the standard library's `Future` takes ten times as long to make and to answer."""

    __slots__ = ("_answer", "_failure", "_flying")

    def __init__(self) -> None:
        self._answer: Answer
        self._failure: BaseException | None = None
        self._flying = threading.Lock()
        self._flying.acquire()

    def land(self, answer: Answer) -> None:
        """Give those who wait the answer."""
        self._answer = answer
        self._flying.release()

    def fail(self, failure: BaseException) -> None:
        """Give those who wait an error."""
        self._failure = failure
        self._flying.release()

    def result(self, timeout: float | None = None) -> Answer:
        """The answer, or the error raised; raises `TimeoutError` if there is neither within so many seconds."""
        if not self._flying.acquire(timeout=-1 if timeout is None else min(timeout, threading.TIMEOUT_MAX)):
            raise TimeoutError
        self._flying.release()
        if self._failure is not None:
            raise self._failure
        return self._answer


class Flights(Generic[Answer]):
    """What is being fetched in this process right now, by key."""

    def __init__(self) -> None:
        self._flying: dict[Hashable, Flight[Answer]] = {}
        self._lock = threading.Lock()

    def share(self, key: Hashable, fetch: Callable[[], Answer], timeout: float | None) -> Answer:
        """What `fetch` gives, or that of the thread that is at it; raises `TimeoutError` where that takes longer."""
        with self._lock:
            flying = self._flying.get(key)
            if flying is None:
                own = self._flying[key] = Flight()
        if flying is not None:
            return flying.result(timeout)
        try:
            answer = fetch()
        except BaseException as error:
            own.fail(error)
            raise
        finally:
            del self._flying[key]
        own.land(answer)
        return answer

    def lead(self, keys: Sequence[str], fetch: Callable[[Sequence[str]], Answer]) -> dict[str, Flight[Answer]]:
        """Call `fetch` for those keys that no other thread is fetching; the flights that have the others."""
        own: Flight[Answer] = Flight()
        others = self._board(keys, own)
        mine = [key for key in keys if key not in others]
        if not mine:
            return others
        try:
            own.land(fetch(mine))
        except BaseException as error:
            own.fail(error)
            raise
        finally:
            with self._lock:
                for key in mine:
                    del self._flying[key]
        return others

    def _board(self, keys: Sequence[str], own: Flight[Answer]) -> dict[str, Flight[Answer]]:
        others: dict[str, Flight[Answer]] = {}
        with self._lock:
            for key in keys:
                flying = self._flying.setdefault(key, own)
                if flying is not own:
                    others[key] = flying
        return others
