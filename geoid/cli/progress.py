"""The bars of `geoid seed` on a terminal: one for each stage of building and publishing a release."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from geoid.seeding.requests import Moment, Watch

EVERY = 0.1
"""Seconds between two changes of a bar: reading tells of itself thousands of times."""

MEGABYTE = 1e6
UNITS = {"asking": "points"}
"""What a stage counts, where that is not rows."""


@contextmanager
def stages() -> Iterator[Watch]:
    """Bars on stderr, on a terminal only; yields what is to be told how far a stage is."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    stage, said = TextColumn("{task.description:<10}"), TextColumn("{task.fields[said]}  left")
    columns = (stage, BarColumn(), said, TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, redirect_stdout=False) as shown:
        yield Bars(shown).move


def counted(watch: Watch, stage: str, total: int) -> Callable[[int], None]:
    """The function that is told of so many more rows of a stage, and tells `watch` how many those are in all."""
    from geoid.seeding.requests import Moment

    done = 0

    def move(rows: int) -> None:
        nonlocal done
        done += rows
        watch(Moment(stage, done, total, rows=0))

    return move


class Bars:
    """A bar for each stage, in the order in which they begin."""

    def __init__(self, shown: Progress) -> None:
        self._shown = shown
        self._tasks: dict[str, TaskID] = {}
        self._began = self._moved = 0.0

    def move(self, moment: Moment) -> None:
        """Move the bar of a stage, unless it has just been moved; its first and last moment always count."""
        now = time.monotonic()
        if moment.stage not in self._tasks:
            self._tasks[moment.stage] = self._shown.add_task(moment.stage, said="")
            self._began = now
        elif now - self._moved < EVERY and moment.done < moment.total:
            return
        self._moved = now
        said = _said(moment, max(now - self._began, EVERY))
        self._shown.update(self._tasks[moment.stage], total=moment.total, completed=moment.done, said=said)


def _said(moment: Moment, seconds: float) -> str:
    """How far, and how fast: in bytes and rows where sources are read, else in rows or what is counted there."""
    if moment.stage == "reading":
        done, total = moment.done / MEGABYTE, moment.total / MEGABYTE
        rates = f"{done / seconds:,.0f} MB/s  {moment.rows / seconds:,.0f} rows/s"
        return f"{done:,.1f}/{total:,.1f} MB  {rates}"
    unit = UNITS.get(moment.stage, "rows")
    return f"{moment.done:,}/{moment.total:,} {unit}  {moment.done / seconds:,.0f}/s"
