"""Options that several commands share; the same word means the same thing in every command."""

from __future__ import annotations

import datetime
import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from geoid.errors import UsageError

if TYPE_CHECKING:
    from geoid.core.values import Capture, CaptureDate, Location

PLACE_HINT = "give decimal degrees, latitude first: --at 51.5,-0.12 (names of places are not looked up)"
DATE_HINT = "give the local date as year-month-day: --on 2024-05-01"


class Format(StrEnum):
    """How an answer is written."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"


class Form(StrEnum):
    """How a command that answers once writes its answer."""

    TABLE = "table"
    JSON = "json"


class LocationMode(StrEnum):
    """How the place takes part in an answer."""

    BOOST = "boost"
    FILTER = "filter"
    ANNOTATE = "annotate"
    OFF = "off"


FormatOption = Annotated[Format, typer.Option("--format", "-f", help="How to write the answer.")]
FormOption = Annotated[Form, typer.Option("--format", "-f", help="How to write the answer.")]
AreasOption = Annotated[
    str | None, typer.Option("--areas", metavar="FILE", help="Area pack to use.  [default: the release in force]")
]
ModeOption = Annotated[
    LocationMode | None,
    typer.Option(
        "--location-mode", help="What place and season do: evidence, a fence, a remark, nothing.  [default: boost]"
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Short for --format json.")]


def area_flags(areas: str | None, mode: LocationMode | None = None) -> dict[str, object]:
    """Settings from the options about area data."""
    store = areas if areas is None or "://" in areas else f"sqlite:{areas}"
    return {"areas.store": store, "ranking.mode": None if mode is None else mode.value}


def parse_capture(at: str | None, on: str | None) -> Capture:
    """The place and date that were given as arguments."""
    from geoid.core.values import Capture

    return Capture(None if at is None else parse_location(at), None if on is None else parse_date(on))


def parse_location(at: str) -> Location:
    """`LAT,LON` in decimal degrees; raises `UsageError` for anything else, 0,0 included."""
    from geoid.core.values import Coordinates, Location, Source

    try:
        latitude, longitude = (float(part) for part in at.replace(",", " ").split())
    except ValueError:
        raise UsageError(f"--at {at!r} is not a latitude and a longitude", PLACE_HINT) from None
    if latitude == longitude == 0:
        raise UsageError(
            "--at 0,0 is what a device without a position says", "if you mean that spot at sea, give 0.0001,0.0001"
        )
    try:
        return Location(Coordinates(latitude, longitude), Source.ARGUMENT)
    except ValueError as error:
        raise UsageError(f"--at {at}: {error}", PLACE_HINT) from None


def parse_date(on: str) -> CaptureDate:
    """An ISO date; raises `UsageError` for anything else, February 30th included."""
    from geoid.core.values import CaptureDate, Source

    try:
        return CaptureDate(datetime.date.fromisoformat(on), Source.ARGUMENT)
    except ValueError:
        raise UsageError(f"--on {on!r} is not a date", DATE_HINT) from None


def json_or(form: Format, *, json: bool) -> Format:
    """The format wanted; raises `UsageError` where --json meets another one."""
    if json and form not in {Format.TABLE, Format.JSON}:
        raise UsageError(f"--json and --format {form} contradict each other", "give one of them")
    return Format.JSON if json else form


def say(text: str) -> None:
    """Say something about the answer: on stderr, safe for the terminal."""
    from geoid.core.text import printable

    print("\n".join(printable(line) for line in text.split("\n")), file=sys.stderr)


def print_json(value: object) -> None:
    """Write a JSON document; ASCII only, so that no console and no control character can spoil it."""
    import json

    print(json.dumps(value, indent=2))
