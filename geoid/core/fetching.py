"""The cache path: features of cells out of the process's own cache, the shared cache, or the database.

A value belongs to one immutable release, so it is never out of date, and absence is kept like any other value.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
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
"""From the best to the worst."""


class Wanted(NamedTuple):
    """The cells of a place in a release of `taxa` taxa, each with its key in the caches."""

    release: Release
    taxa: int
    keys: Mapping[str, str]


class Fetched(NamedTuple):
    """The features of those cells that have any, and the outcome for the place: the worst of its cells."""

    features: tuple[Features, ...]
    outcome: LookupOutcome


@dataclass(slots=True)
class Finding:
    """What was found so far, by cell: features or none for a cell without data."""

    features: dict[str, Features | None] = field(default_factory=dict)
    outcomes: dict[str, LookupOutcome] = field(default_factory=dict)

    def take(self, found: Mapping[str, Features | None], outcome: LookupOutcome) -> None:
        """Add cells."""
        self.features.update(found)
        self.outcomes.update(dict.fromkeys(found, outcome))


@dataclass(frozen=True, slots=True)
class CachePath:
    """Cache-aside in two tiers before the database; `ttl` bounds what memory values take, in seconds."""

    local: FeatureCache
    shared: SharedCache | None
    database: Database
    ttl: float
    sleep: Callable[[float], None] = time.sleep
    lock_ttl: float = LOCK_TTL
    _flights: Flights[bytes] = field(default_factory=Flights)
    _asking: Flights[Mapping[str, bytes] | None] = field(default_factory=Flights)

    def fetch(self, release: Release, taxa: int, cells: Sequence[str], attempt: Attempt) -> Fetched:
        """The features of a place's cells, in one request a tier; raises `UnavailableError` where a cell is missing."""
        wanted = Wanted(release, taxa, cache_keys(release, cells))
        finding = self._cached(wanted, attempt)
        missing = _missing(wanted, finding)
        if missing:
            self._fetch(wanted, missing, finding, attempt)
        return _fetched(finding, attempt)

    def kept(self, release: Release, taxa: int, cells: Sequence[str], attempt: Attempt) -> Fetched | None:
        """The same, as far as the caches go: none where they lack a cell, or where nothing is known."""
        wanted = Wanted(release, taxa, cache_keys(release, cells))
        finding = self._cached(wanted, attempt)
        if _missing(wanted, finding) or not has_data([one for one in finding.features.values() if one is not None]):
            return None
        finding.outcomes = dict.fromkeys(finding.outcomes, LookupOutcome.STALE)
        return _fetched(finding, attempt)

    def _cached(self, wanted: Wanted, attempt: Attempt) -> Finding:
        finding = Finding()
        held = self.local.get(tuple(wanted.keys.values()))
        if held:
            found = {cell: _decoded(held[key]) for cell, key in wanted.keys.items() if key in held}
            finding.take(found, LookupOutcome.LOCAL_HIT)
        missing = _missing(wanted, finding)
        if missing and self.shared is not None:
            self._share(wanted, missing, finding, attempt)
        return finding

    def _held(self, keys: Sequence[str], attempt: Attempt) -> Mapping[str, bytes] | None:
        """What the shared cache has; threads that ask for the same at the same time are one request."""
        assert self.shared is not None
        ask = self.shared.get
        try:
            return self._asking.share(" ".join(keys), lambda: ask(keys, attempt), attempt.timeout())
        except TimeoutError:
            return None

    def _share(self, wanted: Wanted, missing: Sequence[str], finding: Finding, attempt: Attempt) -> None:
        """Take what the shared cache has."""
        assert self.shared is not None
        held = self._held([wanted.keys[cell] for cell in missing], attempt)
        finding.outcomes.update(dict.fromkeys(missing, LookupOutcome.BYPASS if held is None else LookupOutcome.MISS))
        sound = _sound(wanted, missing, held or {}, attempt)
        if sound:
            self.local.put({wanted.keys[cell]: value for cell, (value, _) in sound.items()}, self.ttl)
            finding.take({cell: features for cell, (_, features) in sound.items()}, LookupOutcome.HIT)

    def _fetch(self, wanted: Wanted, missing: Sequence[str], finding: Finding, attempt: Attempt) -> None:
        """Fetch cells from the database, unless another thread or process is at it."""
        cells = {wanted.keys[cell]: cell for cell in missing}
        with self._flights.board(cells) as boarding:
            if boarding.mine:
                landed, fresh = self._own(wanted, [cells[key] for key in boarding.mine], finding, attempt)
                if fresh and self.shared is not None and LookupOutcome.BYPASS not in finding.outcomes.values():
                    # first the other processes, whose patience ends: here, a thousand threads may now begin to compute
                    self.shared.put(fresh, self.ttl * random.uniform(1 - JITTER, 1), attempt)  # noqa: S311 - no secret
                boarding.land(landed)
        for key, flight in boarding.others.items():
            finding.features[cells[key]] = _decoded(self._awaited(key, flight, attempt))
            finding.outcomes.setdefault(cells[key], LookupOutcome.MISS)

    def _awaited(self, key: str, flight: Flight[bytes], attempt: Attempt) -> bytes:
        """What another thread fetches; its failure is ours."""
        try:
            return flight.result(attempt.timeout())
        except TimeoutError:
            kept = self.local.get([key])  # it may have it by now, and be busy with the shared cache
            if key in kept:
                return kept[key]
            raise UnavailableError("another thread is still waiting for the database") from None
        except GeoidError as error:
            raise type(error)(error.message, error.hint) from error  # an error is raised in one thread only

    def _own(
        self, wanted: Wanted, mine: Sequence[str], finding: Finding, attempt: Attempt
    ) -> tuple[dict[str, bytes], dict[str, bytes]]:
        """The values, by key, of cells that no other thread is fetching, and which of them the database gave."""
        keys = [wanted.keys[cell] for cell in mine]
        values = dict(self.local.get(keys))  # another thread may just have landed
        missing = [cell for cell in mine if wanted.keys[cell] not in values]
        if missing and self.shared is not None and finding.outcomes[missing[0]] is LookupOutcome.MISS:
            values |= self._awaited_elsewhere(wanted, missing, attempt)
            missing = [cell for cell in mine if wanted.keys[cell] not in values]
        fresh = self._asked(wanted, missing, attempt) if missing else {}
        values |= fresh
        found = {cell: _checked(values[wanted.keys[cell]], cell, wanted.taxa) for cell in mine}
        self.local.put(values, self.ttl)
        finding.features.update(found)
        for cell in mine:
            finding.outcomes.setdefault(cell, LookupOutcome.MISS)
        return values, fresh

    def _awaited_elsewhere(self, wanted: Wanted, missing: Sequence[str], attempt: Attempt) -> dict[str, bytes]:
        """What another process, which has the lock, puts into the shared cache while we wait; nothing if it is ours."""
        assert self.shared is not None
        keys = [wanted.keys[cell] for cell in missing]
        if self.shared.lock(f"{keys[0]}:lock", self.lock_ttl, attempt) is not False:
            return {}
        patience = attempt.now() + min(self.lock_ttl, attempt.left()) / 2
        while attempt.now() < patience:
            self.sleep(POLL)
            held = self.shared.get(keys, attempt)
            if held is None:
                return {}
            sound = _sound(wanted, missing, held, Attempt())  # what is unsound was noted before
            if len(sound) == len(missing):
                return {wanted.keys[cell]: value for cell, (value, _) in sound.items()}
        return {}

    def _asked(self, wanted: Wanted, missing: Sequence[str], attempt: Attempt) -> dict[str, bytes]:
        """What the database has, by key."""
        store = self.database.store
        fresh = self.database.ask(attempt, lambda timeout: store.features(wanted.release, missing, timeout))
        if not all(fresh.values()):
            raise AreaDataError("a cell's features are empty", HINT)
        return {wanted.keys[cell]: fresh.get(cell, ABSENT) for cell in missing}


