"""Positions as EXIF and XMP write them: from rationals and strings to coordinates, and every way that can fail."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import NamedTuple

from geoid.core.exif import Field, Rational, text_of
from geoid.core.problems import Problem
from geoid.core.values import Coordinates

POSITION_FIELDS = ("GPSLatitude", "GPSLongitude")
OTHER_DATUM_M = 1_000.0
"""The least uncertainty of a position in another datum: national datums differ from WGS 84 by up to about 1 km
(NGA.STND.0036, "Department of Defense World Geodetic System 1984", appendix on datum shifts; Tokyo: about 450 m)."""

FARTHEST_M = 20_037_508.0
"""No two places on Earth are farther apart; a larger error is junk."""

SAME_AS_WGS84 = frozenset({"", "WGS84", "WGS1984", "NAD83", "ETRS89", "GDA94", "GDA2020", "JGD2000", "JGD2011"})
"""Datums within about 2 m of WGS 84, letters and digits only, upper case."""

MOST_PARTS = 3
CARRY = 60
"""Minutes in a degree, and seconds in a minute."""

XMP_DEGREES = re.compile(
    r"([+-]?[0-9]{1,4}(?:\.[0-9]{0,17})?)"  # degrees, with a fraction only when they stand alone
    r"(?:[ ]*,[ ]*([0-9]{1,3}(?:\.[0-9]{0,17})?))?"
    r"(?:[ ]*,[ ]*([0-9]{1,3}(?:\.[0-9]{0,17})?))?"
    r"[ ]*([A-Za-z]?)"
)


class _Unusable(Exception):
    """A position that cannot be used, and why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.problem = problem


class FoundPosition(NamedTuple):
    """A position, or None, and the problems met on the way to it."""

    coordinates: Coordinates | None = None
    problems: tuple[Problem, ...] = ()


class _Axis(NamedTuple):
    """Latitude or longitude: its letters and its limit in degrees."""

    positive: str
    negative: str
    limit: int


_LATITUDE = _Axis("N", "S", 90)
_LONGITUDE = _Axis("E", "W", 180)


def exif_position(fields: Mapping[str, Field]) -> FoundPosition:
    """Read the position from the GPS fields of an EXIF block, by their EXIF names.

    Destination tags (GPSDestLatitude and the like) are not the camera's position. A block that names no position
    is a mild problem, no block is none. GPSStatus V is kept: by EXIF 2.3 it says that the measurement was
    interrupted, and cameras then write their last fix: better than nothing, and named as a problem.
    """
    if not any(name.startswith("GPS") for name in fields):
        return FoundPosition()
    if not any(fields.get(name) for name in POSITION_FIELDS):
        malformed = any(name in fields for name in POSITION_FIELDS)
        return FoundPosition(problems=(Problem.GPS_MALFORMED if malformed else Problem.GPS_EMPTY,))
    try:
        sizes = [_exif_size(fields, name) for name in POSITION_FIELDS]
        if not any(sizes):
            raise _Unusable(Problem.GPS_ZERO)  # before the letters are looked at: without a fix they are blank
        letters = [text_of(fields.get(f"{name}Ref")) for name in POSITION_FIELDS]
        coordinates = _checked(_signed(sizes[0], letters[0], _LATITUDE), _signed(sizes[1], letters[1], _LONGITUDE))
    except _Unusable as unusable:
        return FoundPosition(problems=(unusable.problem,))
    return _with_doubts(coordinates, fields)


def xmp_position(properties: Mapping[str, str]) -> FoundPosition:
    """Read the position from the properties of the XMP `exif` namespace, by their local names.

    Accepts `51,30.5N`, `51,30,15.2N`, signed decimals, and unsigned decimals beside a separate `GPSLatitudeRef`
    (XMP specification part 2, GPSCoordinate; the last two are what Apple and others write).
    """
    if not any(properties.get(name, "").strip() for name in POSITION_FIELDS):
        return FoundPosition()
    try:
        coordinates = _checked(
            _xmp_degrees(properties, "GPSLatitude", _LATITUDE), _xmp_degrees(properties, "GPSLongitude", _LONGITUDE)
        )
    except _Unusable as unusable:
        return FoundPosition(problems=(unusable.problem,))
    fields: dict[str, Field] = dict(properties)
    error = properties.get("GPSHPositioningError", "").strip()
    if error:
        fields["GPSHPositioningError"] = _xmp_rational(error)
    return _with_doubts(coordinates, fields)


def _checked(latitude: Fraction, longitude: Fraction) -> Coordinates:
    if latitude == 0 and longitude == 0:
        raise _Unusable(Problem.GPS_ZERO)
    return Coordinates(float(latitude), float(longitude))


