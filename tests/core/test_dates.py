"""Written dates; the synthetic suite holds the cases, this holds the laws and the edges."""

from __future__ import annotations

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoid.core.dates import FoundDate, exif_date, first_date, gps_date, written_date
from geoid.core.exif import Field
from geoid.core.problems import Problem

NOW = datetime.datetime(2026, 6, 1, 12, tzinfo=datetime.UTC)
DAYS = st.datetimes(datetime.datetime(1990, 1, 2), datetime.datetime(2026, 6, 2)).filter(  # noqa: DTZ001 - local
    lambda moment: (moment.month, moment.day) != (1, 1)
)
STAMP: dict[str, Field] = {"GPSDateStamp": "2019:05:01", "GPSTimeStamp": ((12, 1), (0, 1), (0, 1))}


@given(DAYS, st.sampled_from(["%Y:%m:%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S+14:00", "%Y/%m/%d %H:%M", "%Y.%m.%d"]))
def test_a_date_is_the_local_one_written(moment: datetime.datetime, form: str) -> None:
    assert written_date(moment.strftime(form), NOW) == FoundDate(moment.date())


@given(st.text("0123456789:-/.TZ +\0x", max_size=30))
def test_any_text_gives_a_date_or_a_problem(text: str) -> None:
    found = written_date(text, NOW)
    assert (found.value is None) <= bool(found.problems)
    assert found.value is None or datetime.date(1990, 1, 1) <= found.value <= datetime.date(2026, 6, 2)


@given(st.floats(-180, 180), st.integers(0, 23))
def test_the_gps_clock_is_shifted_by_half_a_day_at_most(longitude: float, hour: int) -> None:
    found = gps_date({**STAMP, "GPSTimeStamp": ((hour, 1), (30, 1), (0, 1))}, longitude, NOW)
    assert found.value is not None
    assert abs(found.value - datetime.date(2019, 5, 1)) <= datetime.timedelta(days=1)
    assert found.problems == (Problem.DATE_FROM_GPS,)


@pytest.mark.parametrize(
    ("longitude", "day"), [(180.0, 2), (179.9, 1), (0.0, 1), (-179.9, 1), (-180.0, 1)], ids=lambda value: f"{value}"
)
def test_noon_in_greenwich_is_the_same_day_up_to_the_antimeridian(longitude: float, day: int) -> None:
    assert gps_date(STAMP, longitude, NOW).value == datetime.date(2019, 5, day)


@pytest.mark.parametrize(
    "time",
    [None, "12:00:00", (), ((12, 1),), ((12, 0), (0, 1), (0, 1)), ((99, 1), (0, 1), (0, 1)), ((1, 1), (61, 1), (0, 1))],
    ids=str,
)
def test_noon_stands_in_for_a_gps_time_that_is_none(time: Field) -> None:
    assert gps_date({**STAMP, "GPSTimeStamp": time}, 179.0, NOW).value == datetime.date(2019, 5, 1)


@pytest.mark.parametrize("offset", ["", "   :  ", "+99:00", "+05:99", "five"])
def test_an_offset_that_is_none_leaves_the_longitude_to_decide(offset: str) -> None:
    fields: dict[str, Field] = {**STAMP, "OffsetTime": offset}
    assert gps_date(fields, None, NOW) == FoundDate()
    assert gps_date(fields, 0.0, NOW).value == datetime.date(2019, 5, 1)


def test_the_offset_of_the_original_comes_before_that_of_the_last_change() -> None:
    fields: dict[str, Field] = {**STAMP, "OffsetTime": "+00:00", "OffsetTimeOriginal": "+13:00"}
    assert gps_date(fields, None, NOW).value == datetime.date(2019, 5, 2)
    assert gps_date({**STAMP, "OffsetTime": "-13:00"}, None, NOW).value == datetime.date(2019, 4, 30)


def test_the_first_date_that_can_be_believed_wins_and_the_others_are_named() -> None:
    found = first_date(["2019", "2030-01-02", "", "2018-03-04", "junk"], NOW)
    problems = (Problem.DATE_INCOMPLETE, Problem.DATE_IN_FUTURE, Problem.DATE_BLANK)
    assert found == FoundDate(datetime.date(2018, 3, 4), problems)
    assert first_date([], NOW) == FoundDate()


def test_tomorrow_is_believed_and_the_day_after_is_not() -> None:
    assert written_date("2026:06:02 00:00:00", NOW).value == datetime.date(2026, 6, 2)
    assert written_date("2026:06:03", NOW).problems == (Problem.DATE_IN_FUTURE,)


@pytest.mark.parametrize("time", ["00:00:00", "00:59:59"])
@pytest.mark.parametrize("year", [1995, 2001, 2013, 2024])
def test_the_first_hour_of_a_year_is_a_reset_clock(year: int, time: str) -> None:
    assert written_date(f"{year}:01:01 {time}", NOW) == FoundDate(problems=(Problem.DATE_RESET_CLOCK,))


@pytest.mark.parametrize("written", ["2013:01:01 01:00:00", "2013:01:01", "2012:12:31 23:59:59", "2000:01:02 00:00:00"])
def test_dates_around_a_reset_clock_are_believed(written: str) -> None:
    assert written_date(written, NOW).value is not None


def test_a_modification_date_never_stands_in() -> None:
    assert exif_date({"DateTime": "2019:05:01 12:00:00"}, NOW) == FoundDate(problems=(Problem.DATE_MODIFIED_ONLY,))
    both: dict[str, Field] = {"DateTime": "2019:05:01 12:00:00", "DateTimeOriginal": "0000:00:00 00:00:00"}
    assert exif_date(both, NOW) == FoundDate(problems=(Problem.DATE_BLANK,))
    assert exif_date({}, NOW) == FoundDate()
