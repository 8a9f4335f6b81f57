"""`geoid seed`: publishes a release of area data and puts it in force."""

from __future__ import annotations

import re
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, NamedTuple, NoReturn, TypeVar

import typer

from geoid.cli import releases
from geoid.cli.options import Form, FormOption, JsonOption, say
from geoid.errors import (
    AreaDataError,
    NoReleaseError,
    ReleaseGone,
    ThrottledError,
    UnavailableError,
    UnknownRelease,
    UsageError,
)

if TYPE_CHECKING:
    from geoid.core.ports import Pack, ReleaseStore
    from geoid.core.releases import Pointer

EXAMPLES = (
    "Examples: geoid seed · geoid seed birds-2026.areas --dry-run · geoid seed --list · geoid seed --rollback · "
    "geoid seed --prune --keep 3 · geoid seed --to postgresql://geoid@localhost/geoid --wait 60s"
)
PAUSE = 0.5
"""Seconds between two tries while `--wait` lasts."""

KEEP = 2
UNITS = {"": 1, "s": 1, "m": 60, "h": 3600}
Answer = TypeVar("Answer")


def seed(
    source: Annotated[
        str | None, typer.Argument(metavar="[SOURCE]", help="Area pack to publish.  [default: the starter release]")
    ] = None,
    to: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Where to: a folder or postgresql://…  [default: as the settings say]"),
    ] = None,
    listing: Annotated[bool, typer.Option("--list", help="List the releases that are there.")] = False,
    rollback: Annotated[bool, typer.Option("--rollback", help="Put the release before this one in force.")] = False,
    prune: Annotated[bool, typer.Option("--prune", help="Drop releases that are not needed any more.")] = False,
    keep: Annotated[
        int | None, typer.Option(metavar="N", min=0, help=f"With --prune: keep the newest N.  [default: {KEEP}]")
    ] = None,
    wait: Annotated[
        str | None, typer.Option(metavar="TIME", help="Try so long until the store answers and is free: 60s, 5m.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would happen; change nothing.")] = False,
    form: FormOption = Form.TABLE,
    json: JsonOption = False,
) -> None:
    """Publish area data and put it in force; without SOURCE, the release that ships with geoid."""
    flags = {"--list": listing, "--rollback": rollback, "--prune": prune, "--dry-run": dry_run}
    action = chosen([flag for flag, given in flags.items() if given], source, keep)
    patience = Patience(0 if wait is None else seconds(wait))
    as_json = json or form is Form.JSON
    with stopped_by_sigterm():
        job = _open(to, patience)
        if action == "--list":
            releases.show_list(_listing(job), as_json)
        elif action == "--rollback":
            releases.show_report(_rollback(job), as_json)
        elif action == "--prune":
            releases.show_report(_prune(job, KEEP if keep is None else keep), as_json)
        else:
            publish = _plan if action == "--dry-run" else _publish
            releases.show_report(publish(job, source), as_json)


def chosen(flags: list[str], source: str | None, keep: int | None) -> str:
    """The one action that the flags name, or `""` to publish; raises `UsageError` for what does not go together."""
    if len(flags) > 1:
        raise UsageError(f"{' and '.join(flags)} contradict each other", "give one of them")
    action = flags[0] if flags else ""
    if source is not None and action not in {"", "--dry-run"}:
        raise UsageError(f"{action} takes no SOURCE", "publish first, then act on what is there")
    if keep is not None and action != "--prune":
        raise UsageError("--keep goes with --prune", "add --prune")
    return action


def seconds(text: str) -> float:
    """A time such as `60s`, `5m` or `90`; raises `UsageError` for anything else."""
    found = re.fullmatch(r"(\d{1,6}(?:\.\d{1,3})?)([smh]?)", text.strip(), re.ASCII)
    if found is None:
        raise UsageError(f"--wait {text!r} is not a time", "give seconds, minutes or hours: --wait 60s")
    return float(found[1]) * UNITS[found[2]]


class Patience:
    """Asks again while a store does not answer or somebody else publishes there, for so many seconds in all."""

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds
        self._said = False

    def ask(self, question: Callable[[], Answer]) -> Answer:
        """The answer, or the last error once patience is at its end."""
        while True:
            try:
                return question()
            except (UnavailableError, ThrottledError) as error:
                left = self._until - time.monotonic()
                if left <= 0 or isinstance(error, ReleaseGone):
                    raise
                self._say(error.message)
            time.sleep(min(PAUSE, left))

    def _say(self, message: str) -> None:
        if not self._said:
            say(f"waiting: {message}")
        self._said = True


