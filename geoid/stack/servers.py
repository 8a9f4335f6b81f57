"""What all servers share: one state folder, one process in it, one owner; started, stopped, killed and held."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import signal
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar, Self

from geoid.errors import UnavailableError
from geoid.stack.accounts import account, own_folder, reachable
from geoid.stack.children import Child, log_end, start_child
from geoid.stack.loopback import HOST, free_port, is_free
from geoid.stack.owners import Owner, Process, children, process, read_owner
from geoid.stack.programs import Program

START_SECONDS = 30.0
"""How long a server may take to answer, its recovery after a crash included."""
UNCLEAN_SECONDS = 5.0
"""How long what a crash left behind (dying children, lock files, shared memory, a port) may be in the way."""
PAUSE = 0.02


class NotReadyError(Exception):
    """The server runs and does not answer yet."""


class Server(ABC):
    """A server in its state folder; a context manager that starts it, and stops it unless it is lingering.

    A lingering server outlives its starter and is adopted by the next. Raises `UnavailableError` throughout.
    """

    name: ClassVar[str]
    stops: ClassVar[Sequence[tuple[signal.Signals, float]]]

    def __init__(self, state: Path, program: Program, *, port: int = 0, lingering: bool = False) -> None:
        self.state = state.absolute()
        self.account = account()
        self.lingering = lingering
        self.host = HOST
        self.port = port
        self._program = program
        self._child: Child | None = None

    @property
    def program(self) -> Program:
        """The program that runs."""
        return self._program

    @property
    def version(self) -> str:
        """The program's version, as it says itself."""
        return self._program.version

    @property
    def pid(self) -> int:
        """The number of the server's first process."""
        if self._child is None:
            raise UnavailableError(f"{self.name} in {self.state} was not started", "call start()")
        return self._child.pid

    @property
    def running(self) -> bool:
        """Whether the server's process runs, be it paused."""
        return self._child is not None and self._child.alive()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if not self.lingering:
            self.stop()

    def start(self) -> Self:
        """Start it, or adopt it where it lingers; on return it answers."""
        if self.running:
            return self
        own_folder(self.state, self.account)
        with self._locked():
            unclean = self._settle()
            if not self.running:
                self._program = self._within_reach()
                self._prepare()
                self._launch(UNCLEAN_SECONDS if unclean else 0)
        return self

    def stop(self) -> None:
        """Stop it in good order, and if it does not heed that, otherwise; nothing else is touched."""
        if self._child is not None:
            self._end(self._child)
            self._child = None
            self._record_path.unlink(missing_ok=True)

    def kill(self) -> None:
        """End all its processes at once, as a power cut would; its data stay, and `start` recovers them."""
        if self._child is not None:
            destroy(self._child)

    def pause(self) -> None:
        """Hold all its processes: connections stay open and nothing answers."""
        if self._child is not None:
            hold(self._child)

    def resume(self) -> None:
        """Let the held processes go on."""
        if self._child is not None and self.running:
            for one in (*children(self.pid), self._child.process):
                one.signal(signal.SIGCONT)

    def restart(self) -> None:
        """Stop it, if it runs, and start it on the same port."""
        if self.running:
            self.stop()
        self.start()

    @abstractmethod
    def _prepare(self) -> None:
        """Write what the server needs before it starts; its port is not known yet."""

    @abstractmethod
    def _settings(self) -> Sequence[str]:
        """What it is started with, its port left out."""

    @abstractmethod
    def _command(self) -> Sequence[str | Path]:
        """The command line."""

    @abstractmethod
    def _check(self, pid: int) -> None:
        """Return if the server of that process answers; raise `NotReadyError` if it does not yet."""

    @property
    def _record_path(self) -> Path:
        return self.state / "owner.json"

    @property
    def _setup(self) -> str:
        """A fingerprint of what the server was started with."""
        words = (self.program.kind, self.version, *self._settings())
        return hashlib.sha256("\0".join(words).encode()).hexdigest()[:16]

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One start at a time in a state folder."""
        with os.fdopen(os.open(self.state / "lock", os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o600), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _settle(self) -> bool:
        """Act on what the folder's record says: adopt, refuse or sweep; whether a crash left something behind."""
        owner = read_owner(self._record_path)
        if owner is None:
            return False
        if not owner.server.alive():
            return True
        if owner.lingering or owner.starter == process(os.getpid()):
            return not self._adopt(owner)
        if owner.starter.alive():
            what = f"{self.name} in {self.state} belongs to process {owner.starter.pid}, which still runs"
            raise UnavailableError(what, "stop that process, or choose another state folder")
        self._end(Child(owner.server))
        return True

    def _adopt(self, owner: Owner) -> bool:
        """Take over the server of a record; one that answers nothing is ended instead."""
        if owner.setup != self._setup or (self.port and self.port != owner.port):
            what = f"{self.name} in {self.state} runs with other settings, on port {owner.port}"
            raise UnavailableError(what, "stop it first, or choose another state folder")
        child, self.port = Child(owner.server), owner.port
        if self._answers(child, UNCLEAN_SECONDS):
            self._child, self.lingering = child, owner.lingering
            return True
        self._end(child)
        return False

    def _launch(self, patience: float) -> None:
        """Start the process, again and again for as long as what a crash left may be in the way."""
        end = time.monotonic() + patience
        given = bool(self.port)
        while True:
            self.port = self.port or free_port()
            failure = self._attempt()
            if failure is None:
                return
            if given and time.monotonic() > end:
                raise failure
            if not given and not is_free(self.port):  # another was faster
                self.port = 0
            elif time.monotonic() > end:
                raise failure
            time.sleep(PAUSE)

    def _attempt(self) -> UnavailableError | None:
        """Start the process; why not, if it ends before it answers."""
        if not is_free(self.port):
            what = f"port {self.port} of this machine is in use"
            return UnavailableError(what, "stop what listens there, or choose another port")
        child = start_child(self._command(), self.state, self.account, lingering=self.lingering)
        try:
            Owner(child.process, process(os.getpid()), self.lingering, self.port, self._setup).write(self._record_path)
            answers = self._answers(child, START_SECONDS)
        except BaseException:
            self._end(child)
            raise
        if answers:
            self._child = child
            return None
        slow = child.alive()
        self._end(child)
        what = "does not answer" if slow else "ended as it started"
        return UnavailableError(f"{self.name} in {self.state} {what}: {log_end(self.state)}", "its log says more")

    def _answers(self, child: Child, seconds: float) -> bool:
        """Whether it answers within that time, and before it ends."""
        end = time.monotonic() + seconds
        while child.alive() and time.monotonic() < end:
            try:
                self._check(child.pid)
            except NotReadyError:
                time.sleep(PAUSE)
            else:
                return True
        return False

    def _end(self, child: Child) -> None:
        """Ask it to end, more and more firmly."""
        if child.alive():
            for one in (*children(child.pid), child.process):
                one.signal(signal.SIGCONT)  # a held process heeds nothing else
        for number, seconds in self.stops:
            child.process.signal(number)
            if child.gone(seconds):
                return
        destroy(child)

    def _within_reach(self) -> Program:
        """The program, copied into the state folder if the servers' user cannot get at it."""
        found = self._program
        if reachable(found.path, self.account):
            return found
        if found.tree is None:
            what = f"user {self.account.name}, whom the servers run as, cannot run {found.path}"
            raise UnavailableError(what, "install it where others may read it")
        return found._replace(path=copied(found.tree, self.state / "programs") / found.path.relative_to(found.tree))


def hold(child: Child) -> Sequence[Process]:
    """Stop all processes of a server where they are; the first process first, so that it starts no more."""
    if not child.alive():
        return ()
    child.process.hold()
    family = (child.process, *children(child.pid))
    for one in family[1:]:
        one.hold()
    return family


def destroy(child: Child) -> None:
    """End all processes of a server at once."""
    family = hold(child)
    for one in family:
        one.signal(signal.SIGKILL)
    child.gone(UNCLEAN_SECONDS)
    for one in family:
        one.wait(UNCLEAN_SECONDS)


def copied(tree: Path, target: Path) -> Path:
    """A wheel's tree copied to another folder, and with it the libraries beside it that its programs look for."""
    target.mkdir(exist_ok=True)
    for part in (tree, tree.with_name(f"{tree.name}.libs")):
        whole = target / part.name
        if part.is_dir() and not whole.is_dir():
            fresh = target / f".{part.name}"
            shutil.rmtree(fresh, ignore_errors=True)
            shutil.copytree(part, fresh, ignore=shutil.ignore_patterns("include", "__pycache__"))
            fresh.rename(whole)
    return target / tree.name
