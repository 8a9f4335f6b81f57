"""One connection for all threads of a process, with a deadline for each question and one silent reconnect."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, wait
from functools import cached_property
from typing import Any

import psycopg
from psycopg.abc import RV, PQGen
from psycopg.pq import TransactionStatus

from geoid.adapters.postgres_address import Address
from geoid.adapters.postgres_errors import translated
from geoid.errors import SettingsError, UnavailableError

TIMEOUT = 30.0
"""Seconds for a question that came without a time-out; above `connect_timeout` and the role's `statement_timeout`."""

FEW = 100
"""So many rows a cursor may keep in memory until the next question."""

Row = tuple[Any, ...]


class DeadlineConnection(psycopg.Connection[Row]):
    """A connection whose waits end at `deadline`, by `time.monotonic`; its state is unknown after that."""

    deadline = 0.0

    @cached_property
    def asking(self) -> psycopg.Cursor[Row]:
        """The cursor for all questions: a new one for each would cost a fifth of a lookup."""
        return self.cursor(binary=True)

    def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        """Wait for the server, for no longer than is left."""
        left = self.deadline - time.monotonic()
        return super().wait(gen, interval, left if timeout is None else min(left, timeout))


class Session:
    """Asks one question at a time; `queries` and `reconnects` count what that took."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self.queries = 0
        self.connects = 0
        self.reconnects = 0
        self._lock = threading.Lock()
        self._connection: DeadlineConnection | None = None
        self._attempt: Future[DeadlineConnection] | None = None

    def ask(self, query: bytes, parameters: Sequence[object] = (), timeout: float | None = None) -> Sequence[Row]:
        """The rows a query gives, within `timeout` seconds; it may be sent twice, so it must be one that only reads.

        Raises `psycopg.errors.UndefinedTable` as it is, since only who asks knows what that means.
        """
        allowed = TIMEOUT if timeout is None else max(timeout, 0.0)
        deadline = time.monotonic() + allowed
        if not self._lock.acquire(timeout=allowed):
            raise self._late()
        try:
            return self._answer(query, parameters, deadline)
        finally:
            self._lock.release()

    def close(self) -> None:
        """Close the connection, and one that is still being made as soon as it is there."""
        with self._lock:
            self._drop()
            if self._attempt is not None:
                self._attempt.add_done_callback(_close_made)
                self._attempt = None

    def _answer(self, query: bytes, parameters: Sequence[object], deadline: float) -> Sequence[Row]:
        connects = self.connects
        while True:
            connection = self._connected(deadline)
            try:
                return self._rows(connection, query, parameters, deadline)
            except psycopg.errors.UndefinedTable:
                raise
            except psycopg.Error as error:
                if time.monotonic() >= deadline:
                    raise self._late() from error
                if self._connection is not None or self.connects > connects:
                    raise translated(error, self.address.place) from error
            self.reconnects += 1

    def _rows(
        self, connection: DeadlineConnection, query: bytes, values: Sequence[object], deadline: float
    ) -> list[Row]:
        connection.deadline = deadline
        self.queries += 1
        try:
            rows = connection.asking.execute(query, values, prepare=True).fetchall()
        except BaseException:
            if connection.info.transaction_status != TransactionStatus.IDLE:
                self._drop()
            raise
        if len(rows) > FEW:
            del connection.asking
        return rows

    def _connected(self, deadline: float) -> DeadlineConnection:
        """The connection there is, or the one that an attempt makes, begun now or by an earlier caller."""
        if self._connection is None:
            attempt = self._attempt = self._current_attempt()
            if not wait([attempt], max(deadline - time.monotonic(), 0.0)).done:
                raise self._late()
            self._attempt = None
            self._connection = attempt.result()
        return self._connection

    def _current_attempt(self) -> Future[DeadlineConnection]:
        """The attempt under way or done; not one that failed unheard, unless a setting is wrong."""
        attempt = self._attempt
        if attempt is not None and not (attempt.done() and _may_be_over(attempt.exception())):
            return attempt
        self.connects += 1
        attempt = Future()
        threading.Thread(target=_connect, args=(self.address, attempt), name="geoid-connect", daemon=True).start()
        return attempt

    def _drop(self) -> None:
        """Close the connection beside the caller, who need not wait for that."""
        if self._connection is not None:
            threading.Thread(target=self._connection.close, name="geoid-close", daemon=True).start()
            self._connection = None

    def _late(self) -> UnavailableError:
        return UnavailableError(
            f"{self.address.place} did not answer in time", "is the database running, or just resuming?"
        )


def _may_be_over(failure: BaseException | None) -> bool:
    return failure is not None and not isinstance(failure, SettingsError)


def _connect(address: Address, attempt: Future[DeadlineConnection]) -> None:
    """Connect, however long that takes: a paused Aurora needs some 15 s, which most callers do not wait for."""
    try:
        attempt.set_result(DeadlineConnection.connect(address.conninfo(), autocommit=True))
    except psycopg.Error as error:
        attempt.set_exception(translated(error, address.place))
    except BaseException as error:  # noqa: BLE001 whatever it is, who waits for the attempt is to hear of it
        attempt.set_exception(error)


def _close_made(attempt: Future[DeadlineConnection]) -> None:
    if attempt.exception() is None:
        attempt.result().close()
