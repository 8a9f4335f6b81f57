"""What `geoid seed` does with sources: builds a release, or opens one; publishes it, or writes it to a file."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from geoid.cli import progress, releases, seed_measures, seed_options, seed_report
from geoid.cli.limits import Limit
from geoid.cli.options import say
from geoid.cli.patience import Patience
from geoid.errors import AreaDataError, NoReleaseError, StorageError, UsageError

if TYPE_CHECKING:
    from geoid.core.ports import Pack, ReleaseStore
    from geoid.core.releases import Pointer
    from geoid.seeding.reports import SeedReport
    from geoid.seeding.requests import Request

SUFFIX = ".areas"
MAGIC = b"SQLite format 3\0"
"""How an area pack begins, whatever its file is called."""


class Show(NamedTuple):
    """How to answer: as a document or not, and how many unmatched taxa the table lists."""

    as_json: bool
    unmatched: int


class Order(NamedTuple):
    """What is to be published: what to build it from, or a release `as_it_is`; unless a limit is broken."""

    request: Request
    as_it_is: bool
    limits: Sequence[Limit]
    dry_run: bool


class Ready(NamedTuple):
    """A release that can be published or written, and the report on it where it was built."""

    pack: Pack
    write: Callable[[Path], None]
    report: SeedReport | None = None


class Job(NamedTuple):
    """What every action on a store needs: the store, how it is shown, and how long to wait for it."""

    store: ReleaseStore
    target: str
    patience: Patience


def request(
    sources: Sequence[str] | None,
    name: str | None,
    since: int | None,
    taxa: str | None,
    area: str | None,
    accept: Sequence[str] | None,
) -> Request:
    """What is asked of seeding; without sources, the starter release."""
    from geoid.seeding.requests import SINCE, Request

    chosen = tuple(sources or (seed_options.STARTER,))
    return Request(chosen, name, SINCE if since is None else since, taxa, area, frozenset(map(str, accept or ())))


def is_release(request: Request, narrowed: Mapping[str, object]) -> bool:
    """Whether the source is an area pack alone, to be published as it is: nothing of it is renamed or left out."""
    if len(request.sources) != 1 or any(value is not None for value in narrowed.values()):
        return False
    source = request.sources[0]
    return source == seed_options.STARTER or source.endswith(SUFFIX) or _begins_as_pack(source)


def _begins_as_pack(path: str) -> bool:
    try:
        with open(path, "rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError:
        return False


def run(order: Order, to: str | None, patience: Patience, show: Show) -> None:
    """Build the release or open it, and publish it, write it, or say what would happen."""
    if order.as_it_is and order.limits:
        what = f"--fail-if is about what is built, and {order.request.sources[0]} is published as it is"
        raise UsageError(what, "give it a --name to build it anew")
    target = file_of(to) or open_job(to, patience)
    if isinstance(target, Job) and not order.as_it_is:
        patience.ask(target.store.list)  # building takes minutes: first see whether the store is there
    with _ready(order, show) as ready:
        if isinstance(target, Path):
            report = _write(target, ready, dry_run=order.dry_run)
        else:
            report = (_plan if order.dry_run else _publish)(target, ready)
        releases.show_report(report, show.as_json, ready.report)


def file_of(to: str | None) -> Path | None:
    """The area pack that `--to` names, unless it names a store; raises `StorageError` where its folder is missing."""
    if to is None or "://" in to or not to.endswith(SUFFIX):
        return None
    path = Path(to.strip().removeprefix("sqlite:")).expanduser()
    if path.is_dir():
        return None
    if not path.parent.is_dir():
        raise StorageError(f"{path}: there is no folder {path.parent}", "make it first, or write elsewhere")
    return path


@contextmanager
def _ready(order: Order, show: Show) -> Iterator[Ready]:
    """The release; raises `LimitBrokenError` after the report was shown."""
    from geoid import wiring

    if order.as_it_is:
        yield _as_it_is(order.request.sources[0])
        return
    with ExitStack() as held:
        with progress.stages() as watch:
            settings = wiring.open_settings().settings
            built = held.enter_context(wiring.building(settings, order.request, watch))
        broken = seed_measures.broken(order.limits, built.report)
        if broken or not show.as_json:
            say(seed_report.text(built.report, built.pack.release, show.unmatched))
        seed_measures.refuse(broken)
        yield Ready(built.pack, built.write, built.report)


def _as_it_is(source: str) -> Ready:
    from geoid import wiring

    ours = source == seed_options.STARTER
    pack = wiring.open_pack(None if ours else source)
    if not ours:
        pack.rows("taxa")  # a damaged pack is refused even where its release is there already
    return Ready(pack, lambda path: wiring.write_pack(pack, path))


def open_job(to: str | None, patience: Patience) -> Job:
    """The store that `--to` or the settings name."""
    from geoid import wiring
    from geoid.core.text import redacted

    settings = wiring.open_settings().settings
    store = patience.ask(lambda: wiring.open_release_store(settings, to))
    return Job(store, redacted(wiring.release_url(settings, to)), patience)


def _publish(job: Job, ready: Ready) -> releases.Report:
    started, pack = time.monotonic(), ready.pack
    rows = sum(_rows(pack).values())
    with progress.stages() as watch:
        published = job.patience.ask(
            lambda: job.store.publish(pack, progress.counted(watch, "publishing", rows))
        )  # counted anew with each try
    pointer = job.patience.ask(lambda: job.store.switch(pack.release.name))
    spent = round(time.monotonic() - started, 3)
    remarks = list(job.store.remarks)
    return report_of("seed", job, pointer, pack)._replace(published=published, seconds=spent, remarks=remarks)


def _plan(job: Job, ready: Ready) -> releases.Report:
    """What `_publish` would do; a name in use is refused as it would refuse it."""
    pack = ready.pack
    listed = {one.release.name: one for one in job.patience.ask(job.store.list)}
    there = listed.get(pack.release.name)
    if there is not None and there.release.digest != pack.release.digest:
        what = f"{job.target} holds other contents under the name {pack.release.name}"
        raise AreaDataError(what, "releases never change: publish it under another name")
    pointer = pointer_of(job) if listed else None
    published = there is None or not there.published
    return report_of("dry-run", job, pointer, pack)._replace(published=published)


def _write(file: Path, ready: Ready, *, dry_run: bool) -> releases.Report:
    """Write the release to a file, unless it is a dry run; nothing is published."""
    report = _of_pack(releases.Report("dry-run" if dry_run else "seed", str(file), file=str(file)), ready.pack)
    if dry_run:
        return report
    started = time.monotonic()
    ready.write(file)
    return report._replace(bytes=file.stat().st_size, seconds=round(time.monotonic() - started, 3))


def pointer_of(job: Job) -> Pointer | None:
    """What is in force in a store that has just answered."""
    try:
        return job.store.pointer()
    except NoReleaseError:
        return None


def report_of(action: releases.Action, job: Job, pointer: Pointer | None, pack: Pack | None = None) -> releases.Report:
    """What an action did to a store."""
    report = releases.Report(action, job.target)
    if pointer is not None:
        before = pointer.previous.name if pointer.previous else None
        report = report._replace(in_force=pointer.current.name, previous=before)
    return report if pack is None else _of_pack(report, pack)


def _of_pack(report: releases.Report, pack: Pack) -> releases.Report:
    release = pack.release
    return report._replace(release=release.name, digest=release.digest, rows=_rows(pack), bytes=pack.size)


def _rows(pack: Pack) -> dict[str, int]:
    from geoid.core.releases import TABLES

    return {table: pack.count(table) for table in TABLES}
