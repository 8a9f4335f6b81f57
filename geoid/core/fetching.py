"""The cache path: features of cells out of the process's own cache, the shared cache, or the database.

A value belongs to one immutable release, so it is never out of date, and absence is kept like any other value.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from geoid.core.attempts import Attempt
from geoid.core.evidence import has_data
from geoid.core.features import HINT, Features, decode
from geoid.core.flights import Flight, Flights
from geoid.core.ports import FeatureCache
from geoid.core.predictions import LookupOutcome
from geoid.core.releases import Release, cache_keys
from geoid.core.tiers import CACHE, Database, SharedCache
from geoid.errors import AreaDataError, GeoidError, NewerFormatError, UnavailableError

ABSENT = b""
"""What a cache keeps for a cell that has no data."""

JITTER = 0.1
"""The share of its time to live by which a value may go earlier, so that values of one moment do not end in one."""

LOCK_TTL = 0.3
"""Seconds for which one process has the fetching of a cell to itself; nobody gives a lock back, it runs out.

The others wait for half of that, or of what their deadlines leave, before they ask the database themselves.
"""

LONGEST_LOCK = 2.0
"""The same where the deadline of lookups is longer: the process that has the lock may have died."""

POLL = 0.005
"""Seconds between looks into the shared cache while waiting."""

OUTCOMES = tuple(LookupOutcome)
"""From the best to the worst; below, an outcome is its place in this order."""

LOCAL_HIT, HIT, MISS, NOTHING, STALE, BYPASS = (
    OUTCOMES.index(LookupOutcome(name)) for name in ("local_hit", "hit", "miss", "absent", "stale", "bypass")
)


class Wanted(NamedTuple):
    """The cells of a place, by their keys in the caches, in a release of `taxa` taxa."""

    release: Release
    taxa: int
    cells: Mapping[str, str]


class Fetched(NamedTuple):
    """The features of those cells that have any, and the outcome for the place: the worst of its cells."""

    features: tuple[Features, ...]
    outcome: LookupOutcome


@dataclass(slots=True)
class Finding:
    """What was found so far, by key: features, or none for a cell without data, and how they were found."""

    features: dict[str, Features | None] = field(default_factory=dict)
    outcomes: dict[str, int] = field(default_factory=dict)

    def take(self, found: Mapping[str, Features | None], outcome: int) -> None:
        """Add cells."""
        self.features.update(found)
        self.outcomes.update(dict.fromkeys(found, outcome))

    def take_asked(self, found: Mapping[str, Features | None]) -> None:
        """Add cells that the database was asked for; that a cache was passed by stands."""
        self.features.update(found)
        outcomes = self.outcomes
        for key, features in found.items():
            if outcomes.get(key) != BYPASS:
                outcomes[key] = NOTHING if features is None else MISS


@dataclass(frozen=True, slots=True)
class CachePath:
    """Cache-aside in two tiers before the database; `ttl` bounds what memory values take, in seconds."""

    local: FeatureCache
    shared: SharedCache | None
    database: Database
    ttl: float
    sleep: Callable[[float], None] = time.sleep
    lock_ttl: float = LOCK_TTL
    _flights: Flights[Mapping[str, bytes]] = field(default_factory=Flights)
    _asking: Flights[Mapping[str, bytes] | None] = field(default_factory=Flights)

    def fetch(self, release: Release, taxa: int, cells: Sequence[str], attempt: Attempt) -> Fetched:
        """The features of a place's cells, in one request a tier; raises `UnavailableError` where a cell is missing."""
        wanted = Wanted(release, taxa, cache_keys(release, cells))
        finding = self._cached(wanted, attempt)
        if len(finding.features) < len(cells):
            self._fetch(wanted, finding, attempt)
        return _fetched(finding, attempt)

    def kept(self, release: Release, taxa: int, cells: Sequence[str], attempt: Attempt) -> Fetched | None:
        """The same, as far as the caches go: none where they lack a cell, or where nothing is known."""
        finding = self._cached(Wanted(release, taxa, cache_keys(release, cells)), attempt)
        found = [one for one in finding.features.values() if one is not None]
        if len(finding.features) < len(cells) or not has_data(found):
            return None
        finding.outcomes = dict.fromkeys(finding.outcomes, STALE)
        return _fetched(finding, attempt)

    def _cached(self, wanted: Wanted, attempt: Attempt) -> Finding:
        finding = Finding()
        held = self.local.get(tuple(wanted.cells))
        if held:
            finding.take({key: _decoded(value) for key, value in held.items()}, LOCAL_HIT)
        if len(held) < len(wanted.cells) and self.shared is not None:
            self._share(wanted, finding, attempt)
        return finding

    def _share(self, wanted: Wanted, finding: Finding, attempt: Attempt) -> None:
        """Take what the shared cache has."""
        keys = _missing(wanted, finding)
        held = self._held(keys, attempt)
        finding.outcomes.update(dict.fromkeys(keys, BYPASS if held is None else MISS))
        if held:
            sound = _sound(wanted, held, attempt)
            self.local.put({key: held[key] for key in sound}, self.ttl)
            finding.take(sound, HIT)

    def _held(self, keys: tuple[str, ...], attempt: Attempt) -> Mapping[str, bytes] | None:
        """What the shared cache has; threads that ask for the same at the same time are one request."""
        assert self.shared is not None
        ask = self.shared.get
        try:
            return self._asking.share(keys, lambda: ask(keys, attempt), attempt.timeout())
        except TimeoutError:
            return None

    def _fetch(self, wanted: Wanted, finding: Finding, attempt: Attempt) -> None:
        """Fetch cells from the database, unless another thread or process is at it."""
        missing = _missing(wanted, finding)
        others = self._flights.lead(missing, lambda mine: self._own(wanted, mine, finding, attempt))
        if others:
            finding.take_asked({key: _decoded(self._awaited(key, others[key], attempt)) for key in others})

    def _awaited(self, key: str, flight: Flight[Mapping[str, bytes]], attempt: Attempt) -> bytes:
        """What another thread fetches; its failure is ours."""
        try:
            return flight.result(attempt.timeout())[key]
        except TimeoutError:
            kept = self.local.get([key])  # it may have it by now, and be busy with the shared cache
            if key in kept:
                return kept[key]
            raise UnavailableError("another thread is still waiting for the database") from None
        except GeoidError as error:
            raise type(error)(error.message, error.hint) from error  # an error is raised in one thread only

    def _own(self, wanted: Wanted, mine: Sequence[str], finding: Finding, attempt: Attempt) -> Mapping[str, bytes]:
        """The values of cells that no other thread is fetching."""
        values = dict(self.local.get(mine))  # another thread may just have landed
        missing = [key for key in mine if key not in values] if values else mine
        if missing and self.shared is not None and finding.outcomes[missing[0]] == MISS:
            values.update(self._awaited_elsewhere(wanted, missing, attempt))
            missing = [key for key in mine if key not in values]
        fresh = self._asked(wanted, missing, attempt) if missing else {}
        values.update(fresh)
        found = {
            key: _checked(value, wanted.cells[key], wanted.taxa) if value else None for key, value in values.items()
        }
        self.local.put(values, self.ttl)
        finding.take_asked(found)
        if fresh and self.shared is not None and BYPASS not in finding.outcomes.values():
            # before the threads that wait here, of which a thousand may begin to compute: other processes wait as well
            self.shared.put(fresh, self.ttl * random.uniform(1 - JITTER, 1), attempt)  # noqa: S311 - no secret
        return values

    def _awaited_elsewhere(self, wanted: Wanted, keys: Sequence[str], attempt: Attempt) -> Mapping[str, bytes]:
        """What another process, which has the lock, puts into the shared cache while we wait; nothing if it is ours."""
        assert self.shared is not None
        if self.shared.lock(f"{keys[0]}:lock", self.lock_ttl, attempt) is not False:
            return {}
        patience = attempt.now() + min(self.lock_ttl, attempt.left()) / 2
        while attempt.now() < patience:
            self.sleep(POLL)
            held = self.shared.get(keys, attempt)
            if held is None:
                return {}
            if len(_sound(wanted, held, Attempt())) == len(keys):  # what is unsound was noted before
                return held
        return {}

    def _asked(self, wanted: Wanted, keys: Sequence[str], attempt: Attempt) -> dict[str, bytes]:
        """What the database has, by key."""
        store, cells = self.database.store, [wanted.cells[key] for key in keys]
        fresh = self.database.ask(attempt, lambda timeout: store.features(wanted.release, cells, timeout))
        if not all(fresh.values()):
            raise AreaDataError("a cell's features are empty", HINT)
        return {key: fresh.get(wanted.cells[key], ABSENT) for key in keys}


