"""Logs: one object a line, with a request id, harmless, and with no more of a place than its cell."""

from __future__ import annotations

import contextvars
import io
import json
import logging
import re
import threading
import warnings
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from geoid import telemetry
from geoid.core.places import cell_of, hidden_cell
from geoid.core.values import Capture, Coordinates, Location, Source

KEYS = ["time", "level", "event", "request_id"]


@pytest.fixture(name="lines")
def _lines():
    """Configure JSON logs, and get the function that returns what has been written since."""
    root = logging.getLogger()
    before = telemetry.LOG.handlers[:], telemetry.LOG.level, telemetry.LOG.propagate, root.handlers[:]
    telemetry.configure("debug", "json")
    stream = io.StringIO()
    telemetry.LOG.handlers[0].setStream(stream)
    token = telemetry.request_id.set("-")

    def written() -> list[dict[str, object]]:
        text = stream.getvalue()
        stream.seek(0)
        stream.truncate()
        return [json.loads(line) for line in text.splitlines()]

    yield written
    telemetry.request_id.reset(token)
    telemetry.LOG.handlers[:], telemetry.LOG.level, telemetry.LOG.propagate, root.handlers[:] = before


def test_every_line_is_an_object_with_a_time_a_level_and_an_event(lines) -> None:
    telemetry.event("predicted", {"photo": "a.jpg", "total_ms": 12.5})
    (line,) = lines()
    assert list(line) == [*KEYS, "photo", "total_ms"]
    assert (line["event"], line["level"], line["photo"], line["total_ms"]) == ("predicted", "info", "a.jpg", 12.5)
    written = datetime.strptime(line["time"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    assert abs((datetime.now(UTC) - written).total_seconds()) < 60


def test_lines_of_one_request_carry_its_id_and_the_next_another(lines) -> None:
    first = telemetry.new_request()
    telemetry.event("a", {})
    telemetry.event("b", {})
    second = telemetry.new_request()
    telemetry.event("c", {})
    assert [line["request_id"] for line in lines()] == [first, first, second]
    assert first != second
    assert re.fullmatch(r"[0-9a-f]{16}", first)


def test_a_request_of_one_thread_is_not_that_of_another(lines) -> None:
    mine = telemetry.new_request()
    thread = threading.Thread(target=contextvars.Context().run, args=(telemetry.new_request,))
    thread.start()
    thread.join(timeout=30)
    telemetry.event("mine", {})
    assert lines()[0]["request_id"] == mine


def test_an_event_below_the_level_is_not_written(lines) -> None:
    telemetry.LOG.setLevel(logging.WARNING)
    telemetry.event("quiet", {})
    telemetry.event("loud", {}, logging.ERROR)
    assert [(line["event"], line["level"]) for line in lines()] == [("loud", "error")]


def test_a_plain_log_record_is_a_line_too(lines) -> None:
    logging.getLogger("geoid").warning("the %s is full", "disk")
    assert lines()[0]["event"] == "the disk is full"


def test_a_traceback_is_part_of_its_line(lines) -> None:
    try:
        raise KeyError("lion")
    except KeyError:
        logging.getLogger("geoid").debug("traceback", exc_info=True)
    (line,) = lines()
    assert line["traceback"].endswith("KeyError: 'lion'")


def test_facts_of_any_type_are_written(lines) -> None:
    telemetry.event("odd", {"place": Source.EXIF, "path": object, "none": None, "many": (1, 2)})
    assert lines()[0]["none"] is None


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.characters(codec=None), max_size=40))
def test_any_name_of_a_photo_stays_within_its_line(lines, name: str) -> None:
    telemetry.event("predicted", {"photo": name})
    assert [line["photo"] for line in lines()] == [name]


@pytest.mark.parametrize("name", ["\x1b[31mred.jpg", "two\nlines.jpg", "\u202egpj.exe", "\udcff.jpg"])
def test_the_text_form_holds_no_control_character(lines, capfd, name: str) -> None:
    telemetry.configure("info", "text")
    telemetry.event("predicted", {"photo": name})
    text = capfd.readouterr().err
    assert text.startswith("INFO: predicted photo=")
    assert text.rstrip("\r\n").isprintable()
    assert text.count("\n") == 1


def test_configuring_twice_writes_each_line_once_on_stderr(lines, capfd) -> None:
    telemetry.configure("debug", "json")
    telemetry.configure("debug", "json")
    telemetry.event("once", {})
    captured = capfd.readouterr()
    assert captured.out == ""
    assert json.loads(captured.err)["event"] == "once"


def test_other_libraries_stay_silent(lines) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        logging.getLogger("PIL").warning("not our business")
    assert lines() == []


def test_what_is_logged_of_a_prediction_holds_no_more_of_a_place_than_the_cell(lines, pipeline, photos) -> None:
    from geoid.cli.tally import facts

    place = Coordinates(51.507351, -0.127758)
    given_place = Capture(Location(place, Source.ARGUMENT))
    prediction = pipeline.predict("koala.webp", (photos / "koala.webp").read_bytes(), given_place)
    telemetry.event("predicted", facts(prediction, hide_location=False))
    telemetry.event("predicted", facts(prediction, hide_location=True))
    line, hidden = lines()
    assert line["cell"] == cell_of(place)
    assert hidden["cell"] == hidden_cell(cell_of(place))
    text = json.dumps({key: value for key, value in line.items() if not key.endswith("_ms")})
    assert not re.search(r"51\.5|0\.12", text)
    assert not {"latitude", "longitude", "location"} & set(line)
