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

    APPLIED = "applied"
    STALE = "stale"
    NO_LOCATION = "no-location"
    NO_DATA_HERE = "no-data-here"
    DATABASE_UNAVAILABLE = "database-unavailable"
    OFF = "off"


class Mode(StrEnum):
    """How place and season take part: soft evidence, a hard fence, a remark, or not at all."""

    BOOST = "boost"
    FILTER = "filter"
    ANNOTATE = "annotate"
    OFF = "off"


class LookupOutcome(StrEnum):
    """Where the features of a place came from; the worst of its cells."""

    LOCAL_HIT = "local_hit"
    HIT = "hit"
    MISS = "miss"
    ABSENT = "absent"
    STALE = "stale"
    BYPASS = "bypass"
    UNAVAILABLE = "unavailable"


class AnswerStatus(StrEnum):
    """What kind of answer this is."""

    SPECIES = "species"
    HIGHER_RANK = "higher-rank"
    NOT_SURE = "not-sure"
    NO_ANIMAL = "no-animal"
    NOTHING_HERE = "nothing-that-occurs-here"


class LocalStatus(StrEnum):
    """What the area data says of a candidate at this place and season."""

    EXPECTED = "expected"
    INTRODUCED = "introduced"
    DOMESTIC = "domestic"
    UNKNOWN = "unknown"
    OUT_OF_SEASON = "out-of-season"
    NEAR = "near"
    NOT_RECORDED = "not-recorded"


class PhotoSummary(NamedTuple):
    """What the output says of a photo: width and height in pixels, upright."""

    path: str
    sha256: str
    width: int
    height: int


class Candidate(NamedTuple):
    """One ranked possibility; `covers` names the taxa, likeliest first, where a class of the model stands for several.

    With a place those are the ones that are likely there, and the candidate is then what they have in common.

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
    common_name: str | None = None


class Answer(NamedTuple):
    """The deepest taxon whose summed score passes the bar."""

    taxon: Taxon
    common_name: str | None
    score: float


class WhyNot(NamedTuple):
    """The best that vision saw and the place rules out: the class or taxon, why, and how far away it occurs.

    `covers` are the taxa of the class; the distance is not known without coordinates or a range.
    """

    taxon: Taxon
    common_name: str | None
    covers: tuple[Taxon, ...]
    vision_score: float
    reason: LocalStatus
    distance_km: float | None = None


class Ranking(NamedTuple):
    """What ranking makes of one photo's scores; `by_vision` is the class that comes first without the place."""

    status: AnswerStatus
    answer: Answer | None
    candidates: tuple[Candidate, ...]
    animal_score: float
    by_vision: Candidate | None = None
    why_not: WhyNot | None = None


class Narrowing(NamedTuple):
    """How place and season took part: taxa that occur here, those of them the model knows, density of records."""

    status: NarrowingStatus
    mode: Mode = Mode.BOOST
    lookup: LookupOutcome | None = None
    release: str | None = None
    species_here: int | None = None
    known_to_model: int | None = None
    density: int | None = None


class Trouble(NamedTuple):
    """What a tier (`cache` or `database`) did instead of answering: the kind of error and its sentence."""

    tier: str
    kind: str
    message: str


class LookupFacts(NamedTuple):
    """How a lookup went: keys by outcome, the trouble met, milliseconds by tier."""

    outcomes: Mapping[LookupOutcome, int]
    troubles: tuple[Trouble, ...]
    timings_ms: Mapping[str, float]


class ModelReference(NamedTuple):
    """The model that answered: its name and the digest of its file."""

    name: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Prediction:
    """The answer to one photo; `timings_ms` holds `total` and each of `STEPS`, of which lookup and classify overlap."""

    photo: PhotoSummary
    capture: Capture
    cell: str | None
    ranking: Ranking
    narrowing: Narrowing
    model: ModelReference
    timings_ms: Mapping[str, float] = field(compare=False)
    lookup: LookupFacts | None = field(default=None, compare=False)


class Failure(NamedTuple):
    """A photo that could not be answered, in its place among the others."""

    path: str
    error: GeoidError


Outcome = Prediction | Failure