def _missing(wanted: Wanted, finding: Finding) -> tuple[str, ...]:
    return tuple([key for key in wanted.cells if key not in finding.features])


def _decoded(value: bytes) -> Features | None:
    return decode(value) if value else None


def _sound(wanted: Wanted, held: Mapping[str, bytes], attempt: Attempt) -> dict[str, Features | None]:
    """The values that can be what geoid put there; what cannot is noted and counts as not there."""
    sound: dict[str, Features | None] = {}
    for key, value in held.items():
        try:
            sound[key] = _checked(value, wanted.cells[key], wanted.taxa) if value else None
        except (AreaDataError, NewerFormatError) as error:
            attempt.met(CACHE, error)
    return sound


def _checked(value: bytes, cell: str, taxa: int) -> Features:
    """The features of a value; raises `AreaDataError` if they cannot be those of this cell in a release of `taxa`."""
    features = decode(value, taxa)
    if features.resolution != int(cell[1], 16):  # the second digit of an H3 index is its resolution
        raise AreaDataError(f"a cell's features are of resolution {features.resolution}, not that of the cell", HINT)
    return features


def _fetched(finding: Finding, attempt: Attempt) -> Fetched:
    outcomes = [*finding.outcomes.values()]
    for outcome in set(outcomes):
        attempt.count(OUTCOMES[outcome], outcomes.count(outcome))
    features = tuple([one for one in finding.features.values() if one is not None])
    if not features:
        return Fetched(features, LookupOutcome.ABSENT)
    worst = max(outcomes)
    return Fetched(features, OUTCOMES[MISS if worst == NOTHING else worst])