class Job(NamedTuple):
    """What every action needs: the store, how it is shown, and how long to wait for it."""

    store: ReleaseStore
    target: str
    patience: Patience


def _open(to: str | None, patience: Patience) -> Job:
    from geoid import wiring
    from geoid.core.text import redacted

    settings = wiring.open_settings().settings
    store = patience.ask(lambda: wiring.open_release_store(settings, to))
    return Job(store, redacted(wiring.release_url(settings, to)), patience)


def _publish(job: Job, source: str | None) -> releases.Report:
    from geoid import wiring

    started = time.monotonic()
    pack = wiring.open_pack(source)
    if source is not None:
        pack.rows("taxa")  # a damaged pack is refused even where its release is there already
    rows = _rows(pack)
    with progress(sum(rows.values())) as move:
        published = job.patience.ask(lambda: job.store.publish(pack, move))
    pointer = job.patience.ask(lambda: job.store.switch(pack.release.name))
    spent = round(time.monotonic() - started, 3)
    remarks = list(job.store.remarks)
    return _report("seed", job, pointer, pack)._replace(published=published, seconds=spent, remarks=remarks)


def _plan(job: Job, source: str | None) -> releases.Report:
    """What `_publish` would do; a damaged pack and a name in use are refused as it would refuse them."""
    from geoid import wiring

    pack = wiring.open_pack(source)
    pack.rows("taxa")
    listed = {one.release.name: one for one in job.patience.ask(job.store.list)}
    there = listed.get(pack.release.name)
    if there is not None and there.release.digest != pack.release.digest:
        what = f"{job.target} holds other contents under the name {pack.release.name}"
        raise AreaDataError(what, "releases never change: publish it under another name")
    pointer = _pointer(job) if listed else None
    published = there is None or not there.published
    return _report("dry-run", job, pointer, pack)._replace(published=published)


def _rollback(job: Job) -> releases.Report:
    former = job.patience.ask(job.store.pointer)
    if former.previous is None:
        what = f"there is no release before {former.current.name} to go back to"
        raise UnknownRelease(what, "geoid seed --list shows what is there")
    before = former.previous.name
    return _report("rollback", job, job.patience.ask(lambda: job.store.switch(before)))


def _prune(job: Job, keep: int) -> releases.Report:
    dropped = job.patience.ask(lambda: job.store.prune(keep))
    return _report("prune", job, _pointer(job))._replace(dropped=list(dropped))


def _listing(job: Job) -> releases.Listing:
    listed = job.patience.ask(job.store.list)
    return releases.Listing(job.target, listed, _pointer(job) if listed else None)


def _pointer(job: Job) -> Pointer | None:
    """What is in force in a store that has just answered."""
    try:
        return job.store.pointer()
    except NoReleaseError:
        return None


def _report(action: releases.Action, job: Job, pointer: Pointer | None, pack: Pack | None = None) -> releases.Report:
    report = releases.Report(action, job.target)
    if pointer is not None:
        before = pointer.previous.name if pointer.previous else None
        report = report._replace(in_force=pointer.current.name, previous=before)
    if pack is None:
        return report
    release = pack.release
    size = pack.path.stat().st_size
    return report._replace(release=release.name, digest=release.digest, rows=_rows(pack), bytes=size)


def _rows(pack: Pack) -> dict[str, int]:
    from geoid.core.releases import TABLES

    return {table: pack.count(table) for table in TABLES}


@contextmanager
def stopped_by_sigterm() -> Iterator[None]:
    """Let SIGTERM end the command as Ctrl-C does, so that whoever writes can undo what is half done."""

    def stop(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def progress(total: int) -> Iterator[Callable[[int], None]]:
    """A progress bar on stderr, on a terminal only; yields the function that moves it by so many rows."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    rate = TextColumn("{task.fields[rate]:,.0f}/s  left")
    columns = (TextColumn("rows"), BarColumn(), MofNCompleteColumn(), rate, TimeRemainingColumn())
    started = time.monotonic()
    with Progress(*columns, console=Console(stderr=True), transient=True, redirect_stdout=False) as bar:
        task = bar.add_task("rows", total=total, rate=0.0)

        def move(rows: int) -> None:
            done = bar.tasks[0].completed + rows
            bar.update(task, advance=rows, rate=done / max(time.monotonic() - started, 1e-9))

        yield move
