"""What the place did to an answer, in one line."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from geoid.core.predictions import Candidate, Narrowing, Prediction, Ranking, WhyNot

NOT_USED = {
    "no-location": "no location: by vision alone",
    "no-data-here": "no area data for this place: by vision alone",
    "database-unavailable": "area data cannot be read: by vision alone",
    "off": "place not used (location mode off)",
}
REMARKS = {
    "expected": "expected here",
    "introduced": "introduced here",
    "domestic": "kept by people everywhere",
    "unknown": "nothing known of it here",
    "out-of-season": "not here in this month",
    "near": "recorded near here only",
    "not-recorded": "not recorded here",
}
AWAY = {"not-recorded", "out-of-season"}
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def place_line(prediction: Prediction, *, hide_location: bool = False) -> str:
    """What the place changed, or that it changed nothing, or why it took no part; of a hidden place no distance."""
    status, ranking = prediction.narrowing.status.value, prediction.ranking
    if hide_location and ranking.why_not is not None:
        ranking = ranking._replace(why_not=ranking.why_not._replace(distance_km=None))
    if status in NOT_USED:
        return NOT_USED[status]
    if prediction.narrowing.mode.value == "annotate":
        return "in the order of vision; what the place says is a remark"
    if ranking.status.value == "nothing-that-occurs-here":
        return f"the fence left nothing: {_ruled_out(ranking.why_not)}"
    if not ranking.candidates or ranking.by_vision is None:
        return "the place changed nothing"
    return _change(ranking, ranking.candidates[0], ranking.by_vision)


def _change(ranking: Ranking, first: Candidate, seen: Candidate) -> str:
    name = called(first)
    if first.taxon == seen.taxon and first.covers == seen.covers:
        if first.local_status.value in AWAY:
            return f"the place speaks against it: {name} is {_remark(ranking, first)}"
        if first.local_status.value == "unknown":
            return f"the place changed nothing: the area data says nothing of {name}"
        return f"the place changed nothing: {name} is {_remark(ranking, first)}"
    if first.label == seen.label:
        left = f"{len(first.covers)} occur here" if first.covers else f"only {first.taxon.scientific_name} occurs here"
        remark = REMARKS[first.local_status.value] if first.local_status.value in AWAY else ""
        now = f", but it is {remark}" if remark else ""
        return f"the place narrowed it down: of {len(seen.covers)} called {_plain(seen.label)}, {left}{now}"
    if ranking.why_not is not None:
        return f"the place put {name} first: {_ruled_out(ranking.why_not)}"
    return f"the place put {name} before {called(seen)}"


def _remark(ranking: Ranking, first: Candidate) -> str:
    remark = REMARKS[first.local_status.value]
    if first.local_status.value not in AWAY:
        return remark
    away = distance(ranking.why_not)
    return f"{remark}{away and ' (' + away + ')'}, but nothing that is here looks like it"


def _ruled_out(why_not: WhyNot | None) -> str:
    if why_not is None:
        return "nothing that vision saw occurs here"
    name = why_not.common_name or why_not.taxon.scientific_name
    away = distance(why_not)
    return f"{_plain(name)} is {REMARKS[why_not.reason.value]}{away and ' (' + away + ')'}"


def distance(why_not: WhyNot | None) -> str:
    """How far away the ruled-out animal occurs, if that is known."""
    if why_not is None or why_not.distance_km is None or why_not.reason.value == "out-of-season":
        return ""
    return nearest(why_not.distance_km)


def nearest(kilometres: float) -> str:
    """How far away the nearest cell is, to ten kilometres: its centre may lie nearer than that."""
    return f"nearest {max(round(kilometres, -1), 10):,.0f} km away"


def called(candidate: Candidate | WhyNot) -> str:
    """The everyday name of a candidate."""
    return _plain(candidate.common_name or candidate.taxon.scientific_name)


def _plain(name: str) -> str:
    return name.partition(" (")[0]


def coverage(narrowing: Narrowing) -> str:
    """How many taxa occur at a place, how many of them the model knows, and how many records that rests on."""
    here, known = narrowing.species_here or 0, narrowing.known_to_model or 0
    text = f"{counted(here)} here in some month, {known:,} of them known to the model"
    return text if narrowing.density is None else f"{text}; {records(narrowing.density)} near"


def counted(taxa: int) -> str:
    """So many taxa occur."""
    return f"{taxa:,} taxon occurs" if taxa == 1 else f"{taxa:,} taxa occur"


def records(density: int) -> str:
    """The count of records that a density stands for, to two digits, which is more than it is good for."""
    from geoid.core.features import COUNTS

    count = int(COUNTS[density])
    if count <= 1:
        return "1 record" if count else "no records"
    return f"about {round(count, min(0, 2 - len(str(count)))):,} records"


def months_text(months: tuple[int, ...]) -> str:
    """Months as a person writes them: `all year`, `Apr-Sep`, `Nov-Feb`, `Jan, Mar-Apr`."""
    if len(months) in {0, 12}:
        return "all year" if months else "never"
    starts = [month for month in months if (month - 2) % 12 + 1 not in months]
    return ", ".join(_run(start, months) for start in starts)


def _run(start: int, months: tuple[int, ...]) -> str:
    end = start
    while end % 12 + 1 in months and end % 12 + 1 != start:
        end = end % 12 + 1
    return MONTHS[start - 1] if start == end else f"{MONTHS[start - 1]}-{MONTHS[end - 1]}"
