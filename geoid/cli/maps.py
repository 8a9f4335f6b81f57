"""The map of an answer, as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from geoid.cli.options import say
from geoid.errors import StorageError, UsageError

if TYPE_CHECKING:
    from geoid.core.areas import Areas
    from geoid.core.predictions import Candidate, Outcome, Prediction, WhyNot
    from geoid.formats.maps import MapView


OTHER_PICTURES = {".png", ".jpg", ".jpeg", ".gif", ".webp", ".pdf"}


def check_target(path: Path | None) -> None:
    """Raise `UsageError` where a map is to be some other kind of picture."""
    if path and path.suffix.lower() in OTHER_PICTURES:
        raise UsageError(f"--map writes SVG, not {path.suffix}", "give a file name that ends in .svg")


def draw(outcome: Outcome, areas: Areas, path: Path, *, hide_location: bool) -> None:
    """Write the map of a prediction to a file; a photo that failed has none.

    Raises `StorageError` where it cannot be written.
    """
    from geoid.core.predictions import Failure

    if not isinstance(outcome, Failure):
        write(view(outcome, areas, hide_location=hide_location), path)


def write(seen: MapView, path: Path) -> None:
    """Write a map to a file; raises `StorageError` where it cannot be written."""
    from geoid import packaged
    from geoid.formats.maps import svg

    try:
        path.write_text(svg(seen, packaged.folder("areas") / "land.txt"), encoding="utf-8")
    except OSError as error:
        raise StorageError(f"{path}: cannot be written: {error.strerror}", "check --map") from error
    say(f"map: {path}")


def view(prediction: Prediction, areas: Areas, *, hide_location: bool) -> MapView:
    """The place, its cell, and where the answer, or else the best candidate, occurs."""
    from geoid.cli.reasons import called, place_line
    from geoid.core.places import shown, shown_cell
    from geoid.formats.maps import MapView

    location, subject = prediction.capture.location, _subject(prediction)
    everywhere = subject is None or getattr(subject, "local_status", None) == "domestic"
    taxa = () if subject is None or everywhere else subject.covers or (subject.taxon,)
    return MapView(
        place=shown(location.coordinates, hide=hide_location) if location else None,
        cell=shown_cell(prediction.cell, hide=hide_location),
        occurs=areas.range_cells([taxon.key for taxon in taxa]),
        title="no animal" if subject is None else f"{called(subject)} ({subject.taxon.scientific_name})",
        caption=place_line(prediction, hide_location=hide_location),
    )


def _subject(prediction: Prediction) -> Candidate | WhyNot | None:
    """What the map is about: the first candidate, or what a fence has ruled out; nothing where there is no animal."""
    ranking = prediction.ranking
    if ranking.status.value == "no-animal":
        return None
    if ranking.status.value == "nothing-that-occurs-here" and ranking.why_not is not None:
        return ranking.why_not
    return next(iter(ranking.candidates), None)


SPANS = {"sea": "", "land": "dim", "range": "blue", "place": "bold red"}


def show(prediction: Prediction, areas: Areas, *, taxa: Sequence[str], hide_location: bool) -> None:
    """Print a small map of where these taxa occur, on a terminal only."""
    import sys

    if sys.stdout.isatty():
        seen = view(prediction, areas, hide_location=hide_location)
        print_map(seen._replace(occurs=areas.range_cells(taxa)))


def print_map(seen: MapView) -> None:
    """Print a small map, on a terminal only."""
    import sys

    if not sys.stdout.isatty():
        return
    from rich.text import Text

    from geoid import packaged
    from geoid.cli.cards import console
    from geoid.formats.maps import terminal

    for row in terminal(seen, packaged.folder("areas") / "land.txt", min(console().width, 80)):
        console().print(Text.assemble(*((span.text, SPANS[span.style]) for span in row)))
