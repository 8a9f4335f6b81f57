"""Processes that hold a warm pipeline and answer photos under a deadline; one that overruns is ended and replaced."""

from __future__ import annotations

import multiprocessing
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path

from mutations import Mutant

HANG = "hang"
CRASH = "crash"
GOOD = "prediction"
SPAWN = multiprocessing.get_context("spawn")
MEGABYTE = 1 << 20
READY_S = 60


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one photo: `prediction`, the kind of an error, `hang` or `crash`."""

    mutant: Mutant
    kind: str
    code: int
    message: str = ""
    spent_s: float = 0.0
    peak_mb: float = 0.0
    noise: str = ""

    @property
    def allowed(self) -> bool:
        """Whether a stranger's photo may end like this: an answer, or an error about the photo."""
        return self.kind == GOOD or self.code == 65


@dataclass(slots=True)
class Worker:
    """One process, its pipe, the file that collects its stderr, and what it is working on."""

    memory_mb: int
    stderr: Path = field(default_factory=lambda: Path(tempfile.mkstemp(suffix=".stderr")[1]))
    busy: Mutant | None = None
    since: float = 0.0
    pipe: Connection = field(init=False)
    process: SpawnProcess = field(init=False)

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        """Start the process and wait until its pipeline is warm."""
        self.pipe, theirs = SPAWN.Pipe()
        self.process = SPAWN.Process(target=serve, args=(theirs, str(self.stderr), self.memory_mb), daemon=True)
        self.process.start()
        theirs.close()
        if not self.pipe.poll(READY_S) or self.pipe.recv() != "ready":
            raise RuntimeError("the worker's pipeline does not open")

    def give(self, mutant: Mutant) -> None:
        """Hand a photo over; the clock starts."""
        self.busy, self.since = mutant, time.monotonic()
        self.pipe.send((mutant.name, mutant.data))

    def overrun(self, deadline_s: float) -> bool:
        """Whether the photo is over its time."""
        return self.busy is not None and time.monotonic() - self.since > deadline_s

    def take(self) -> Verdict:
        """The verdict that has come, or a crash if the process is gone; it is replaced then."""
        mutant, spent = self._free(), time.monotonic() - self.since
        try:
            kind, code, message, peak = self.pipe.recv()
        except (EOFError, OSError):
            self.process.join(5)
            verdict = Verdict(mutant, CRASH, 1, f"exit code {self.process.exitcode}", spent, noise=self._noise())
            self.replace()
            return verdict
        return Verdict(mutant, kind, code, message, spent, peak, self._noise())

    def give_up(self) -> Verdict:
        """End the process, whose time is over, and start another."""
        verdict = Verdict(self._free(), HANG, 1, "", time.monotonic() - self.since, noise=self._noise())
        self.replace()
        return verdict

    def replace(self) -> None:
        """A new process for one that is gone or must go."""
        self.close()
        self.start()

    def close(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.join()
        self.pipe.close()

    def _free(self) -> Mutant:
        assert self.busy is not None
        mutant, self.busy = self.busy, None
        return mutant

    def _noise(self) -> str:
        """What was written to stderr since the last time, by Python or by a library in C."""
        text = self.stderr.read_text(encoding="utf-8", errors="replace")
        self.stderr.write_text("", encoding="utf-8")
        return text


def judge(mutants: Iterable[Mutant], *, workers: int, deadline_s: float, memory_mb: int = 0) -> Iterator[Verdict]:
    """The verdict of every photo, as they come; `memory_mb` bounds a worker's address space where that can be done."""
    staff = [Worker(memory_mb) for _ in range(workers)]
    remaining = iter(mutants)
    try:
        for worker in staff:
            _next(worker, remaining)
        while busy := {worker.pipe: worker for worker in staff if worker.busy}:
            ready = wait(list(busy), timeout=0.05)
            for pipe, worker in busy.items():
                if pipe in ready:
                    yield worker.take()
                elif worker.overrun(deadline_s):
                    yield worker.give_up()
                if worker.busy is None:
                    _next(worker, remaining)
    finally:
        for worker in staff:
            worker.close()
            worker.stderr.unlink()


def _next(worker: Worker, remaining: Iterator[Mutant]) -> None:
    mutant = next(remaining, None)
    if mutant is not None:
        worker.give(mutant)


def serve(pipe: Connection, stderr: str, memory_mb: int) -> None:
    """What a worker does: answer photos until the pipe closes."""
    file = os.open(stderr, os.O_WRONLY | os.O_APPEND)
    os.dup2(file, 2)
    warnings.simplefilter("ignore")  # as the command does
    from geoid import open_pipeline
    from geoid.core.batch import predict_one
    from geoid.core.predictions import Failure
    from geoid.core.sources import PhotoSource

    pipeline = open_pipeline()
    _bound(memory_mb)
    pipe.send("ready")
    while True:
        try:
            name, data = pipe.recv()
        except EOFError:
            return
        forget_peak()
        outcome = predict_one(pipeline, PhotoSource(name, lambda data=data: data))
        sys.stderr.flush()
        if isinstance(outcome, Failure):
            pipe.send((outcome.error.kind, outcome.error.exit_code, _explained(outcome.error), peak_mb()))
        else:
            pipe.send((GOOD, 0, outcome.ranking.status.value, peak_mb()))


def _explained(error: Exception) -> str:
    """The message, with the line of geoid that an unexpected exception came from."""
    import traceback

    text = str(error)
    if "unexpected" in text and error.__cause__ is not None:
        text += "\n" + "".join(traceback.format_exception(error.__cause__))
    return text


def _bound(memory_mb: int) -> None:
    if memory_mb and sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (memory_mb * MEGABYTE, memory_mb * MEGABYTE))


def forget_peak() -> None:
    """Let the peak of this process's memory start anew; only Linux can, elsewhere it is the peak of all photos."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return


def peak_mb() -> float:
    """The most memory this process has held, in MB."""
    if sys.platform == "win32":
        return 0.0
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
        return int(status.partition("VmHWM:")[2].split()[0]) / 1024
    except OSError:
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MEGABYTE
