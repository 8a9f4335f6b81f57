"""What an EXIF block says, as plain values: the form in which an adapter hands it to the core."""

from __future__ import annotations

from typing import TypeAlias

Rational: TypeAlias = tuple[int, int]
"""A numerator and a denominator as they stand in the file; the denominator may be zero."""

Field: TypeAlias = str | tuple[Rational, ...] | None
"""The value of an EXIF tag: text, rationals, or None for a type that neither a position nor a date is written in."""


def text_of(field: Field) -> str:
    """The text of a field without the blanks and NULs around it; empty for anything but text."""
    return field.strip("\0 \t\r\n") if isinstance(field, str) else ""
