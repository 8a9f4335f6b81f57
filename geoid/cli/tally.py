"""What is said about a run of predictions while it goes on and at its end, and the exit code that follows."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import typer

from geoid.cli.options import say
from geoid.errors import BadInputError, GeoidError, NoLocationError, UnavailableError, exit_code

if TYPE_CHECKING:
    from geoid.core.predictions import LookupFacts, Outcome, Prediction, Trouble

APPLIED = {"applied", "stale"}
"""The narrowing statuses that --require-location takes for an answer with a place."""

DEGRADED = {
    "database-unavailable": "by vision alone, because the database did not answer",
    "stale": "by the release before the one in force, because the database did not answer",
}
"""What is said of answers that were less than what was asked for."""


@dataclass(slots=True)
class Tally:
    """The counts of a run, and what is said of them on stderr."""

    hide_location: bool
    photos: int = 0
    failed: list[GeoidError] = field(default_factory=list)
    homeless: int = 0
    without_data: int = 0
    degraded: Counter[str] = field(default_factory=Counter)
    troubles: Counter[Trouble] = field(default_factory=Counter)
    cells: Counter[str] = field(default_factory=Counter)

    def count(self, outcome: Outcome) -> None:
        """Take one outcome into account; a failure is said at once."""
        from geoid import telemetry
        from geoid.core.predictions import Failure

        self.photos += 1
        if isinstance(outcome, Failure):
            self.failed.append(outcome.error)
            say(f"error: {outcome.error.message}")
            return
        homeless = outcome.narrowing.status.value == "no-location"
        self.homeless += homeless
        self.without_data += not homeless and outcome.narrowing.status.value not in APPLIED
        self._look_at(outcome)
        telemetry.event("predicted", facts(outcome, hide_location=self.hide_location))

    def _look_at(self, outcome: Prediction) -> None:
        """Take the lookup into account; each kind of trouble is said once, when it is first met."""
        status = outcome.narrowing.status.value
        if status in DEGRADED:
            self.degraded[status] += 1
        if outcome.lookup is None:
            return
        self.cells.update(cells(outcome.lookup))
        for trouble in outcome.lookup.troubles:
            self.troubles[trouble] += 1
            if self.troubles[trouble] == 1:
                say(warning(trouble))

    def close(self, *, require_location: bool) -> None:
        """Say what is left to say, and leave with the exit code if it is not 0."""
        from geoid import telemetry

        if self.cells:
            telemetry.event("looked-up", {**self.cells, "troubles": self.troubles.total()})
        for status, count in self.degraded.items():
            say(f"warning: {count} of {self.photos} answers {DEGRADED[status]}")
        hints = list(dict.fromkeys(error.hint for error in self.failed if error.hint))
        if self.failed and self.photos > 1:
            say(f"error: {len(self.failed)} of {self.photos} photos could not be used")
        codes = {BadInputError.exit_code} if self.failed else set()
        if require_location and self.homeless:
            say(f"error: {self._share_without_location()} no usable location (--require-location)")
            hints.append("give one with --at LAT,LON, or put an XMP sidecar beside the photo")
            codes.add(NoLocationError.exit_code)
        if require_location and self.without_data:
            say(f"error: the place took no part in {self.without_data} of {self.photos} answers (--require-location)")
            hints.append("narrowing.status in the JSON output says why; geoid species --at LAT,LON shows what is known")
            codes.add(UnavailableError.exit_code)
        for hint in hints:
            say(f"\nhint: {hint}")
        if codes:
            raise typer.Exit(exit_code(codes))

    def _share_without_location(self) -> str:
        return "the photo has" if self.photos == 1 else f"{self.homeless} of {self.photos} photos have"


def warn(lookup: LookupFacts | None) -> None:
    """Say what befell a lookup, each kind of trouble once."""
    for trouble in dict.fromkeys(lookup.troubles if lookup else ()):
        say(warning(trouble))


def warning(trouble: Trouble) -> str:
    """What is said of a tier that failed."""
    said = trouble.message if trouble.message.startswith(trouble.tier) else f"{trouble.tier} {trouble.message}"
    return f"warning: {said}"


def facts(prediction: Prediction, *, hide_location: bool) -> dict[str, object]:
    """What a log may hold of a prediction: no more of the place than the cell, or the large cell if it is hidden."""
    from geoid.core.places import shown_cell

    steps = {f"{step}_ms": round(spent, 2) for step, spent in prediction.timings_ms.items()}
    return {
        "photo": prediction.photo.path,
        "cell": shown_cell(prediction.cell, hide=hide_location),
        "narrowing": prediction.narrowing.status.value,
        "lookup": prediction.narrowing.lookup and prediction.narrowing.lookup.value,
        "release": prediction.narrowing.release,
        "answer": prediction.ranking.status.value,
        "model": prediction.model.name,
        **steps,
        **(looked(prediction.lookup) if prediction.lookup else {}),
    }


def cells(lookup: LookupFacts) -> dict[str, int]:
    """How many cells had each outcome."""
    return {f"cells_{outcome.value}": count for outcome, count in lookup.outcomes.items()}


def looked(lookup: LookupFacts) -> dict[str, object]:
    """How the lookup went: cells by outcome, milliseconds by tier, and how often a tier failed."""
    tiers = {f"lookup_{tier}_ms": round(spent, 2) for tier, spent in lookup.timings_ms.items()}
    return {**cells(lookup), **tiers, **({"troubles": len(lookup.troubles)} if lookup.troubles else {})}
