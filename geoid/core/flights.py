"""Single flight: whoever wants what another thread is already fetching waits for that one's answer."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Answer = TypeVar("Answer")


@dataclass(slots=True)
class Boarding(Generic[Answer]):
    """What a thread fetches itself (`mine`), and what others fetch for it."""

    mine: tuple[str, ...]
    others: Mapping[str, Future[Answer]]
    _own: Mapping[str, Future[Answer]]

    def land(self, answers: Mapping[str, Answer]) -> None:
        """Give those who wait the answers to what is `mine`."""
        for key, future in self._own.items():
            if key in answers:
                future.set_result(answers[key])


@dataclass(slots=True)
class Flights(Generic[Answer]):
    """The keys that are being fetched in this process right now."""

    _flying: dict[str, Future[Answer]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def board(self, keys: Iterable[str]) -> Iterator[Boarding[Answer]]:
        """Divide keys into mine and others'; on leaving, those who wait for mine get an answer or the error."""
        with self._lock:
            others = {key: self._flying[key] for key in keys if key in self._flying}
            own: dict[str, Future[Answer]] = {key: Future() for key in keys if key not in others}
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
            for future in own.values():
                if not future.done():
                    future.set_exception(failure)
