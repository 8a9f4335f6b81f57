"""Predictions as versioned documents: the shape of `--format json`, which only grows."""

from __future__ import annotations

from geoid.core.places import shown, shown_cell
from geoid.core.predictions import Answer, Candidate, Failure, Narrowing, Outcome, Prediction, WhyNot
from geoid.core.values import Capture, Location, Taxon
from geoid.errors import GeoidError

FORMAT = 1
LINEAGE = ("class", "order", "family", "genus")
DIGITS = 6

Document = dict[str, object]


def document(outcome: Outcome, *, hide_location: bool = False) -> Document:
    """One photo's outcome; with `hide_location` no more of the place is told than its resolution-3 cell."""
    if isinstance(outcome, Failure):
        return {"format": FORMAT, "photo": {"path": outcome.path}, "error": error_document(outcome.error)}
    return _prediction(outcome, hide_location)


def error_document(error: GeoidError) -> Document:
    """An error's stable kind and its sentence."""
    return {"kind": error.kind, "message": error.message}


def _prediction(prediction: Prediction, hide_location: bool) -> Document:
    photo, ranking, capture = prediction.photo, prediction.ranking, prediction.capture
    return {
        "format": FORMAT,
        "photo": {"path": photo.path, "sha256": photo.sha256, "width": photo.width, "height": photo.height},
        "location": _location(capture.location, hide_location),
        "date": _date(capture),
        "problems": list(capture.problems),
        "cell": shown_cell(prediction.cell, hide=hide_location),
        "narrowing": _narrowing(prediction.narrowing),
        "answer_status": ranking.status.value,
        "answer": _answer(ranking.answer),
        "candidates": [candidate_document(candidate) for candidate in ranking.candidates],
        "by_vision": ranking.by_vision and _seen(ranking.by_vision),
        "why_not": ranking.why_not and _why_not(ranking.why_not, hide_location),
        "animal_score": _score(ranking.animal_score),
        "model": {"name": prediction.model.name, "sha256": prediction.model.sha256},
        "timings_ms": {step: round(spent, 3) for step, spent in prediction.timings_ms.items()},
    }


def _narrowing(narrowing: Narrowing) -> Document:
    return {
        "status": narrowing.status.value,
        "lookup": narrowing.lookup and narrowing.lookup.value,
        "release": narrowing.release,
        "mode": narrowing.mode.value,
        "species_here": narrowing.species_here,
        "known_to_model": narrowing.known_to_model,
        "density": narrowing.density,
    }


def _seen(candidate: Candidate) -> Document:
    """What comes first without the place."""
    named = _taxon(candidate.taxon, candidate.common_name)
    return {**named, "label": candidate.label, "vision_score": _score(candidate.vision_score)}


def _why_not(why_not: WhyNot, hide_location: bool) -> Document:
    """What vision saw and the place rules out; of a hidden place no distance is told."""
    distance = why_not.distance_km
    return {
        **_taxon(why_not.taxon, why_not.common_name),
        "covers": [taxon.scientific_name for taxon in why_not.covers],
        "vision_score": _score(why_not.vision_score),
        "reason": why_not.reason.value,
        "distance_km": None if distance is None or hide_location else round(distance),
    }


def _location(location: Location | None, hide_location: bool) -> Document | None:
    if location is None:
        return None
    place = shown(location.coordinates, hide=hide_location)
    return {
        "latitude": round(place.latitude, DIGITS),
        "longitude": round(place.longitude, DIGITS),
        "uncertainty_m": place.uncertainty_m,
        "source": location.source.value,
    }


def _date(capture: Capture) -> Document | None:
    if capture.date is None:
        return None
    return {"value": capture.date.value.isoformat(), "source": capture.date.source.value}


def _taxon(taxon: Taxon, common_name: str | None) -> Document:
    return {
        "scientific_name": taxon.scientific_name,
        "common_name": common_name,
        "rank": taxon.rank,
        "taxon_key": taxon.key,
    }


def _answer(answer: Answer | None) -> Document | None:
    if answer is None:
        return None
    return {**_taxon(answer.taxon, answer.common_name), "score": _score(answer.score)}


def candidate_document(candidate: Candidate) -> Document:
    """One candidate, as it stands in the list of a prediction."""
    return {
        **_taxon(candidate.taxon, candidate.common_name),
        "lineage": {rank: candidate.taxon.lineage.get(rank) for rank in LINEAGE},
        "label": candidate.label,
        "covers": [taxon.scientific_name for taxon in candidate.covers],
        "vision_score": _score(candidate.vision_score),
        "geo_score": None if candidate.geo_score is None else _score(candidate.geo_score),
        "combined_score": _score(candidate.combined_score),
        "local_status": candidate.local_status.value,
    }


def _score(score: float) -> float:
    return round(score, DIGITS)
