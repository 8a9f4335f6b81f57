"""The answer to a photo: candidates, the chosen taxon, and everything that led there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from geoid.core.values import Capture, Taxon
from geoid.errors import GeoidError

STEPS = ("read", "metadata", "lookup", "classify", "rank")
"""The five steps; the same names in code, logs, metrics, `timings_ms`, charts and docs."""


class NarrowingStatus(StrEnum):
    """Whether place and season took part in the answer, and if not, why."""

    OFF = "off"
    NO_LOCATION = "no-location"


class AnswerStatus(StrEnum):
    """What kind of answer this is."""

    SPECIES = "species"
    HIGHER_RANK = "higher-rank"
    NOT_SURE = "not-sure"
    NO_ANIMAL = "no-animal"


class LocalStatus(StrEnum):
    """What the area data says of a candidate at this place and season."""

    DOMESTIC = "domestic"
    UNKNOWN = "unknown"


class PhotoSummary(NamedTuple):
    """What the output says of a photo: width and height in pixels, upright."""

    path: str
    sha256: str
    width: int
    height: int


class Candidate(NamedTuple):
    """One ranked possibility; `covers` names the taxa where one class of the model takes in several.

    `vision_score` is the model's probability, `geo_score` is 0..1 or none without area data, and the
    `combined_score` of all candidates of a photo sums to 1 (before the list is cut to the wanted length).
    """

    taxon: Taxon
    label: str
    vision_score: float
    geo_score: float | None
    combined_score: float
    local_status: LocalStatus
    covers: tuple[Taxon, ...] = ()

    @property
    def common_name(self) -> str | None:
        """What to call it: a class of several species goes by the class's own name, a single taxon by the taxon's."""
        return self.label if self.covers else self.taxon.common_name


class Answer(NamedTuple):
    """The deepest taxon whose summed score passes the bar."""

    taxon: Taxon
    common_name: str | None
    score: float


class Ranking(NamedTuple):
    """What ranking makes of one photo's scores."""

    status: AnswerStatus
    answer: Answer | None
    candidates: tuple[Candidate, ...]
    animal_score: float


class Narrowing(NamedTuple):
    """How place and season took part."""

    status: NarrowingStatus


class ModelReference(NamedTuple):
    """The model that answered: its name and the digest of its file."""

    name: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Prediction:
    """The answer to one photo; `timings_ms` holds the steps of `STEPS` and `total`."""

    photo: PhotoSummary
    capture: Capture
    cell: str | None
    ranking: Ranking
    narrowing: Narrowing
    model: ModelReference
    timings_ms: Mapping[str, float] = field(compare=False)


class Failure(NamedTuple):
    """A photo that could not be answered, in its place among the others."""

    path: str
    error: GeoidError


Outcome = Prediction | Failure
