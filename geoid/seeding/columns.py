"""The columns of a table of occurrences, found by name however it is spelt, and read whatever their type."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import polars as pl

NOT_LETTERS = re.compile(r"[^a-z0-9]+")
PREFIX = re.compile(r"^[a-z]+:")
CONCEPT = "concept"
"""Where the cloud copies of GBIF keep a word of a vocabulary as a structure, this field is the word."""


def folded(name: str) -> str:
    """A column's name without case, spaces, underscores and a prefix such as `dwc:`."""
    return NOT_LETTERS.sub("", PREFIX.sub("", name.strip().lower()))


class Columns:
    """The columns of a table by their folded names; of two that fold alike the first counts."""

    def __init__(self, schema: Mapping[str, pl.DataType]) -> None:
        self._schema = schema
        self._names: dict[str, str] = {}
        for name in schema:
            self._names.setdefault(folded(name), name)

    def __contains__(self, name: str) -> bool:
        return name in self._names

    def first(self, names: Iterable[str]) -> str | None:
        """The first of some folded names that the table has."""
        return next((name for name in names if name in self._names), None)

    def dtype(self, name: str) -> pl.DataType:
        """The type of a column that the table has."""
        return self._schema[self._names[name]]

    def column(self, name: str) -> pl.Expr:
        """A column that the table has, as it is."""
        return pl.col(self._names[name])

    def text(self, name: str) -> pl.Expr | None:
        """A column as text, if the table has it."""
        return self.written(name) if name in self._names else None

    def number(self, name: str) -> pl.Expr | None:
        """A column as Float64, if the table has it; what is no number becomes null."""
        return self.measured(name) if name in self._names else None

    def whole(self, name: str, kind: type[pl.DataType]) -> pl.Expr | None:
        """A column as whole numbers, if the table has it; pandas writes years with gaps as `2008.0`."""
        number = self.number(name)
        return None if number is None else number.cast(kind, strict=False)

    def written(self, name: str) -> pl.Expr:
        """A column that the table has, as text."""
        column, kind = self.column(name), self.dtype(name)
        if isinstance(kind, pl.Struct):
            return column.struct.field(_field(kind)).cast(pl.String)
        return column if kind == pl.String else column.cast(pl.String)

    def measured(self, name: str) -> pl.Expr:
        """A column that the table has, as Float64."""
        return self.column(name).cast(pl.Float64, strict=False)

    def tolerant(self, name: str) -> pl.Expr:
        """A column that the table has, as Float64; as people write numbers, with blanks around and commas in them."""
        if self.dtype(name) != pl.String:
            return self.measured(name)
        return self.column(name).str.strip_chars().str.replace(",", ".", literal=True).cast(pl.Float64, strict=False)

    def true(self, name: str) -> pl.Expr | None:
        """Where a column says true, if the table has it."""
        return matches(self.text(name), "(?i)^(?:true|t|yes|1)$")


def _field(kind: pl.Struct) -> str:
    names = [field.name for field in kind.fields]
    return CONCEPT if CONCEPT in names else names[0]


def matches(text: pl.Expr | None, pattern: str) -> pl.Expr | None:
    """Where a text matches a pattern, if there is one; false where it is null."""
    return None if text is None else text.str.contains(pattern).fill_null(value=False)


def either(*conditions: pl.Expr | None) -> pl.Expr | None:
    """Where any of the conditions holds, of those that there are."""
    given = [condition for condition in conditions if condition is not None]
    return pl.any_horizontal(given) if len(given) > 1 else next(iter(given), None)


def filled(*values: pl.Expr | None) -> pl.Expr | None:
    """The first that is not null, of those that there are."""
    given = [value for value in values if value is not None]
    return pl.coalesce(given) if len(given) > 1 else next(iter(given), None)
