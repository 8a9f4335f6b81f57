"""Single flight: whoever wants what another thread is already fetching waits for that one's answer."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Answer = TypeVar("Answer")


class Flight(Generic[Answer]):
    """An answer on its way; the standard library's `Future` takes ten times as long to make and to answer."""

    __slots__ = ("_answer", "_failure", "_flying", "landed")

    def __init__(self) -> None:
        self.landed = False
        self._answer: Answer
        self._failure: BaseException | None = None
        self._flying = threading.Lock()
        self._flying.acquire()

    def land(self, answer: Answer) -> None:
        """Give those who wait the answer."""
        self._answer, self.landed = answer, True
        self._flying.release()

    def fail(self, failure: BaseException) -> None:
        """Give those who wait an error."""
        self._failure, self.landed = failure, True
        self._flying.release()

    def result(self, timeout: float | None = None) -> Answer:
        """The answer, or the error raised; raises `TimeoutError` if there is neither within so many seconds."""
        if not self._flying.acquire(timeout=-1 if timeout is None else min(timeout, threading.TIMEOUT_MAX)):
            raise TimeoutError
        self._flying.release()
        if self._failure is not None:
            raise self._failure
        return self._answer


@dataclass(slots=True)
class Boarding(Generic[Answer]):
    """What a thread fetches itself (`mine`), and what others fetch for it."""

    mine: tuple[str, ...]
    others: Mapping[str, Flight[Answer]]
    _own: Mapping[str, Flight[Answer]]

    def land(self, answers: Mapping[str, Answer]) -> None:
        """Give those who wait the answers to what is `mine`."""
        for key, flight in self._own.items():
            if key in answers:
                flight.land(answers[key])


@dataclass(slots=True)
class Flights(Generic[Answer]):
    """The keys that are being fetched in this process right now."""

    _flying: dict[str, Flight[Answer]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def share(self, key: str, fetch: Callable[[], Answer], timeout: float | None) -> Answer:
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

    @contextmanager
    def board(self, keys: Iterable[str]) -> Iterator[Boarding[Answer]]:
        """Divide keys into mine and others'; on leaving, those who wait for mine get an answer or the error."""
        with self._lock:
            others = {key: self._flying[key] for key in keys if key in self._flying}
            own: dict[str, Flight[Answer]] = {key: Flight() for key in keys if key not in others}
            self._flying.update(own)
        failure: BaseException = KeyError("not landed")
        try:
            yield Boarding(tuple(own), others, own)
        except BaseException as error:
            failure = error
            raise
        finally:
            with self._lock:
                for key in own:
                    del self._flying[key]
            for flight in own.values():
                if not flight.landed:
                    flight.fail(failure)