def _missing(wanted: Wanted, finding: Finding) -> list[str]:
    return [cell for cell in wanted.keys if cell not in finding.features]


def _decoded(value: bytes) -> Features | None:
    return decode(value) if value else None


def _sound(
    wanted: Wanted, cells: Iterable[str], held: Mapping[str, bytes], attempt: Attempt
) -> dict[str, tuple[bytes, Features | None]]:
    """The values that can be what geoid put there; what cannot is noted and counts as not there."""
    sound: dict[str, tuple[bytes, Features | None]] = {}
    for cell in cells:
        value = held.get(wanted.keys[cell])
        if value is None:
            continue
        try:
            sound[cell] = value, _checked(value, cell, wanted.taxa)
        except (AreaDataError, NewerFormatError) as error:
            attempt.met(CACHE, error)
    return sound


def _checked(value: bytes, cell: str, taxa: int) -> Features | None:
    """The features of a value; raises `AreaDataError` if they cannot be those of this cell in a release of `taxa`."""
    features = _decoded(value)
    if features is None:
        return None
    if features.resolution != int(cell[1], 16):  # the second digit of an H3 index is its resolution
        raise AreaDataError(f"a cell's features are of resolution {features.resolution}, not that of the cell", HINT)
    if len(features.records) and features.records["taxon"].max() >= taxa:
        raise AreaDataError("a cell's features name a taxon that their release does not have", HINT)
    return features


def _fetched(finding: Finding, attempt: Attempt) -> Fetched:
    outcomes = [
        _nothing(outcome) if finding.features[cell] is None else outcome for cell, outcome in finding.outcomes.items()
    ]
    for outcome in OUTCOMES:  # a dictionary would call Python for the hash of each
        if outcome in outcomes:
            attempt.outcomes[outcome] += outcomes.count(outcome)
    features = tuple([one for one in finding.features.values() if one is not None])
    return Fetched(features, worst(finding.outcomes.values()) if features else LookupOutcome.ABSENT)


def _nothing(outcome: LookupOutcome) -> LookupOutcome:
    """The outcome of a cell without data, as metrics count it."""
    return LookupOutcome.ABSENT if outcome is LookupOutcome.MISS else outcome


def worst(outcomes: Iterable[LookupOutcome]) -> LookupOutcome:
    """The worst of several outcomes."""
    return max(outcomes, key=OUTCOMES.index)
