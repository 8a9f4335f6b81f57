"""Ranking: from the scores of a model's classes to candidates and one answer. Pure functions over frozen tables."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geoid.core.predictions import Answer, AnswerStatus, Candidate, LocalStatus, Ranking
from geoid.core.values import RANKS, ClassTable, Kind, Label, Taxon, taxon_key

ANSWER_RANKS = ("species", "genus", "family", "order")
"""Where the answer may stand, deepest first; above the order an answer says too little to be one."""


class RankingRules(NamedTuple):
    """The bars of ranking: the summed score an answer needs, and the animal score below which there is no animal."""

    answer_bar: float = 0.65
    animal_bar: float = 0.2
    top: int = 5


class Group(NamedTuple):
    """Classes that show the same taxa (118 dog breeds, hen and cock); `taxon` is what those taxa have in common."""

    taxon: Taxon
    labels: tuple[Label, ...]

    @property
    def covers(self) -> tuple[Taxon, ...]:
        """The taxa, where they are several."""
        taxa = self.labels[0].taxa
        return taxa if len(taxa) > 1 else ()


class Nodes(NamedTuple):
    """The taxa of one rank, and for each group the number of the one above it (or -1)."""

    taxa: tuple[Taxon, ...]
    above: NDArray[np.intp]


class Grouping(NamedTuple):
    """A class table made ready for ranking: the animal `classes`, for each its group and its text.

    `by_key` is each group's place in the order of taxon keys, which breaks ties.
    """

    groups: tuple[Group, ...]
    classes: NDArray[np.intp]
    group_of: NDArray[np.intp]
    nodes: tuple[Nodes, ...]
    texts: tuple[str, ...]
    by_key: NDArray[np.intp]


def group(table: ClassTable) -> Grouping:
    """Put the classes of the same taxa together, in the order of their first class."""
    members: dict[frozenset[str], list[Label]] = defaultdict(list)
    for label in table.labels:
        if label.kind is not Kind.NONE:
            members[frozenset(taxon.key for taxon in label.taxa)].append(label)
    groups = tuple(Group(common_taxon(table, same[0].taxa), tuple(same)) for same in members.values())
    pairs = [(label.index, number) for number, same in enumerate(groups) for label in same.labels]
    classes, group_of = np.array(pairs, dtype=np.intp).reshape(-1, 2).T
    nodes = tuple(_nodes(table, groups, rank) for rank in ANSWER_RANKS)
    texts = tuple(label.text for same in groups for label in same.labels)
    by_key = np.argsort(sorted(range(len(groups)), key=lambda number: groups[number].taxon.key))
    return Grouping(groups, classes, group_of, nodes, texts, by_key)


def common_taxon(table: ClassTable, taxa: Sequence[Taxon]) -> Taxon:
    """The deepest taxon that holds all of these: itself for one, the shared ancestor for several."""
    first, *others = taxa
    shared = [
        rank
        for rank in RANKS
        if rank in first.lineage and all(first.lineage[rank] == other.lineage.get(rank) for other in others)
    ]
    return first if not others else table.ancestor(first, shared[-1])


def _nodes(table: ClassTable, groups: Sequence[Group], rank: str) -> Nodes:
    below = {same.taxon.lineage[rank]: same.taxon for same in groups if rank in same.taxon.lineage}
    names = sorted(below, key=taxon_key)  # of equal sums the first counts
    numbers = {name: number for number, name in enumerate(names)}
    above = np.array([numbers.get(same.taxon.lineage.get(rank, ""), -1) for same in groups], dtype=np.intp)
    return Nodes(tuple(table.ancestor(below[name], rank) for name in names), above)


def rank(grouping: Grouping, probabilities: NDArray[np.float32], rules: RankingRules) -> Ranking:
    """Rank one photo's class probabilities, shape (classes,), by vision alone; ties are broken by taxon key."""
    scores = probabilities[grouping.classes].astype(np.float64)
    animal_score = float(min(scores.sum(), 1.0))
    vision = np.bincount(grouping.group_of, weights=scores, minlength=len(grouping.groups))
    combined = vision / (vision.sum() or 1.0)
    best = _best_classes(grouping, scores)
    order = np.lexsort((grouping.by_key, -combined)).tolist()[: rules.top]
    candidates = tuple(
        _candidate(grouping.groups[n], grouping.texts[best[n]], float(vision[n]), float(combined[n])) for n in order
    )
    if animal_score < rules.animal_bar:
        return Ranking(AnswerStatus.NO_ANIMAL, None, candidates, animal_score)
    answer = _answer(grouping, combined, candidates[0], rules.answer_bar) if candidates else None
    return Ranking(_status(answer), answer, candidates, animal_score)


def _best_classes(grouping: Grouping, scores: NDArray[np.float64]) -> NDArray[np.intp]:
    """The best class of each group: a retriever stays one, though it counts as a dog."""
    best = np.zeros(len(grouping.groups), dtype=np.intp)
    worst_first = np.argsort(scores, kind="stable")
    best[grouping.group_of[worst_first]] = worst_first  # of several writes to one place numpy keeps the last
    return best


def _candidate(same: Group, label: str, vision: float, combined: float) -> Candidate:
    domestic = all(one.kind in {Kind.DOMESTIC, Kind.BREED} for one in same.labels)
    status = LocalStatus.DOMESTIC if domestic else LocalStatus.UNKNOWN
    return Candidate(same.taxon, label, vision, None, combined, status, same.covers)


def _answer(grouping: Grouping, combined: NDArray[np.float64], leader: Candidate, bar: float) -> Answer | None:
    """The deepest taxon whose summed score passes the bar; each rank is tried in turn, from the species upwards."""
    for nodes in grouping.nodes:
        known = nodes.above >= 0
        sums = np.bincount(nodes.above[known], weights=combined[known], minlength=len(nodes.taxa))
        if len(sums) and sums.max() >= bar:
            taxon = nodes.taxa[int(sums.argmax())]
            if taxon.key == leader.taxon.key and leader.combined_score >= bar:
                break  # "jay" says more than the "crows and jays" that it is counted among
            return Answer(taxon, taxon.common_name, float(min(sums.max(), 1.0)))
    # a class that mixes orders ("porcupine or hedgehog") stands under none of them, and still says something
    return Answer(leader.taxon, leader.common_name, leader.combined_score) if leader.combined_score >= bar else None


def _status(answer: Answer | None) -> AnswerStatus:
    if answer is None:
        return AnswerStatus.NOT_SURE
    return AnswerStatus.SPECIES if answer.taxon.rank == "species" else AnswerStatus.HIGHER_RANK
