"""The bars of `geoid seed`, and its patience."""

from __future__ import annotations

import io
import re
import time

import pytest
from rich.console import Console
from rich.progress import Progress

from geoid.cli import progress
from geoid.cli.patience import Patience, seconds
from geoid.errors import ReleaseGone, ThrottledError, UnavailableError, UsageError
from geoid.seeding.requests import Moment


@pytest.fixture(name="clock")
def _clock(monkeypatch):
    """A clock that goes on by itself only when somebody sleeps."""
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(time, "sleep", lambda spent: now.__setitem__(0, now[0] + spent))
    return now


@pytest.fixture(name="shown")
def _shown(clock):
    return Progress(console=Console(file=io.StringIO()), get_time=lambda: clock[0])


def test_there_is_a_bar_for_each_stage_with_its_own_units(shown, clock) -> None:
    bars = progress.Bars(shown)
    for stage, done, total, rows in [
        ("asking", 0, 100, 0), ("asking", 100, 100, 0),
        ("reading", 0, 5_000_000, 0), ("reading", 2_500_000, 5_000_000, 30_000),
        ("counting", 0, 4000, 60_000), ("counting", 4000, 4000, 60_000),
    ]:  # fmt: skip
        bars.move(Moment(stage, done, total, rows))
        clock[0] += 0.5
    assert [(task.description, task.completed, task.total, task.fields["said"]) for task in shown.tasks] == [
        ("asking", 100, 100, "100/100 points  200/s"),
        ("reading", 2_500_000, 5_000_000, "2.5/5.0 MB  5 MB/s  60,000 rows/s"),
        ("counting", 4000, 4000, "4,000/4,000 rows  8,000/s"),
    ]


def test_a_bar_moves_ten_times_a_second_at_most_and_to_its_end(shown, clock, monkeypatch) -> None:
    updates = []
    monkeypatch.setattr(shown, "update", lambda task, **what: updates.append(what["completed"]))
    bars = progress.Bars(shown)
    for done in range(1001):
        bars.move(Moment("counting", done, 1000, 0))
        clock[0] += 0.001
    assert (updates[0], updates[-1]) == (0, 1000)
    assert 9 <= len(updates) <= 12


def test_rows_of_a_stage_are_added_up() -> None:
    moments = []
    move = progress.counted(moments.append, "publishing", 30)
    move(10)
    move(20)
    assert moments == [Moment("publishing", 10, 30, 0), Moment("publishing", 30, 30, 0)]


def test_without_a_terminal_nothing_is_drawn(capsys) -> None:
    with progress.stages() as watch:
        watch(Moment("reading", 1, 2, 3))
    assert capsys.readouterr() == ("", "")


def test_a_terminal_sees_the_stage_and_its_rate(monkeypatch) -> None:
    terminal = io.StringIO()
    terminal.isatty = lambda: True
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    with progress.stages() as watch:
        watch(Moment("reading", 500_000, 2_000_000, 4000))
    assert re.search("reading .*0.5/2.0 MB  .* rows/s .*left", terminal.getvalue())


def failing(error, times: int):
    left = iter(range(times))

    def question() -> str:
        if next(left, None) is not None:
            raise error
        return "answer"

    return question


def test_patience_is_for_waiting_only_however_long_the_work_between_takes(clock, capsys) -> None:
    patience = Patience(3)
    assert patience.ask(failing(ThrottledError("busy"), 3)) == "answer"
    clock[0] += 600
    assert patience.ask(failing(UnavailableError("away"), 2)) == "answer"
    with pytest.raises(ThrottledError, match="busy"):
        patience.ask(failing(ThrottledError("busy"), 100))
    assert clock[0] == pytest.approx(703)
    assert capsys.readouterr().err == "waiting: busy\n"


def test_what_is_gone_is_not_waited_for(clock) -> None:
    with pytest.raises(ReleaseGone):
        Patience(60).ask(failing(ReleaseGone("gone"), 1))
    assert clock[0] == 100


def test_times_have_units_and_nothing_else_is_one() -> None:
    assert [seconds(text) for text in ("90", "60s", " 5m", "1.5h")] == [90, 60, 300, 5400]
    for text in ("", "s", "-1", "1e3", "1d"):
        with pytest.raises(UsageError, match="is not a time"):
            seconds(text)
