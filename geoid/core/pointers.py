"""Which release is in force, as a process knows it: read again when it gets old, by whoever then needs it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from geoid.core.attempts import Attempt
from geoid.core.releases import Pointer
from geoid.core.remembered import PointerKeys, pack_pointer, pointer_keys, unpack_pointer
from geoid.core.tiers import CACHE, Database, SharedCache
from geoid.errors import AreaDataError, SettingsError, UnavailableError

LIFE = 12.0
"""Seconds that a pointer counts as fresh: once in the shared cache and once more in the process, so that every process
is on a new release well within 30 s of the switch, and the database is asked once in `LIFE`, not once a process."""

AGAIN = 1.0
"""Seconds until a pointer that could not be read is tried again."""

READING = 2.0
"""Seconds for which one process has the reading of the pointer to itself."""


@dataclass(slots=True)
class PointerReader:
    """The pointer to the release in force. There is no timer: a frozen process runs none, and none keeps Aurora awake.

    `ttl` is how long the shared cache keeps the last pointer for the time when the database does not answer; `scope`
    tells the store from others that use the same cache.
    """

    database: Database
    shared: SharedCache | None
    ttl: float
    scope: str = ""
    now: Callable[[], float] = time.monotonic
    _known: Pointer | None = None
    _expires: float = 0.0
    _gone: Pointer | None = None
    _reading: threading.Lock = field(default_factory=threading.Lock)

    @property
    def _keys(self) -> PointerKeys:
        return pointer_keys(self.scope)

    def read(self, attempt: Attempt) -> Pointer:
        """The release in force and the one before; raises `UnavailableError` where no tier knows it."""
        known = self._known
        if known is not None and self.now() < self._expires:
            return known
        ours = attempt.acquires(self._reading) if known is None else self._reading.acquire(blocking=False)
        if not ours:
            if known is not None:
                return known
            raise UnavailableError("another thread is still reading which release is in force")
        try:
            return self._read(attempt)
        finally:
            self._reading.release()

    def forget(self, gone: Pointer) -> None:
        """Read it anew the next time, whatever the cache says of it, because its release turned out to be gone."""
        if self._known == gone:  # no other thread has read it anew
            self._known, self._gone = None, gone

    def _read(self, attempt: Attempt) -> Pointer:
        if self._known is not None and self.now() < self._expires:  # another thread was faster
            return self._known
        kept = {key: pointer for key, pointer in self._kept(attempt).items() if pointer != self._gone}
        if self._keys.fresh in kept:
            return self._take(kept[self._keys.fresh], LIFE)
        best = self._known or kept.get(self._keys.current)
        if best is not None and not self._ours(attempt):
            return self._take(best, AGAIN)
        try:
            pointer = self._asked(attempt, hasty=best is not None)
        except (UnavailableError, SettingsError):
            if best is None:
                raise
            return self._take(best, AGAIN)
        if self.shared is not None:
            value = pack_pointer(pointer)
            self.shared.put({self._keys.fresh: value}, LIFE, attempt)
            self.shared.put({self._keys.current: value}, self.ttl, attempt)
        self._gone = None
        return self._take(pointer, LIFE)

    def _asked(self, attempt: Attempt, *, hasty: bool) -> Pointer:
        """What the database says; in haste it has half of the time, so that the caches can answer if it does not."""
        share = 0.5 if hasty else 1.0
        pointer = self.database.releases.pointer
        return self.database.ask(attempt, lambda timeout: pointer(None if timeout is None else timeout * share))

    def _kept(self, attempt: Attempt) -> dict[str, Pointer]:
        """What the shared cache knows."""
        values = self.shared.get([self._keys.fresh, self._keys.current], attempt) if self.shared is not None else None
        found: dict[str, Pointer] = {}
        for key, value in (values or {}).items():
            try:
                found[key] = unpack_pointer(value)
            except ValueError as error:
                attempt.met(CACHE, AreaDataError(f"the cache holds no pointer under {key}: {error}"))
        return found

    def _ours(self, attempt: Attempt) -> bool:
        """Whether it is for this process to ask the database."""
        return self.shared is None or self.shared.lock(self._keys.lock, READING, attempt) is not False

    def _take(self, pointer: Pointer, life: float) -> Pointer:
        self._known, self._expires = pointer, self.now() + life
        return pointer
