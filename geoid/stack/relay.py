"""A TCP relay whose network can be made to fail: it only moves bytes, so it works under TLS too."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections import deque
from contextlib import suppress
from typing import cast

from geoid.errors import UnavailableError
from geoid.stack.faults import Counts, Faults, Mode
from geoid.stack.loopback import HOST, free_port

HELD_BYTES = 4 << 20
"""What may be under way in one direction of a connection before the sender is made to wait, as a long line would."""
SLICE_SECONDS = 0.02
BACKLOG = 4096
RESET = struct.pack("ii", 1, 0)
"""`SO_LINGER` with no time: closing the socket resets the connection."""


class Lane:
    """One direction of one connection: what was read from `source` and not yet written to `sink`."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[tuple[float, bytes]] = deque()
        self._held = 0
        self._last = 0.0
        self._idle_from = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self.source: asyncio.Transport | None = None
        self.sink: asyncio.Transport | None = None
        self.sink_is_full = False
        self.ended = False

    @property
    def _faults(self) -> Faults:
        return self._link.relay.faults

    def put(self, data: bytes) -> None:
        """Send these bytes on their way; none at all are the end."""
        if data and self.sink and not self._waiting and self._faults.immediate:
            self.sink.write(data)
            return
        self._last = max(self._loop.time() + self._faults.delay(), self._last)
        self._waiting.append((self._last, data))
        self._held += len(data)
        self.go_on()

    def hasten(self) -> None:
        """The faults have changed: what is under way takes no longer than under the new ones."""
        latest = self._loop.time() + self._faults.delay()
        self._waiting = deque((min(due, latest), data) for due, data in self._waiting)
        self._last = min(self._last, latest)
        self._idle_from = 0.0
        self.go_on()

    def go_on(self) -> None:
        """Write what is due, and come back for the rest."""
        if self._timer:
            self._timer.cancel()
            self._timer = None
        while self._waiting and self.sink and self._faults.mode is Mode.OPEN:
            due = max(self._waiting[0][0], self._idle_from)
            if due > self._loop.time():
                self._timer = self._loop.call_at(due, self.go_on)
                break
            self._write(self.sink)
        self.regulate()

    def regulate(self) -> None:
        """Read on, or let the sender wait."""
        if self.source and (self._held > HELD_BYTES or self.sink_is_full):
            self.source.pause_reading()
        elif self.source:
            self.source.resume_reading()

    def _write(self, sink: asyncio.Transport) -> None:
        due, data = self._waiting.popleft()
        if not data:
            self.ended = True
            if not sink.is_closing():
                with suppress(OSError):  # the other end may be gone, and nobody told us yet
                    sink.write_eof()
            self._link.settle()
            return
        rate = self._faults.rate
        if rate:
            whole, data = data, data[: max(1, int(rate * SLICE_SECONDS))]
            self._idle_from = self._loop.time() + len(data) / rate
            if len(whole) > len(data):
                self._waiting.appendleft((due, whole[len(data) :]))
        self._held -= len(data)
        sink.write(data)

    def close(self) -> None:
        """Forget what is under way."""
        self._waiting.clear()
        self.source = self.sink = None
        if self._timer:
            self._timer.cancel()


