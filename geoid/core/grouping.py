"""A class table made ready for ranking: classes of the same taxa put together, and the taxa above them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geoid.core.values import RANKS, ClassTable, Kind, Label, Taxon, taxon_key

ANSWER_RANKS = ("species", "genus", "family", "order")
"""Where the answer may stand, deepest first; above the order an answer says too little to be one."""

Places = NDArray[np.intp]


class Group(NamedTuple):
    """Classes that show the same taxa (118 dog breeds, hen and cock); `taxon` is what those taxa have in common."""

    taxon: Taxon
    labels: tuple[Label, ...]

    @property
    def taxa(self) -> tuple[Taxon, ...]:
        """The taxa it shows."""
        return self.labels[0].taxa

    @property
    def covers(self) -> tuple[Taxon, ...]:
        """The taxa, where they are several."""
        return self.taxa if len(self.taxa) > 1 else ()

    @property
    def domestic(self) -> bool:
        """Whether all its classes show animals that people keep."""
        return all(one.kind in {Kind.DOMESTIC, Kind.BREED} for one in self.labels)


class Nodes(NamedTuple):
    """The taxa of one rank, and for each taxon or group below the number of the one above it (or -1)."""

    taxa: tuple[Taxon, ...]
    above: Places


class Grouping(NamedTuple):
    """A class table made ready: the animal `classes`, for each its group and its text, and the `taxa` they show.

    `pairs` say which taxa a group shows, groups in ascending order. A unit is what a candidate can be: a single taxon,
    numbered as in `taxa`, or after those a group of several; `by_key` is the place of each unit in the order of keys,
    which breaks ties.
    """

    table: ClassTable
    groups: tuple[Group, ...]
    classes: Places
    group_of: Places
    texts: tuple[str, ...]
    taxa: tuple[Taxon, ...]
    pair_group: Places
    pair_taxon: Places
    domestic: NDArray[np.bool_]
    by_key: Places
    above_groups: tuple[Nodes, ...]
    above_taxa: tuple[Nodes, ...]

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of all taxa, in the order that evidence comes in."""
        return tuple(taxon.key for taxon in self.taxa)


def group(table: ClassTable) -> Grouping:
    """Put the classes of the same taxa together, in the order of their first class."""
    members: dict[frozenset[str], list[Label]] = defaultdict(list)
    for label in table.labels:
        if label.kind is not Kind.NONE:
            members[frozenset(taxon.key for taxon in label.taxa)].append(label)
    groups = tuple(Group(common_taxon(table, same[0].taxa), tuple(same)) for same in members.values())
    owners = [(label.index, number) for number, same in enumerate(groups) for label in same.labels]
    classes, group_of = _columns(owners)
    places: dict[str, int] = {}
    pairs = [
        (number, places.setdefault(taxon.key, len(places))) for number, same in enumerate(groups) for taxon in same.taxa
    ]
    named = {taxon.key: taxon for same in groups for taxon in same.taxa}
    taxa = tuple(named[key] for key in places)
    units = (*taxa, *(same.taxon for same in groups))
    return Grouping(
        table,
        groups,
        classes,
        group_of,
        tuple(label.text for same in groups for label in same.labels),
        taxa,
        *_columns(pairs),
        np.array([same.domestic for same in groups], dtype=bool),
        np.argsort(sorted(range(len(units)), key=lambda number: units[number].key)),
        tuple(_nodes(table, [same.taxon for same in groups], rank) for rank in ANSWER_RANKS),
        tuple(_nodes(table, taxa, rank) for rank in ANSWER_RANKS),
    )


def _columns(pairs: Sequence[tuple[int, int]]) -> tuple[Places, Places]:
    first, second = np.array(pairs, dtype=np.intp).reshape(-1, 2).T
    return first, second


def common_taxon(table: ClassTable, taxa: Sequence[Taxon]) -> Taxon:
    """The deepest taxon that holds all of these: itself for one, the shared ancestor for several."""
    first, *others = taxa
    shared = [
        rank
        for rank in RANKS
        if rank in first.lineage and all(first.lineage[rank] == other.lineage.get(rank) for other in others)
    ]
    return first if not others else table.ancestor(first, shared[-1])


def _nodes(table: ClassTable, taxa: Sequence[Taxon], rank: str) -> Nodes:
    below = {taxon.lineage[rank]: taxon for taxon in taxa if rank in taxon.lineage}
    names = sorted(below, key=taxon_key)  # of equal sums the first counts
    numbers = {name: number for number, name in enumerate(names)}
    above = np.array([numbers.get(taxon.lineage.get(rank, ""), -1) for taxon in taxa], dtype=np.intp)
    return Nodes(tuple(table.ancestor(below[name], rank) for name in names), above)