def _with_doubts(coordinates: Coordinates, fields: Mapping[str, Field]) -> FoundPosition:
    """Add the uncertainty, and the problems that leave a position usable."""
    problems = []
    uncertainty = None
    if "GPSHPositioningError" in fields:
        uncertainty = _positive(fields["GPSHPositioningError"])
        if uncertainty is None:
            problems.append(Problem.GPS_BAD_UNCERTAINTY)
    if text_of(fields.get("GPSStatus")).upper() == "V":
        problems.append(Problem.GPS_VOID)
    if re.sub(r"[^A-Z0-9]", "", text_of(fields.get("GPSMapDatum")).upper()) not in SAME_AS_WGS84:
        problems.append(Problem.GPS_OTHER_DATUM)
        uncertainty = max(uncertainty or 0.0, OTHER_DATUM_M)
    return FoundPosition(replace(coordinates, uncertainty_m=uncertainty), tuple(problems))


def _positive(field: Field) -> float | None:
    """The one rational of a field as metres above zero, or None."""
    if not isinstance(field, tuple) or len(field) != 1:
        return None
    numerator, denominator = field[0]
    if denominator == 0 or numerator * denominator <= 0:
        return None
    number = numerator / denominator
    return number if number <= FARTHEST_M else None


def _exif_size(fields: Mapping[str, Field], name: str) -> Fraction:
    """Degrees without their sign."""
    if name not in fields:
        raise _Unusable(Problem.GPS_INCOMPLETE)
    parts = fields[name]
    if not isinstance(parts, tuple) or not 1 <= len(parts) <= MOST_PARTS:
        raise _Unusable(Problem.GPS_MALFORMED)
    if any(denominator == 0 for _, denominator in parts):
        raise _Unusable(Problem.GPS_ZERO_DENOMINATOR)
    return _sexagesimal([Fraction(*part) for part in parts])


def _xmp_degrees(properties: Mapping[str, str], name: str, axis: _Axis) -> Fraction:
    text = properties.get(name, "").strip()
    if not text:
        raise _Unusable(Problem.GPS_INCOMPLETE)
    match = XMP_DEGREES.fullmatch(text)
    if match is None:
        raise _Unusable(Problem.GPS_MALFORMED)
    parts = [Fraction(part) for part in match.groups()[:3] if part is not None]
    letter = match[4] or properties.get(f"{name}Ref", "").strip()
    if not letter and len(parts) == 1:
        return _in_range(parts[0], axis)
    if match[1][0] == "-":
        return _agreeing(parts, letter, axis)
    return _signed(_sexagesimal(parts), letter, axis)


def _agreeing(parts: list[Fraction], letter: str, axis: _Axis) -> Fraction:
    """Negative decimals beside a letter: used only when the letter says the same as the sign."""
    if len(parts) > 1 or letter.upper()[:1] != axis.negative:
        raise _Unusable(Problem.GPS_MALFORMED)
    return _in_range(parts[0], axis)


def _sexagesimal(parts: Sequence[Fraction]) -> Fraction:
    """Degrees, minutes and seconds as degrees.

    Exactly 60 is what rounding makes of 59.9999 and carries; more is out of range. A fraction of a degree beside
    minutes (or of a minute beside seconds) says the same thing twice or two different things: malformed.
    """
    if any(part < 0 for part in parts) or any(part > CARRY for part in parts[1:]):
        raise _Unusable(Problem.GPS_OUT_OF_RANGE)
    for place, part in enumerate(parts):
        if part.denominator != 1 and any(parts[place + 1 :]):
            raise _Unusable(Problem.GPS_MALFORMED)
    return sum((part / CARRY**place for place, part in enumerate(parts)), Fraction(0))


def _signed(degrees: Fraction, letter: str, axis: _Axis) -> Fraction:
    """Apply the hemisphere's letter: upper or lower case, or the whole word."""
    initial = letter.upper()[:1]
    if initial not in (axis.positive, axis.negative):
        raise _Unusable(Problem.GPS_NO_HEMISPHERE)
    return _in_range(-degrees if initial == axis.negative else degrees, axis)


def _in_range(degrees: Fraction, axis: _Axis) -> Fraction:
    if abs(degrees) > axis.limit:
        raise _Unusable(Problem.GPS_OUT_OF_RANGE)
    return degrees


def _xmp_rational(text: str) -> tuple[Rational, ...] | None:
    """`5/1` or `5.0` as one rational, or None."""
    match = re.fullmatch(r"(-?[0-9]{1,10})/([0-9]{1,10})", text)
    if match is not None:
        return ((int(match[1]), int(match[2])),)
    try:
        number = float(text)
    except ValueError:
        return None
    return (number.as_integer_ratio(),) if math.isfinite(number) else None
