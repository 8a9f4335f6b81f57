"""The taxa of a release: those of all sources under their accepted names, in the order of their keys."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geoid.core.releases import ReleaseTaxon
from geoid.seeding.bits import Numbers
from geoid.seeding.names import NO_SPECIES_NAME, Resolved
from geoid.seeding.sources import SourceTaxon

KINGDOM = "Animalia"
RULES = ("no-animal", "no-species-name", "outside-taxa")
"""Why a taxon is dropped with all its records: it is no animal, has no name of a species, or is not of the group."""


class Book(NamedTuple):
    """The taxa of one source, or of several that share their numbers: how it names them, and records of each.

    Those that are not `present` were seen and then dropped.
    """

    taxa: Sequence[SourceTaxon]
    records: Numbers
    present: NDArray[np.bool_]


class Census(NamedTuple):
    """The taxa of a release; for each book the number in it of each taxon, or -1, and the rule (1 and up) or 0."""

    taxa: tuple[ReleaseTaxon, ...]
    resolved: tuple[Resolved, ...]
    """How each taxon of the release was found."""

    ranks: tuple[Numbers, ...]
    verdicts: tuple[Numbers, ...]


def census(
    books: Sequence[Book],
    resolve: Callable[[SourceTaxon], Resolved],
    group: str | None,
    besides: Iterable[Resolved] = (),
) -> Census:
    """Unite the taxa of books, only those of a group if one is named; `besides` are in it without records."""
    found: dict[str, Resolved] = {one.key: one for one in besides}
    records: Counter[str] = Counter()
    keys: list[list[str | None]] = []
    verdicts: list[Numbers] = []
    for book in books:
        resolved = [resolve(taxon) for taxon in book.taxa]
        verdict = np.array([_verdict(one, group) for one in resolved], np.int64)
        used = ((verdict == 0) & book.present).tolist()
        for one, count, wanted in zip(resolved, book.records.tolist(), used, strict=True):
            if wanted:
                found[one.key] = _better(found.get(one.key), one)
                records[one.key] += count
        keys.append([one.key if wanted else None for one, wanted in zip(resolved, used, strict=True)])
        verdicts.append(verdict)
    numbers = {key: number for number, key in enumerate(sorted(found))}
    ranks = tuple(np.array([-1 if key is None else numbers[key] for key in one], np.int64) for one in keys)
    taxa = tuple(_taxon(number, found[key], records[key]) for key, number in numbers.items())
    return Census(taxa, tuple(found[key] for key in numbers), ranks, tuple(verdicts))


def drops(verdicts: Numbers, records: Numbers) -> Counter[str]:
    """Records that were dropped with their taxa, by rule."""
    counts = {rule: int(records[verdicts == number].sum()) for number, rule in enumerate(RULES, start=1)}
    return Counter({rule: count for rule, count in counts.items() if count})


def _verdict(taxon: Resolved, group: str | None) -> int:
    """The number of the rule that drops a taxon, or 0."""
    if taxon.lineage.get("kingdom", KINGDOM).lower() != KINGDOM.lower():
        return 1
    if taxon.reason == NO_SPECIES_NAME:
        return 2
    names = {name.lower() for name in taxon.lineage.values()}
    return 3 if group is not None and group.lower() not in names else 0


def _better(former: Resolved | None, latter: Resolved) -> Resolved:
    """What is known of a taxon that several sources name: the fuller of two, of equals the first."""
    if former is None:
        return latter
    fuller = latter if len(latter.lineage) > len(former.lineage) else former
    common = former.common_name or latter.common_name
    return fuller._replace(common_name=common, flags=former.flags | latter.flags, how=former.how or latter.how)


def _taxon(number: int, taxon: Resolved, records: int) -> ReleaseTaxon:
    return ReleaseTaxon(
        number,
        taxon.key,
        taxon.scientific_name,
        taxon.common_name,
        taxon.rank,
        dict(taxon.lineage),
        int(taxon.flags),
        records,
    )
