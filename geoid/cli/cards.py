"""One photo's answer as a card for the terminal."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console, Group
    from rich.table import Table
    from rich.text import Text

    from geoid.core.predictions import Candidate, Prediction

BAR_WIDTH, NARROW_BAR, NARROW = 16, 8, 80
"""Characters of a full bar, and of one on a terminal with fewer columns than `NARROW`."""
EIGHTHS = " ▏▎▍▌▋▊▉█"

NO_NAME = {
    "not-sure": "not sure",
    "no-animal": "no animal",
    "nothing-that-occurs-here": "nothing that occurs here",
}
STYLES = {"expected": "green", "introduced": "green", "not-recorded": "red", "out-of-season": "red", "near": "yellow"}


@cache
def console() -> Console:
    """The terminal on stdout; it honours NO_COLOR and the terminal's width."""
    from rich.console import Console

    return Console(highlight=False, emoji=False)


def card(prediction: Prediction, *, hide_location: bool) -> Group:
    """The photo, the answer, the candidates with bars, what is known of the place, where place and date came from."""
    from rich.console import Group
    from rich.padding import Padding
    from rich.text import Text

    from geoid.core.text import printable

    body = Group(_headline(prediction), _candidates(prediction), _footer(prediction, hide_location))
    return Group(Text(printable(prediction.photo.path), style="dim"), Padding(body, (0, 0, 1, 2)))


def _headline(prediction: Prediction) -> Text:
    from rich.text import Text

    answer = prediction.ranking.answer
    if answer is None:
        line = Text(NO_NAME[prediction.ranking.status.value], style="bold yellow")
        return line.append(f"  animal score {prediction.ranking.animal_score:.2f}", style="not bold")
    taxon = answer.taxon
    line = Text(answer.common_name or taxon.scientific_name, style="bold green")
    line.append(f"  {taxon.scientific_name}", style="not bold italic")
    rank = "" if taxon.rank == "species" else f" ({taxon.rank})"
    return line.append(f"{rank}  {answer.score:.0%}", style="not bold")


def _candidates(prediction: Prediction) -> Table:
    from rich.table import Table

    width = BAR_WIDTH if console().width >= NARROW else NARROW_BAR
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right", style="dim", no_wrap=True, min_width=2)
    table.add_column(no_wrap=True, style="cyan", min_width=width)
    table.add_column(justify="right", no_wrap=True, min_width=5)
    table.add_column(style="italic", no_wrap=True)
    table.add_column(overflow="fold")  # the one that wraps where the terminal is narrow
    for position, candidate in enumerate(prediction.ranking.candidates, start=1):
        score = candidate.combined_score
        table.add_row(str(position), bar(score, width), f"{score:.3f}", *_names(candidate))
    return table


def _status(candidate: Candidate) -> Text:
    """What the place says of it; nothing where it says nothing."""
    from rich.text import Text

    status = candidate.local_status.value
    return Text("" if status == "unknown" else f"  {status}", style=STYLES.get(status, "dim"))


def bar(share: float, width: int) -> str:
    """A bar of eighths of a character, `width` characters for 1."""
    whole, rest = divmod(round(max(0.0, min(share, 1.0)) * width * 8), 8)
    return ("█" * whole + EIGHTHS[rest].strip()).ljust(width)


def _names(candidate: Candidate) -> tuple[str, Text]:
    """Scientific and common name, and what the place says; a breed, or another class, is named behind its taxon."""
    from rich.text import Text

    common = candidate.common_name or ""
    if candidate.covers:
        common += f" · any of {len(candidate.covers)}"
    label = candidate.label.partition(" (")[0]  # "boxer (dog)" is told apart from other boxers, which a dog need not be
    own = "" if label.lower() in common.lower() else f" ({label})"
    return candidate.taxon.scientific_name, Text(common + own).append_text(_status(candidate))


def _footer(prediction: Prediction, hide_location: bool) -> Text:
    from rich.text import Text

    from geoid.cli.reasons import coverage, place_line

    line = Text(place_line(prediction, hide_location=hide_location))
    if prediction.narrowing.species_here is not None:
        line.append(f"\n{coverage(prediction.narrowing)}", style="dim")
    parts = [_place(prediction, hide_location), _date(prediction), f"model {prediction.model.name}"]
    line.append(f"\n{' · '.join(parts)}", style="dim")
    if prediction.capture.problems:
        line.append(f"\nmetadata: {', '.join(prediction.capture.problems)}", style="yellow")
    return line


def _place(prediction: Prediction, hide_location: bool) -> str:
    from geoid.core.places import shown

    location = prediction.capture.location
    if location is None:
        return "no location"
    place = shown(location.coordinates, hide=hide_location)
    return f"{place.latitude:.4f}, {place.longitude:.4f} ({location.source})"


def _date(prediction: Prediction) -> str:
    date = prediction.capture.date
    return "no date" if date is None else f"{date.value} ({date.source})"
