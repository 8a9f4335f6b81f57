"""Capture dates as EXIF, XMP and GPS receivers write them, and which of them can be believed."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from geoid.core.exif import Field, text_of
from geoid.core.problems import Problem

EXIF_DATES = ("DateTimeOriginal", "DateTimeDigitized")
EXIF_OFFSETS = ("OffsetTimeOriginal", "OffsetTimeDigitized", "OffsetTime")
EARLIEST = datetime.date(1990, 1, 1)
"""Older dates are not believed: the first digital cameras were sold in 1990."""

FACTORY_DAYS = frozenset(datetime.date(year, 1, 1) for year in (1904, 1970, 1980, 2000))
"""Days on which clocks start: the epochs of Mac, Unix and DOS, and the default of most cameras."""

FACTORY_HOUR = datetime.timedelta(hours=1)
"""Cameras also start on 1 January of the year of their firmware. A photo in the first hour of a year is likelier to
come from such a clock than from that night, and a date left out costs only the season."""

_BLANK = re.compile(r"[\s0:./\-]*")
_PARTIAL = re.compile(r"[0-9]{4}(?:[:/.-][0-9]{1,2})?")
_DATE = re.compile(
    r"([0-9]{4})[:/.-]([0-9]{1,2})[:/.-]([0-9]{1,2})"
    r"(?:[T\s]+([0-9]{1,2})[:.]([0-9]{1,2})(?:[:.]([0-9]{1,2}))?(?:[.,][0-9]*)?"
    r"\s*(?:Z|[+-][0-9]{2}:?[0-9]{2})?)?"
)
_OFFSET = re.compile(r"([+-])([0-9]{2}):?([0-9]{2})")


class FoundDate(NamedTuple):
    """A local date, or None, and the problems met on the way to it."""

    value: datetime.date | None = None
    problems: tuple[Problem, ...] = ()


class _Unusable(Exception):
    """A date that cannot be used, and why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.problem = problem


def exif_date(fields: Mapping[str, Field], now: datetime.datetime) -> FoundDate:
    """Read the capture date from the fields of an EXIF block: DateTimeOriginal, then DateTimeDigitized.

    `DateTime` is the time of the last change: alone it is a problem, never the capture date.
    """
    texts = [_shown(fields[name]) for name in EXIF_DATES if name in fields]
    if not texts and isinstance(fields.get("DateTime"), str):
        return FoundDate(problems=(Problem.DATE_MODIFIED_ONLY,))
    return first_date(texts, now)


def _shown(field: Field) -> str:
    """The text of a field; something that is no date for anything but text, so that it counts as malformed."""
    return field if isinstance(field, str) else "not text"


def first_date(texts: Sequence[str], now: datetime.datetime) -> FoundDate:
    """The first of several written dates that can be believed, with the problems of those before it."""
    problems: list[Problem] = []
    for text in texts:
        found = written_date(text, now)
        problems += found.problems
        if found.value is not None:
            return FoundDate(found.value, tuple(dict.fromkeys(problems)))
    return FoundDate(problems=tuple(dict.fromkeys(problems)))


def written_date(text: str, now: datetime.datetime) -> FoundDate:
    """Read one date as `2019:05:01 12:00:00`, as ISO 8601, or alone; the local date is the one written.

    Believed from 1990 to tomorrow. An offset does not change the date. The hour 24 is kept with a problem: some
    Android cameras count hours from 1 to 24 and write the right date.
    """
    text = text.strip("\0 \t\r\n")
    try:
        match = _DATE.fullmatch(text)
        if match is None or _BLANK.fullmatch(text):
            raise _Unusable(_why_no_date(text))
        date = _calendar(match)
        _believe(date, _time_of_day(match), now)
    except _Unusable as unusable:
        return FoundDate(problems=(unusable.problem,))
    return FoundDate(date, (Problem.DATE_BAD_TIME,) if match[4] == "24" else ())


def gps_date(fields: Mapping[str, Field], longitude: float | None, now: datetime.datetime) -> FoundDate:
    """Read the local date from the GPS clock (UTC), by the offset the photo states, else by 15 degrees an hour.

    Without an offset and a longitude there is no local date. Without a time of day, noon stands in.
    """
    stamp = text_of(fields.get("GPSDateStamp"))
    offset = _offset(fields, longitude)
    if not stamp or offset is None:
        return FoundDate()
    found = written_date(stamp, now)
    if found.value is None:
        return found
    utc = datetime.datetime.combine(found.value, datetime.time()) + _utc_time(fields.get("GPSTimeStamp"))
    return FoundDate((utc + offset).date(), (Problem.DATE_FROM_GPS,))


def _offset(fields: Mapping[str, Field], longitude: float | None) -> datetime.timedelta | None:
    for name in EXIF_OFFSETS:
        match = _OFFSET.fullmatch(text_of(fields.get(name)))
        if match is not None and int(match[2]) <= 14 and int(match[3]) < 60:  # noqa: PLR2004 - clock arithmetic
            size = datetime.timedelta(hours=int(match[2]), minutes=int(match[3]))
            return -size if match[1] == "-" else size
    return None if longitude is None else datetime.timedelta(hours=longitude / 15)


def _utc_time(field: Field) -> datetime.timedelta:
    noon = datetime.timedelta(hours=12)
    if not isinstance(field, tuple) or len(field) != 3 or any(denominator == 0 for _, denominator in field):  # noqa: PLR2004
        return noon
    hours, minutes, seconds = (numerator / denominator for numerator, denominator in field)
    if not (0 <= hours < 24 and 0 <= minutes < 60 and 0 <= seconds <= 60):  # noqa: PLR2004 - clock arithmetic
        return noon
    return datetime.timedelta(hours=hours, minutes=minutes, seconds=seconds)


def _why_no_date(text: str) -> Problem:
    if _BLANK.fullmatch(text):
        return Problem.DATE_BLANK
    return Problem.DATE_INCOMPLETE if _PARTIAL.fullmatch(text) else Problem.DATE_MALFORMED


def _calendar(match: re.Match[str]) -> datetime.date:
    try:
        return datetime.date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:
        raise _Unusable(Problem.DATE_MALFORMED) from None


def _time_of_day(match: re.Match[str]) -> datetime.timedelta | None:
    """The time since midnight, or None where none is written."""
    if match[4] is None:
        return None
    hours, minutes, seconds = int(match[4]), int(match[5]), int(match[6] or 0)
    if hours > 24 or minutes > 59 or seconds > 60:  # noqa: PLR2004 - 24 and 60 occur, see written_date and leap seconds
        raise _Unusable(Problem.DATE_MALFORMED)
    return datetime.timedelta(hours=hours, minutes=minutes, seconds=seconds)


def _believe(date: datetime.date, time: datetime.timedelta | None, now: datetime.datetime) -> None:
    new_year = (date.month, date.day) == (1, 1)
    if date in FACTORY_DAYS or (new_year and time is not None and time < FACTORY_HOUR):
        raise _Unusable(Problem.DATE_RESET_CLOCK)
    if date < EARLIEST:
        raise _Unusable(Problem.DATE_TOO_EARLY)
    if date > now.date() + datetime.timedelta(days=1):
        raise _Unusable(Problem.DATE_IN_FUTURE)
