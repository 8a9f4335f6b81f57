"""Ranking: vision and area evidence to candidates and one answer. Pure functions over frozen tables.

    factor(y) = max(geo_score(y) ^ power, absent)      unknown: the median score of the taxa that are here
    class     = the greatest factor of its taxa
    combined  ~ vision_score x factor, summing to 1

A class that shows several taxa is narrowed to those that are likely at the place. Between classes the evidence of a
place is softened by the power, because vision and frequency are not independent; inside a class vision says nothing,
so the class's score is shared in proportion to the geo scores themselves.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geoid.core.evidence import ABSENT, CODES, NEAR, SEASON, STATUSES, Evidence
from geoid.core.grouping import Grouping, Nodes, common_taxon
from geoid.core.predictions import Answer, AnswerStatus, Candidate, LocalStatus, Mode, Ranking, WhyNot
from geoid.core.values import Taxon

Floats = NDArray[np.float64]

WHY_NOT_FROM = 0.1
"""Share of the animal score that a class needs for its absence to be worth a word."""

LIKELY = 0.31
"""A taxon with less than this share of its class's best geo score is not meant: near and out of season score 0.3."""

RULED_OUT = (ABSENT, SEASON)
FENCED_OUT = (ABSENT, SEASON, NEAR)
"""What the soft evidence speaks against, and what a fence keeps out: all that `geoid species` excludes."""


class RankingRules(NamedTuple):
    """The bars of ranking: the summed score an answer needs, and the animal score below which there is no animal.

    `power` softens the evidence of a place, `absent` is the factor of what does not occur there.
    """

    answer_bar: float = 0.65
    animal_bar: float = 0.2
    top: int = 5
    power: float = 0.3
    absent: float = 0.12


class Seen(NamedTuple):
    """What vision says: the score of each group, the place of its best class, and of all animals together."""

    vision: Floats
    best: NDArray[np.intp]
    animal_score: float


class Local(NamedTuple):
    """What the place says of each pair of group and taxon: geo score (nan: unknown), status, factor.

    `meant` are the taxa that a class stands for here, `shares` how its score is divided among them.
    """

    scores: Floats
    statuses: NDArray[np.int8]
    factors: Floats
    meant: NDArray[np.bool_]
    shares: Floats


class Split(NamedTuple):
    """Combined scores, summing to 1: of the groups, and of the units that are candidates (`Grouping`)."""

    groups: Floats
    unit_of: NDArray[np.intp]
    units: Floats


def rank(
    grouping: Grouping,
    probabilities: NDArray[np.float32],
    rules: RankingRules,
    evidence: Evidence | None = None,
    mode: Mode = Mode.BOOST,
) -> Ranking:
    """Rank one photo's class probabilities, shape (classes,); without evidence by vision alone.

    Ties are broken by taxon key.
    """
    seen = _seen(grouping, probabilities)
    if not grouping.groups:
        status = AnswerStatus.NO_ANIMAL if seen.animal_score < rules.animal_bar else AnswerStatus.NOT_SURE
        return Ranking(status, None, (), seen.animal_score)
    alone = everywhere(grouping)
    local = alone if evidence is None else localise(grouping, evidence, rules, fence=mode is Mode.FILTER)
    used = local if mode is not Mode.ANNOTATE else local._replace(factors=alone.factors, meant=alone.meant)
    split = _split(grouping, seen, used)
    order = _order(grouping, split)[: rules.top]
    candidates = tuple(_candidate(grouping, seen, used, split, unit) for unit in order)
    by_vision = candidates[0] if evidence is None else _by_vision(grouping, seen, alone)
    why_not = _why_not(grouping, seen, local, FENCED_OUT if mode is Mode.FILTER else RULED_OUT)
    ranking = Ranking(AnswerStatus.NO_ANIMAL, None, candidates, seen.animal_score, by_vision, why_not)
    if seen.animal_score < rules.animal_bar:
        return ranking
    if mode is Mode.FILTER and _fenced_off(grouping, seen, local, rules):
        return ranking._replace(status=AnswerStatus.NOTHING_HERE)
    shares = None if evidence is None or mode is Mode.ANNOTATE else local.shares
    answer = _answer(grouping, candidates[0], split, shares, rules.answer_bar)
    return ranking._replace(status=_status(answer), answer=answer)


