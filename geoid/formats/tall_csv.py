"""Predictions as CSV: one row a candidate, best first, with the photo repeated; one row for a photo without any."""

from __future__ import annotations

import csv
from collections.abc import Callable
from typing import TextIO

from geoid.core.places import shown
from geoid.core.predictions import Candidate, Failure, Outcome, Prediction
from geoid.core.text import printable

COLUMNS = (
    "file_name",
    "position",
    "scientific_name",
    "common_name",
    "rank",
    "taxon_key",
    "label",
    "vision_score",
    "geo_score",
    "combined_score",
    "local_status",
    "answer_status",
    "latitude",
    "longitude",
    "date",
    "narrowing_status",
    "error",
)

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")

Row = dict[str, object]


def writer(stream: TextIO, *, hide_location: bool) -> Callable[[Outcome], None]:
    """Write the header now, and get the function that writes one outcome."""
    table = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
    table.writeheader()

    def write(outcome: Outcome) -> None:
        table.writerows({name: cell(value) for name, value in row.items()} for row in rows(outcome, hide_location))

    return write


def rows(outcome: Outcome, hide_location: bool) -> list[Row]:
    """The rows of one outcome."""
    if isinstance(outcome, Failure):
        return [{"file_name": outcome.path, "error": outcome.error.kind}]
    common = _common(outcome, hide_location)
    numbered = enumerate(outcome.ranking.candidates, start=1)
    return [{**common, "position": position, **_candidate(candidate)} for position, candidate in numbered] or [common]


def cell(value: object) -> object:
    """A value as a spreadsheet may safely open it: no control characters, and text that is no formula."""
    if not isinstance(value, str):
        return value
    text = printable(value)
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def _common(prediction: Prediction, hide_location: bool) -> Row:
    location, date = prediction.capture.location, prediction.capture.date
    place = shown(location.coordinates, hide=hide_location) if location else None
    return {
        "file_name": prediction.photo.path,
        "answer_status": prediction.ranking.status.value,
        "latitude": place and round(place.latitude, 6),
        "longitude": place and round(place.longitude, 6),
        "date": date and date.value.isoformat(),
        "narrowing_status": prediction.narrowing.status.value,
    }


def _candidate(candidate: Candidate) -> Row:
    return {
        "scientific_name": candidate.taxon.scientific_name,
        "common_name": candidate.common_name,
        "rank": candidate.taxon.rank,
        "taxon_key": candidate.taxon.key,
        "label": candidate.label,
        "vision_score": round(candidate.vision_score, 6),
        "geo_score": None if candidate.geo_score is None else round(candidate.geo_score, 6),
        "combined_score": round(candidate.combined_score, 6),
        "local_status": candidate.local_status.value,
    }