class Side(asyncio.Protocol):
    """One end of a connection through the relay."""

    def __init__(self, link: Link, outgoing: Lane, incoming: Lane) -> None:
        self._link, self._outgoing, self._incoming = link, outgoing, incoming
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Join the lanes; asyncio has set TCP_NODELAY."""
        self.transport = cast("asyncio.Transport", transport)
        self._outgoing.source = self._incoming.sink = self.transport
        self._link.joined(self)

    def data_received(self, data: bytes) -> None:
        """Pass bytes on."""
        self._link.count(self, len(data))
        self._outgoing.put(data)

    def eof_received(self) -> bool:
        """Pass the end on, and keep the other direction."""
        self._outgoing.put(b"")
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """Reset the other end too; in a black hole it does not learn of it before that is over."""
        self._outgoing.source = self._incoming.sink = None
        if exc and self._link.relay.faults.mode is not Mode.BLACKHOLE:
            self._link.abort(reset=True)
        elif exc:
            self._incoming.ended = True
            self._outgoing.put(b"")

    def pause_writing(self) -> None:
        """Let the other end wait while this one is slow to take bytes."""
        self._incoming.sink_is_full = True
        self._incoming.regulate()

    def resume_writing(self) -> None:
        """Go on."""
        self._incoming.sink_is_full = False
        self._incoming.regulate()


class Link:
    """One connection through the relay: two sides, two lanes."""

    def __init__(self, relay: Relay) -> None:
        self.relay = relay
        self._up, self._down = Lane(self), Lane(self)
        self.client = Side(self, self._up, self._down)
        self._server = Side(self, self._down, self._up)
        self._connecting: asyncio.Task[None] | None = None

    def count(self, side: Side, size: int) -> None:
        """One more chunk came by."""
        self.relay.count(size, up=side is self.client)

    def joined(self, side: Side) -> None:
        """A side is connected."""
        if side is self._server:
            self._up.go_on()
            return
        self.relay.links.add(self)
        self.relay.count_connection()
        if self.relay.faults.mode is Mode.RESET:
            self.abort(reset=True)
        self.go_on()

    def go_on(self) -> None:
        """Move what may move under the faults in force."""
        if self._connecting is None and self.relay.faults.mode is Mode.OPEN:
            self._connecting = asyncio.get_running_loop().create_task(self._connect())
        self._up.hasten()
        self._down.hasten()

    async def _connect(self) -> None:
        try:
            await asyncio.get_running_loop().create_connection(lambda: self._server, *self.relay.target)
        except OSError:  # to the client, a server that refuses is a connection that breaks
            self.abort(reset=True)
        if self not in self.relay.links:
            self.abort(reset=False)

    def settle(self) -> None:
        """Close both sides once both directions have ended."""
        if self._up.ended and self._down.ended:
            self._forget()
            for side in (self.client, self._server):
                if side.transport:
                    side.transport.close()

    def abort(self, *, reset: bool) -> None:
        """Close both sides at once."""
        self._forget()
        for transport in (self.client.transport, self._server.transport):
            if transport and not transport.is_closing():
                if reset:
                    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                transport.abort()

    def _forget(self) -> None:
        self.relay.links.discard(self)
        self._up.close()
        self._down.close()


class Relay:
    """Listens on a port of loopback and passes connections on to another, under the faults in force."""

    def __init__(self, target: tuple[str, int]) -> None:
        self.target = target
        self.faults = Faults()
        self.links: set[Link] = set()
        self.port = 0
        self._server: asyncio.Server | None = None
        self._connections = 0
        self._bytes = {True: 0, False: 0}
        self._chunks = {True: 0, False: 0}

    async def open(self, port: int = 0) -> int:
        """Listen, on a free port if none is given. Raises `UnavailableError` for one in use."""
        self.port = port or self.port or free_port()
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(lambda: Link(self).client, HOST, self.port, backlog=BACKLOG)
        except OSError as error:
            what = f"port {self.port} of this machine is in use"
            raise UnavailableError(what, "stop what listens there, or choose another port") from error
        return self.port

    async def set(self, faults: Faults) -> None:
        """From now on, these faults and no others."""
        self.faults = faults
        if faults.mode is Mode.CUT:
            self.close()
        elif self._server is None:
            await self.open()
        for link in tuple(self.links):
            if faults.mode is Mode.RESET:
                link.abort(reset=True)
            else:
                link.go_on()

    def count(self, size: int, *, up: bool) -> None:
        """One more chunk came by."""
        self._bytes[up] += size
        self._chunks[up] += 1

    def count_connection(self) -> None:
        """One more client came."""
        self._connections += 1

    def counts(self) -> Counts:
        """What came by."""
        moved = (self._bytes[True], self._bytes[False], self._chunks[True], self._chunks[False])
        return Counts(self._connections, len(self.links), *moved)

    def close(self) -> None:
        """Listen no more, and close all connections."""
        if self._server:
            self._server.close()
            self._server = None
        for link in tuple(self.links):
            with suppress(OSError):
                link.abort(reset=False)
