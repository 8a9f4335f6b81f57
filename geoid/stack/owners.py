"""Who runs and who started a server, by process number and start time, because numbers are used again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

BOOT = Path("/proc/sys/kernel/random/boot_id")
POLL = 0.01
HOLD_SECONDS = 1.0


class Process(NamedTuple):
    """A process of this machine; `started` is opaque and differs for another process of the same number."""

    pid: int
    started: str

    def alive(self) -> bool:
        """Whether this very process still runs; a zombie does not."""
        return started(self.pid) == self.started

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to this very process, or to none."""
        if self.alive():
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def wait(self, seconds: float) -> bool:
        """Whether it is gone within that time."""
        return _until(lambda: not self.alive(), seconds)

    def hold(self) -> None:
        """Stop it where it is; on return it does nothing more."""
        self.signal(signal.SIGSTOP)
        _until(lambda: _seen(self.pid)[0] in {"T", "t"} or not self.alive(), HOLD_SECONDS)


def _until(condition: Callable[[], bool], seconds: float) -> bool:
    """Whether it comes true within that time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(POLL)
    return True


class Owner(NamedTuple):
    """What a state folder says of the server in it."""

    server: Process
    starter: Process
    lingering: bool
    port: int
    setup: str

    def write(self, path: Path) -> None:
        """Record it; the file is there whole or not at all."""
        fresh = path.with_name(f".{path.name}.{os.getpid()}")
        fresh.unlink(missing_ok=True)
        with fresh.open("x", encoding="utf-8") as file:
            json.dump({**self._asdict(), "server": self.server._asdict(), "starter": self.starter._asdict()}, file)
        os.replace(fresh, path)


def read_owner(path: Path) -> Owner | None:
    """The record of a state folder; None if there is none that can be read."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return Owner(
            Process(**found["server"]), Process(**found["starter"]), found["lingering"], found["port"], found["setup"]
        )
    except (OSError, ValueError, TypeError, KeyError):
        return None


def process(pid: int) -> Process:
    """A process by its number now."""
    return Process(pid, started(pid) or "")


def started(pid: int) -> str | None:
    """When a process started; None if it does not run or is a zombie."""
    state, start = _seen(pid)
    return start if state not in {"", "Z", "X"} else None


def _seen(pid: int) -> tuple[str, str]:
    """The state of a process, one letter, and when it started."""
    if not BOOT.exists():
        state, _, start = _ps("-o", "stat=,lstart=", "-p", str(pid)).strip().partition(" ")
        return state[:1], start.strip()
    fields = _stat(pid)
    return (fields[0], f"{BOOT.read_text(encoding='ascii')[:8]}-{fields[19]}") if fields else ("", "")


def _stat(pid: int) -> list[str] | None:
    """The fields of /proc/PID/stat after the name: state, parent, …; the start is field 22 of the whole line."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return None


def _ps(*arguments: str) -> str:
    done = subprocess.run(["/bin/ps", *arguments], capture_output=True, text=True, check=False, env={"LC_ALL": "C"})  # noqa: S603
    return done.stdout


def children(pid: int) -> list[Process]:
    """The processes that a process has started and that still run."""
    if not BOOT.exists():
        pairs = [line.split() for line in _ps("-A", "-o", "pid=,ppid=").splitlines()]
        return [process(int(child)) for child, parent in pairs if int(parent) == pid]
    numbers = [int(name) for name in os.listdir("/proc") if name.isdecimal()]
    found = [number for number in numbers if (fields := _stat(number)) and int(fields[1]) == pid]
    return [one for one in map(process, found) if one.started]
