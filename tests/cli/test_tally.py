"""What is said of a run of predictions, and its exit code."""

from __future__ import annotations

import json

import pytest
import typer

from geoid import telemetry
from geoid.cli.tally import Tally, facts, looked
from geoid.core.places import cell_of, hidden_cell
from geoid.core.predictions import (
    AnswerStatus,
    Failure,
    LookupFacts,
    LookupOutcome,
    ModelReference,
    Narrowing,
    NarrowingStatus,
    PhotoSummary,
    Prediction,
    Ranking,
    Trouble,
)
from geoid.core.values import Capture, Coordinates
from geoid.errors import BrokenPhoto

CELL = cell_of(Coordinates(51.5, -0.125))
CACHE = Trouble("cache", "unavailable", "the cache does not answer")
DATABASE = Trouble("database", "unavailable", "the database does not answer")
FACTS = LookupFacts({LookupOutcome.HIT: 3, LookupOutcome.MISS: 1}, (CACHE,), {"cache": 1.2345, "database": 6.0})


def predicted(status: NarrowingStatus = NarrowingStatus.APPLIED, *troubles: Trouble, cell: str | None = CELL):
    """A prediction, as far as a tally looks at it."""
    narrowing = Narrowing(status, lookup=LookupOutcome.HIT, release="first")
    timings = {"lookup": 1.234, "total": 5.678}
    lookup = FACTS._replace(troubles=troubles)
    ranking = Ranking(AnswerStatus.SPECIES, None, (), 1.0)
    photo, model = PhotoSummary("a.jpg", "0" * 64, 3, 2), ModelReference("table", "0" * 64)
    return Prediction(photo, Capture(), cell, ranking, narrowing, model, timings, lookup)


def counted(*outcomes: Prediction | Failure) -> Tally:
    tally = Tally(hide_location=False)
    for outcome in outcomes:
        tally.count(outcome)
    return tally


def left(tally: Tally, *, require_location: bool = False) -> int:
    """The exit code."""
    try:
        tally.close(require_location=require_location)
    except typer.Exit as leaving:
        return leaving.exit_code
    return 0


def test_a_run_without_trouble_says_nothing_and_is_fine(capsys) -> None:
    assert left(counted(predicted(), predicted(NarrowingStatus.NO_DATA_HERE))) == 0
    assert capsys.readouterr() == ("", "")


def test_a_kind_of_trouble_is_said_once_when_it_is_first_met(capsys) -> None:
    tally = Tally(hide_location=False)
    tally.count(predicted(NarrowingStatus.APPLIED, CACHE, CACHE))
    assert capsys.readouterr() == ("", "warning: cache the cache does not answer\n")
    tally.count(predicted(NarrowingStatus.APPLIED, CACHE, DATABASE))
    assert capsys.readouterr() == ("", "warning: database the database does not answer\n")
    tally.count(predicted(NarrowingStatus.APPLIED, DATABASE, CACHE))
    assert capsys.readouterr() == ("", "")
    assert tally.troubles == {CACHE: 4, DATABASE: 2}


def test_answers_that_were_less_than_asked_for_are_counted_and_said_at_the_end(capsys) -> None:
    unavailable, stale = NarrowingStatus.DATABASE_UNAVAILABLE, NarrowingStatus.STALE
    tally = counted(*map(predicted, [unavailable, stale, unavailable, NarrowingStatus.APPLIED]))
    assert capsys.readouterr().err == ""
    assert left(tally) == 0
    assert capsys.readouterr().err.splitlines() == [
        "warning: 2 of 4 answers by vision alone, because the database did not answer",
        "warning: 1 of 4 answers by the release before the one in force, because the database did not answer",
    ]


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (NarrowingStatus.APPLIED, 0),
        (NarrowingStatus.STALE, 0),
        (NarrowingStatus.NO_LOCATION, 66),
        (NarrowingStatus.NO_DATA_HERE, 69),
        (NarrowingStatus.DATABASE_UNAVAILABLE, 69),
        (NarrowingStatus.OFF, 69),
    ],
)
def test_with_a_location_required_the_status_decides(status: NarrowingStatus, code: int, capsys) -> None:
    assert left(counted(predicted(), predicted(status)), require_location=True) == code
    assert left(counted(predicted(), predicted(status))) == 0
    assert ("(--require-location)" in capsys.readouterr().err) == bool(code)


def test_a_photo_that_failed_is_said_at_once_and_goes_before_other_codes(capsys) -> None:
    tally = counted(Failure("b.jpg", BrokenPhoto("b.jpg: damaged", "copy it again")), predicted(NarrowingStatus.OFF))
    assert capsys.readouterr().err == "error: b.jpg: damaged\n"
    assert left(tally, require_location=True) == BrokenPhoto.exit_code
    said = capsys.readouterr().err
    assert "error: 1 of 2 photos could not be used\n" in said
    assert "\nhint: copy it again\n" in said


def test_facts_tell_where_the_cells_came_from_and_what_each_tier_took() -> None:
    assert looked(FACTS) == {
        "cells_hit": 3,
        "cells_miss": 1,
        "lookup_cache_ms": 1.23,
        "lookup_database_ms": 6.0,
        "troubles": 1,
    }
    assert "troubles" not in looked(FACTS._replace(troubles=()))


def test_facts_can_be_logged_and_hold_the_outcome_of_the_place() -> None:
    found = facts(predicted(), hide_location=False)
    assert json.loads(json.dumps(found)) == found
    assert (found["lookup"], found["narrowing"], found["release"]) == ("hit", "applied", "first")
    assert (found["lookup_ms"], found["cells_hit"], found["cell"]) == (1.23, 3, CELL)


def test_a_hidden_location_shows_as_its_large_cell() -> None:
    found = facts(predicted(), hide_location=True)
    assert found["cell"] == hidden_cell(CELL)
    assert CELL not in json.dumps(found)


def test_each_prediction_is_one_event_and_a_failure_is_none(monkeypatch) -> None:
    events = []
    monkeypatch.setattr(telemetry, "event", lambda name, said: events.append((name, said["photo"])))
    counted(predicted(), Failure("b.jpg", BrokenPhoto("b.jpg: damaged")), predicted(cell=None))
    assert events == [("predicted", "a.jpg")] * 2


def test_the_outcomes_of_all_cells_are_counted_over_a_run() -> None:
    assert counted(predicted(), predicted(NarrowingStatus.APPLIED, CACHE)).cells == {"cells_hit": 6, "cells_miss": 2}
