"""Years and months from dates as people and museums write them; what is ambiguous is not guessed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import polars as pl

from geoid.seeding.columns import Columns, filled

COMMON = r"^[0-9]{4}-[0-9]{1,2}(?:-[0-9]{1,2}(?:[T ][^/]*)?)?$"
"""What nearly all dates look like; these are read without the other patterns, in a fifth of the time."""

START = r"^\s*(\d{4})(?:\D|$)"
START_MONTH = r"^\s*\d{4}[-/.](\d{1,2})(?:\D|$)"
BASIC_YEAR, BASIC_MONTH = r"^\s*(\d{4})\d{4}(?:T.*)?\s*$", r"^\s*\d{4}(\d{2})\d{2}(?:T.*)?\s*$"
"""ISO 8601's basic format: 20200521."""

END = r"^\s*\d{4}(?:-[^/]*/(.+)|/(\d{4}(?:\D.*)?))$"
"""What follows the slash of an interval; `2020/05/21` has slashes too, but is none."""

END_YEAR = r"^(\d{4})(?:\D|$)"
END_MONTH = r"^(?:\d{4}-)?(\d{1,2})(?:-\d{1,2})?(?:T.*)?$"
END_DAY = r"^\d{1,2}(?:T.*)?$|^\d{1,2}:"
"""ISO 8601 leaves out what the end of an interval shares with its start: 2020-05-01/31, 2020-05-01T10:00/12:00."""

WITH_DAY = r"^\s*\d{4}-\d{1,2}-\d"
TURNED = r"^\s*\d{1,2}[-/.]\d{1,2}[-/.](\d{4})(?:\D|$)"
TURNED_PARTS = r"^\s*(\d{1,2})[-/.]\d{1,2}[-/.]\d{4}", r"^\s*\d{1,2}[-/.](\d{1,2})[-/.]\d{4}"
DECEMBER = 12


class YearMonth(NamedTuple):
    """Expressions for the year (Int32) and the month (UInt8), if a table says anything of them."""

    year: pl.Expr | None
    month: pl.Expr | None


def dated(columns: Columns, names: Iterable[str]) -> YearMonth:
    """From the columns of years and months; where they say nothing, from the first of the named columns of dates."""
    year, month = columns.whole("year", pl.Int32), columns.whole("month", pl.UInt8)
    name = columns.first(names)
    if name is None:
        return YearMonth(year, month)
    date = year_month(columns.column(name), columns.dtype(name))
    return YearMonth(filled(year, date.year), filled(month, date.month))


def year_month(date: pl.Expr, kind: pl.DataType) -> YearMonth:
    """Of a column of dates, times or text.

    An interval within a month has that month, one within a year that year only; of a longer one the last year is taken,
    the latest that the record can be from.
    """
    if isinstance(kind, pl.Date | pl.Datetime):
        return YearMonth(date.dt.year(), date.dt.month().cast(pl.UInt8))
    text = date.cast(pl.String)
    common = text.str.contains(COMMON)
    plain, other = pl.when(common).then(text), pl.when(~common).then(text)
    year, month = plain.str.head(4).cast(pl.Int32), plain.str.slice(5, 2).str.strip_chars_end("-").cast(pl.UInt8)
    return YearMonth(pl.coalesce(year, _year(other)), pl.coalesce(month, _month(other), _turned_month(other)))


def _number(text: pl.Expr, pattern: str, kind: type[pl.DataType] = pl.Int32) -> pl.Expr:
    return text.str.extract(pattern).cast(kind, strict=False)


def _end(text: pl.Expr) -> pl.Expr:
    return pl.coalesce(text.str.extract(END, 1), text.str.extract(END, 2))


def _year(text: pl.Expr) -> pl.Expr:
    forms = (START, BASIC_YEAR, TURNED)
    return pl.coalesce(_number(_end(text), END_YEAR), *(_number(text, form) for form in forms))


def _month(text: pl.Expr) -> pl.Expr:
    """The month that a date or an interval lies in; null if it is in several."""
    end = _end(text)
    start = pl.coalesce(_number(text, START_MONTH, pl.UInt8), _number(text, BASIC_MONTH, pl.UInt8))
    same_day = end.str.contains(END_DAY) & text.str.contains(WITH_DAY)
    same_year = (_number(end, END_YEAR) == _number(text, START)).fill_null(value=True)
    same_month = (_number(end, END_MONTH, pl.UInt8) == start).fill_null(value=False) & same_year
    return pl.when(end.is_null() | same_day.fill_null(value=False) | same_month).then(start)


def _turned_month(text: pl.Expr) -> pl.Expr:
    """The month of d/m/y or m/d/y, if only one of both makes sense."""
    one, two = (_number(text, part, pl.UInt8) for part in TURNED_PARTS)
    return pl.when((one > DECEMBER) | (one == two)).then(two).when(two > DECEMBER).then(one)
