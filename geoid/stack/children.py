"""Starting a server's process, so that it runs as its user and dies with its starter or outlives it."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from geoid.errors import UnavailableError
from geoid.stack.accounts import Account, drop
from geoid.stack.owners import Process, process

DETACHED = '"$@" </dev/null >&2 & echo $!'
"""Shell: start the server and leave it to init, so that it outlives us and is nobody's unreaped child."""


class Child:
    """A server's process that we started, or took over from whoever did."""

    def __init__(self, who: Process, popen: subprocess.Popen[bytes] | None = None) -> None:
        self.process = who
        self._popen = popen

    @property
    def pid(self) -> int:
        """Its number."""
        return self.process.pid

    def alive(self) -> bool:
        """Whether it still runs."""
        if self._popen is not None and self._popen.poll() is not None:
            return False
        return self.process.alive()

    def gone(self, seconds: float) -> bool:
        """Whether it ends within that time."""
        ended = self.process.wait(seconds)
        if ended and self._popen is not None:
            self._popen.wait()
        return ended


def start_child(command: Sequence[str | Path], state: Path, who: Account, *, lingering: bool) -> Child:
    """Start a server whose output goes to the log in its state folder.

    Raises `UnavailableError` where the system does not let it start.
    """
    with _log(state / "log", who) as log:
        try:
            return _detached(command, state, who, log) if lingering else _attached(command, state, who, log)
        except OSError as error:
            raise UnavailableError(f"{command[0]} does not start: {error}", "is it meant for this machine?") from error


def _attached(command: Sequence[str | Path], state: Path, who: Account, log: IO[bytes]) -> Child:
    popen = subprocess.Popen([*_mortal(), *command], **_manner(state, who), stdout=log, stderr=log)  # noqa: S603
    return Child(process(popen.pid), popen)


def _detached(command: Sequence[str | Path], state: Path, who: Account, log: IO[bytes]) -> Child:
    shell = ["/bin/sh", "-c", DETACHED, "sh", *command]
    with subprocess.Popen(shell, **_manner(state, who), stdout=subprocess.PIPE, stderr=log) as popen:  # noqa: S603
        assert popen.stdout is not None
        return Child(process(int(popen.stdout.readline())))


def _manner(state: Path, who: Account) -> dict[str, Any]:
    """How children start: in a session of their own, so that Ctrl-C is ours to answer, and with nothing inherited."""
    environment = {"PATH": os.defpath, "LC_ALL": "C", "HOME": str(state)}
    return {"cwd": state, "env": environment, "stdin": subprocess.DEVNULL, "start_new_session": True, **drop(who)}


def _mortal() -> list[str]:
    """The words before a command that let Linux end it when we die; elsewhere the next start sweeps up.

    Linux means the thread, not the process, so only the main thread may ask for it.
    """
    setpriv = shutil.which("setpriv")
    safe = setpriv and threading.current_thread() is threading.main_thread()
    return [setpriv, "--pdeathsig", "INT", "--"] if setpriv and safe else []


@contextmanager
def _log(path: Path, who: Account) -> Iterator[IO[bytes]]:
    """The log, open for appending; a link that lies there is not followed."""
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "ab") as log:
        if os.geteuid() == 0:
            os.fchown(log.fileno(), who.uid, who.gid)
        yield log


def log_end(state: Path, lines: int = 3) -> str:
    """The last lines of a server's log, on one line."""
    try:
        with (state / "log").open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - 4096))
            words = log.read().decode(errors="replace").strip().splitlines()
    except OSError:
        return "its log cannot be read"
    return "; ".join(line.strip() for line in words[-lines:]) or "its log is empty"