def _seen(grouping: Grouping, probabilities: NDArray[np.float32]) -> Seen:
    scores = probabilities[grouping.classes].astype(np.float64)
    vision = _sums(grouping.group_of, scores, len(grouping.groups))
    best = np.zeros(len(grouping.groups), dtype=np.intp)
    worst_first = np.argsort(scores, kind="stable")
    best[grouping.group_of[worst_first]] = worst_first  # of several writes to one place numpy keeps the last
    return Seen(vision, best, float(min(scores.sum(), 1.0)))


def _sums(places: NDArray[np.intp], weights: Floats, count: int) -> Floats:
    """The weights added up by place."""
    found: Floats = np.bincount(places, weights=weights, minlength=count).astype(np.float64)
    return found


def everywhere(grouping: Grouping) -> Local:
    """What is said of each pair where no place takes part: nothing, and a class stands for all its taxa."""
    pairs = len(grouping.pair_group)
    domestic, unknown = CODES[LocalStatus.DOMESTIC], CODES[LocalStatus.UNKNOWN]
    statuses = np.where(grouping.domestic[grouping.pair_group], domestic, unknown)
    sizes = np.bincount(grouping.pair_group)
    return Local(
        np.full(pairs, np.nan), statuses, np.ones(pairs), np.ones(pairs, dtype=bool), 1 / sizes[grouping.pair_group]
    )


def localise(grouping: Grouping, evidence: Evidence, rules: RankingRules, *, fence: bool = False) -> Local:
    """What a place says of each pair; animals that people keep are never held against it; a fence leaves more out."""
    kept = _kept(grouping, evidence)
    scores = np.where(kept, np.nan, evidence.scores[grouping.pair_taxon])
    statuses = np.where(kept, CODES[LocalStatus.DOMESTIC], evidence.statuses[grouping.pair_taxon])
    filled = np.where(np.isnan(scores), evidence.neutral, scores)
    out = np.isin(statuses, FENCED_OUT) if fence else np.zeros_like(kept)
    filled = np.where(out, 0.0, filled)
    meant = filled >= LIKELY * _greatest(grouping, filled)[grouping.pair_group]
    shares = np.where(meant, np.maximum(filled, np.finfo(float).tiny), 0.0)
    totals = np.bincount(grouping.pair_group, weights=shares)
    factors = np.where(out, 0.0, np.maximum(filled**rules.power, rules.absent))
    return Local(scores, statuses, factors, meant, shares / totals[grouping.pair_group])


def _kept(grouping: Grouping, evidence: Evidence) -> NDArray[np.bool_]:
    """Pairs of a domestic class and a domestic taxon; where area data marks none in a class, all of it are."""
    of_domestic_class = grouping.domestic[grouping.pair_group]
    marked = of_domestic_class & evidence.domestic[grouping.pair_taxon]
    has_marked = np.bincount(grouping.pair_group, weights=marked) > 0
    kept: NDArray[np.bool_] = marked | (of_domestic_class & ~has_marked[grouping.pair_group])
    return kept


def _greatest(grouping: Grouping, values: Floats) -> Floats:
    """The greatest value of each group's pairs."""
    starts = np.flatnonzero(np.diff(grouping.pair_group, prepend=-1))
    found: Floats = np.maximum.reduceat(values, starts)
    return found


def _split(grouping: Grouping, seen: Seen, local: Local) -> Split:
    """Combine, and give each group's score to the one taxon it stands for, or to itself."""
    groups = seen.vision * _greatest(grouping, local.factors)
    groups = groups / (groups.sum() or 1.0)
    meant = np.flatnonzero(local.meant)
    numbers, first, counts = np.unique(grouping.pair_group[meant], return_index=True, return_counts=True)
    unit_of = np.where(counts == 1, grouping.pair_taxon[meant[first]], len(grouping.taxa) + numbers)
    units = _sums(unit_of, groups, len(grouping.by_key))
    return Split(groups, unit_of, units)


def _order(grouping: Grouping, split: Split) -> list[int]:
    """The units, best first, equal ones by taxon key."""
    used = np.unique(split.unit_of)
    ordered: list[int] = used[np.lexsort((grouping.by_key[used], -split.units[used]))].tolist()
    return ordered


