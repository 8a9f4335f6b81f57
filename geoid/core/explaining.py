"""Why a taxon is, or is not, in the answer to a photo: its vision, its place, and what became of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from geoid.core.local_list import LocalTaxon, local_list
from geoid.core.pipeline import UNKNOWN, Pipeline
from geoid.core.predictions import Candidate, NarrowingStatus, Prediction
from geoid.core.values import Capture, Taxon

EVERY = 1_000_000


class Explanation(NamedTuple):
    """What is known of one taxon in one photo.

    `labels` are the classes of the model that show it (none: the model does not know it); `candidate` and `position`
    are its own in the whole ranking; `local` is what the area says of it or of its likeliest member, if anything.
    """

    prediction: Prediction
    taxon: Taxon
    labels: tuple[str, ...]
    candidate: Candidate | None
    position: int | None
    local: LocalTaxon | None
    distance_km: float | None


def explain(pipeline: Pipeline, name: str, data: bytes, taxon: Taxon, given: Capture = UNKNOWN) -> Explanation:
    """Predict a photo with every candidate kept, and find the taxon among them; raises as `Pipeline.predict` does."""
    whole = replace(pipeline, rules=pipeline.rules._replace(top=EVERY))
    prediction = whole.predict(name, data, given)
    candidates = prediction.ranking.candidates
    position, candidate = _found(candidates, taxon)
    labels = tuple(label.text for same in pipeline.grouping.groups for label in same.labels if _shows(same.taxa, taxon))
    ranking = prediction.ranking._replace(candidates=candidates[: pipeline.rules.top])
    return Explanation(
        replace(prediction, ranking=ranking), taxon, labels, candidate, position, *_here(pipeline, prediction, taxon)
    )


def _found(candidates: Sequence[Candidate], taxon: Taxon) -> tuple[int | None, Candidate | None]:
    """The first candidate that is the taxon, stands for it, or lies below it."""
    for position, candidate in enumerate(candidates, start=1):
        if _shows(candidate.covers or (candidate.taxon,), taxon):
            return position, candidate
    return None, None


def _shows(taxa: Sequence[Taxon], taxon: Taxon) -> bool:
    return any(one.lineage.get(taxon.rank) == taxon.scientific_name for one in taxa)


def _here(pipeline: Pipeline, prediction: Prediction, taxon: Taxon) -> tuple[LocalTaxon | None, float | None]:
    """What the area says of the taxon, and how far away it occurs."""
    location, date = prediction.capture.location, prediction.capture.date
    if location is None or prediction.narrowing.status is not NarrowingStatus.APPLIED:
        return None, None
    listed = local_list(pipeline.areas, location.coordinates, date.value.month if date else None)
    below = [one for one in listed.taxa if one.taxon.lineage.get(taxon.rank) == taxon.scientific_name]
    likeliest = min(below, key=lambda one: (not one.included, -(one.geo_score or 0)), default=None)
    return likeliest, pipeline.areas.distance_km([one.taxon.key for one in below], location.coordinates)
