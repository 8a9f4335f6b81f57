"""The relay, run in a thread or in a process of its own, and told from here what is wrong with its network."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
from abc import ABC, abstractmethod
from collections.abc import Coroutine
from dataclasses import asdict
from typing import Any, Self, TypeVar

from geoid.errors import UnavailableError
from geoid.stack.accounts import Account, account
from geoid.stack.faults import Counts, Faults, Mode
from geoid.stack.loopback import HOST
from geoid.stack.relay import Relay

ANSWER_SECONDS = 10.0
Result = TypeVar("Result")


class Proxy(ABC):
    """A port of loopback before another one, with faults on the way; a context manager.

    Raises `UnavailableError` where it cannot listen.
    """

    def __init__(self, target: int, *, host: str = HOST, port: int = 0) -> None:
        self.target = (host, target)
        self.host = HOST
        self.port = port

    @abstractmethod
    def __enter__(self) -> Self: ...

    @abstractmethod
    def __exit__(self, *_: object) -> None: ...

    @abstractmethod
    def _told(self, faults: Faults | None) -> Counts:
        """Set faults, if any are given, and count."""

    def set(self, faults: Faults) -> None:
        """From now on these faults and no others, on live connections too."""
        self._told(faults)

    def clear(self) -> None:
        """From now on no faults."""
        self._told(Faults())

    def counts(self) -> Counts:
        """What came by since the start."""
        return self._told(None)


class ThreadProxy(Proxy):
    """A proxy in a thread of this process: quick to start, but it shares Python's lock."""

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._relay = Relay(self.target)
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._thread.start()
        try:
            self.port = self._run(self._relay.open(self.port))
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._run(self._closed())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _closed(self) -> None:
        self._relay.close()
        mine = asyncio.current_task()
        others = [task for task in asyncio.all_tasks() if task is not mine]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await asyncio.sleep(0)  # aborted connections are closed in the next turn

    def _told(self, faults: Faults | None) -> Counts:
        return self._run(_obey(self._relay, faults))

    def _run(self, work: Coroutine[Any, Any, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(ANSWER_SECONDS)


class ProcessProxy(Proxy):
    """A proxy in a process of its own, which ends with this one: for loads that must not share Python's lock."""

    def __enter__(self) -> Self:
        words = [f"{self.target[0]}", f"{self.target[1]}", f"{self.port}"]
        self._process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-P", "-m", "geoid.stack.proxy", *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            self.port = int(self._answer()["port"])
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()  # closes its input, which is its sign to end

    @property
    def pid(self) -> int:
        """The number of its process."""
        return self._process.pid

    def _told(self, faults: Faults | None) -> Counts:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(asdict(faults) if faults else None) + "\n")
        self._process.stdin.flush()
        return Counts(**self._answer())

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        answer: dict[str, Any] = json.loads(self._process.stdout.readline() or '{"error": "the proxy has ended"}')
        if "error" in answer:
            raise UnavailableError(answer["error"], "choose another port")
        return answer


async def _obey(relay: Relay, faults: Faults | None) -> Counts:
    if faults:
        await relay.set(faults)
    return relay.counts()


async def serve(target: tuple[str, int], port: int) -> None:
    """Relay until the input ends; each line of it is faults or null, and each is answered by the counts."""
    relay = Relay(target)
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    try:
        _say({"port": await relay.open(port)})
        while line := await reader.readline():
            told = json.loads(line)
            faults = Faults(**(told | {"mode": Mode(told["mode"])})) if told else None
            _say((await _obey(relay, faults))._asdict())
    except UnavailableError as error:
        _say({"error": error.message})
    relay.close()


def _say(answer: dict[str, Any]) -> None:
    print(json.dumps(answer), flush=True)


def become(who: Account) -> None:
    """Be that user from now on, where we are root."""
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(who.gid)
        os.setuid(who.uid)


if __name__ == "__main__":
    become(account())
    asyncio.run(serve((sys.argv[1], int(sys.argv[2])), int(sys.argv[3])))
