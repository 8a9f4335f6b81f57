"""The map of an answer, as SVG."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from geoid.cli.options import say
from geoid.errors import StorageError

if TYPE_CHECKING:
    from geoid.core.areas import Areas
    from geoid.core.predictions import Outcome, Prediction
    from geoid.formats.maps import MapView


def draw(outcome: Outcome, areas: Areas, path: Path, *, hide_location: bool) -> None:
    """Write the map of a prediction to a file; a photo that failed has none.

    Raises `StorageError` where it cannot be written.
    """
    from geoid import packaged
    from geoid.core.predictions import Failure
    from geoid.formats.maps import svg

    if isinstance(outcome, Failure):
        return
    text = svg(view(outcome, areas, hide_location=hide_location), packaged.folder("areas") / "land.txt")
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise StorageError(f"{path}: cannot be written: {error.strerror}", "check --map") from error
    say(f"map: {path}")


def view(prediction: Prediction, areas: Areas, *, hide_location: bool) -> MapView:
    """The place, its cell, and where the answer, or else the best candidate, occurs."""
    from geoid.cli.reasons import called, place_line
    from geoid.core.places import shown, shown_cell
    from geoid.formats.maps import MapView

    location, first = prediction.capture.location, next(iter(prediction.ranking.candidates), None)
    taxa = () if first is None else first.covers or (first.taxon,)
    return MapView(
        place=shown(location.coordinates, hide=hide_location) if location else None,
        cell=shown_cell(prediction.cell, hide=hide_location),
        occurs=areas.range_cells([taxon.key for taxon in taxa]),
        title="no animal" if first is None else f"{called(first)} ({first.taxon.scientific_name})",
        caption=place_line(prediction, hide_location=hide_location),
    )
