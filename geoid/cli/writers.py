"""How outcomes reach stdout in each format, and the progress bar on stderr."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from geoid.cli.options import Format

if TYPE_CHECKING:
    from geoid.core.predictions import Outcome

Write = Callable[["Outcome"], None]
PROGRESS_FROM = 3
"""Fewer photos than this are answered before a bar would help."""


@contextmanager
def open_writer(form: Format, *, single: bool, hide_location: bool) -> Iterator[Write]:
    """The function that writes one outcome; what opens and closes the format is written around it."""
    if form is Format.JSON and not single:
        with _array(hide_location) as write:
            yield write
    elif form is Format.JSON:
        yield _json_writer(hide_location, indent=2)
    elif form is Format.JSONL:
        yield _json_writer(hide_location, indent=None)
    elif form is Format.CSV:
        yield _csv_writer(hide_location)
    elif sys.stdout.isatty():
        yield _card_writer(hide_location)
    else:
        yield _write_lines


def _json_writer(hide_location: bool, indent: int | None) -> Write:
    import json

    from geoid.formats.documents import document

    return lambda outcome: print(json.dumps(document(outcome, hide_location=hide_location), indent=indent), flush=True)


@contextmanager
def _array(hide_location: bool) -> Iterator[Write]:
    """A JSON array, written as it grows: memory does not depend on the number of photos."""
    import json

    from geoid.formats.documents import document

    lead = "[\n"

    def write(outcome: Outcome) -> None:
        nonlocal lead
        text = json.dumps(document(outcome, hide_location=hide_location), indent=2)
        print(lead + text, end="", flush=True)
        lead = ",\n"

    try:
        yield write
    finally:  # an interrupted run leaves a whole document too
        print("\n]" if lead.startswith(",") else "[]")


def _csv_writer(hide_location: bool) -> Write:
    from geoid.formats.tall_csv import writer

    return writer(sys.stdout, hide_location=hide_location)


def _write_lines(outcome: Outcome) -> None:
    """One aligned line a candidate, for pipes: path, answer status, position, combined and vision score,
    what the place says of it, names.
    """
    from geoid.core.predictions import Failure
    from geoid.core.text import printable

    if isinstance(outcome, Failure):
        return
    photo = f"{printable(outcome.photo.path)}  {outcome.ranking.status:<11}"
    for position, candidate in enumerate(outcome.ranking.candidates, start=1):
        scores = f"{candidate.combined_score:6.4f}  {candidate.vision_score:6.4f}"
        several = f" (any of {len(candidate.covers)})" if candidate.covers else ""
        names = f"{candidate.taxon.scientific_name:<28}  {candidate.common_name or ''}{several}"
        print(f"{photo}  {position:>2}  {scores}  {candidate.local_status:<13}  {names}")


def _card_writer(hide_location: bool) -> Write:
    from geoid.cli.cards import card, console
    from geoid.core.predictions import Prediction

    terminal = console()

    def write(outcome: Outcome) -> None:
        if isinstance(outcome, Prediction):
            terminal.print(card(outcome, hide_location=hide_location))

    return write


@contextmanager
def progress(total: int) -> Iterator[Callable[[], None]]:
    """A progress bar on stderr, on a terminal only; yields the function that moves it by one photo."""
    if total < PROGRESS_FROM or not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from geoid.cli.cards import console

    # on one terminal the bar and the cards must share a console, or they write over each other
    shown = console() if sys.stdout.isatty() else Console(stderr=True)
    columns = (TextColumn("photos"), BarColumn(), MofNCompleteColumn(), TextColumn("left"), TimeRemainingColumn())
    with Progress(*columns, console=shown, transient=True, redirect_stdout=False) as bar:
        task = bar.add_task("photos", total=total)
        yield lambda: bar.advance(task)