def _candidate(grouping: Grouping, seen: Seen, local: Local, split: Split, unit: int) -> Candidate:
    """A unit as candidate, with the class that speaks for it most."""
    members = np.flatnonzero(split.unit_of == unit)
    lead = int(members[np.argmax(split.groups[members])])
    pairs = np.flatnonzero((grouping.pair_group == lead) & local.meant)
    pairs = pairs[np.argsort(-local.shares[pairs], kind="stable")]
    taxa = tuple(grouping.taxa[taxon] for taxon in grouping.pair_taxon[pairs].tolist())
    taxon = common_taxon(grouping.table, taxa)
    label = grouping.texts[seen.best[lead]]
    score, status = float(local.scores[pairs[0]]), STATUSES[local.statuses[pairs[0]]]
    return Candidate(
        taxon,
        label,
        float(seen.vision[members].sum()),
        None if np.isnan(score) else score,
        float(split.units[unit]),
        status,
        taxa if len(taxa) > 1 else (),
        _name(label, grouping.groups[lead].taxa, taxa, taxon),
    )


def _name(label: str, taxa: Sequence[Taxon], here: Sequence[Taxon], taxon: Taxon) -> str | None:
    """What to call it: several taxa go by their class's name, unless that is the name of one that is not meant."""
    away = {(other.common_name or "").lower() for other in taxa if other not in here}
    return taxon.common_name if len(here) == 1 or label.lower() in away else label


def _by_vision(grouping: Grouping, seen: Seen, alone: Local) -> Candidate:
    split = _split(grouping, seen, alone)
    return _candidate(grouping, seen, alone, split, _order(grouping, split)[0])


def _fenced_off(grouping: Grouping, seen: Seen, local: Local, rules: RankingRules) -> bool:
    """Whether the fence leaves less of what vision saw than an animal needs."""
    inside = _greatest(grouping, (~np.isin(local.statuses, FENCED_OUT)).astype(np.float64))
    return float((seen.vision * inside).sum()) < rules.animal_bar * seen.animal_score


def _why_not(grouping: Grouping, seen: Seen, local: Local, outside: tuple[np.int8, ...]) -> WhyNot | None:
    """The best class of which no taxon is to be expected here and now."""
    ruled_out = np.isin(local.statuses, outside)
    never = _greatest(grouping, (~ruled_out).astype(np.float64)) == 0
    vision = np.where(never, seen.vision, 0.0)
    number = int(vision.argmax())
    if vision[number] <= WHY_NOT_FROM * seen.animal_score:
        return None
    same = grouping.groups[number]
    later = bool(np.any(local.statuses[grouping.pair_group == number] == SEASON))
    reason = LocalStatus.OUT_OF_SEASON if later else LocalStatus.NOT_RECORDED
    name = _name(grouping.texts[seen.best[number]], same.taxa, same.taxa, same.taxon)
    return WhyNot(same.taxon, name, same.covers, float(vision[number]), reason)


def _answer(grouping: Grouping, leader: Candidate, split: Split, shares: Floats | None, bar: float) -> Answer | None:
    """The deepest taxon whose summed score passes the bar; each rank is tried in turn, from the species upwards."""
    for nodes, scores in _summed(grouping, split, shares):
        if len(scores) and scores.max() >= bar:
            taxon = nodes.taxa[int(scores.argmax())]
            if taxon.key == leader.taxon.key and leader.combined_score >= bar:
                break  # "jay" says more than the "crows and jays" that it is counted among
            return Answer(taxon, taxon.common_name, float(min(scores.max(), 1.0)))
    # a class that mixes orders ("porcupine or hedgehog") stands under none of them, and still says something
    return Answer(leader.taxon, leader.common_name, leader.combined_score) if leader.combined_score >= bar else None


def _summed(grouping: Grouping, split: Split, shares: Floats | None) -> Iterator[tuple[Nodes, Floats]]:
    """The taxa of each rank, deepest first, with the scores of all below them; with shares down to single taxa."""
    if shares is None:
        ranks, scores = grouping.above_groups, split.groups
    else:
        ranks = grouping.above_taxa
        scores = _sums(grouping.pair_taxon, split.groups[grouping.pair_group] * shares, len(grouping.taxa))
    for nodes in ranks:
        known = nodes.above >= 0
        yield nodes, _sums(nodes.above[known], scores[known], len(nodes.taxa))


def _status(answer: Answer | None) -> AnswerStatus:
    if answer is None:
        return AnswerStatus.NOT_SURE
    return AnswerStatus.SPECIES if answer.taxon.rank == "species" else AnswerStatus.HIGHER_RANK
