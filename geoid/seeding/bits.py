"""How seeding packs things into numbers of 64 bits, so that sorting them is sorting an array.

While sources are read, one number stands for a record: cell (22 bits), taxon (24), month (4), class (2), introduced
(1). A cell of H3 is 22 bits at resolution 5: base cell (7) and five digits (3 each). A parent has three fewer, and
cells in order have parents in order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from geoid.core.features import RESOLUTIONS

if TYPE_CHECKING:
    import polars as pl

FINEST, COARSEST = RESOLUTIONS[-1], RESOLUTIONS[0]
CELL, TAXON, MONTH, CLASS, INTRODUCED = 22, 24, 4, 2, 1
DETAILS = MONTH + CLASS + INTRODUCED
"""The bits that tell apart the records of one taxon in one cell."""

MAX_TAXA = 1 << TAXON
Keys = NDArray[np.uint64]
Numbers = NDArray[np.int64]
Values = TypeVar("Values", Keys, "pl.Expr")


class Taken(NamedTuple):
    """What keys of records hold, each (n)."""

    cells: Keys
    taxa: Numbers
    details: Keys


def code(cells: Keys) -> Keys:
    """The 22 bits of H3 cells of resolution 5."""
    return cells >> np.uint64(30) & np.uint64((1 << CELL) - 1)


def whole(codes: Keys, resolution: int) -> NDArray[np.int64]:
    """The H3 indexes of codes of cells, which are 22 bits at resolution 5 and 3 fewer at each coarser one."""
    digits = 3 * (FINEST - resolution)
    low = np.uint64((1 << 30 + digits) - 1)
    found = np.uint64(1 << 59 | resolution << 52) | codes << np.uint64(30 + digits) | low
    return found.astype(np.int64)


def codes_of(cells: Keys, resolution: int) -> Keys:
    """The codes of H3 cells of one resolution."""
    kept = np.uint64((1 << CELL - 3 * (FINEST - resolution)) - 1)
    return cells >> np.uint64(30 + 3 * (FINEST - resolution)) & kept


def resolutions(cells: Keys) -> NDArray[np.int64]:
    """The resolution of each H3 cell."""
    return (cells >> np.uint64(52) & np.uint64(15)).astype(np.int64)


def details(months: Values, classes: Values, introduced: Values) -> Values:
    """What tells records of one taxon in one cell apart, in 7 bits.

    `classes` are the finest resolution that each may enter, less the coarsest. Arrays and columns do alike.
    """
    return (months * (1 << CLASS) + classes) * (1 << INTRODUCED) + introduced


def record_keys(cells: Keys, taxa: Keys, details: Keys) -> Keys:
    """The keys of records."""
    return (cells << np.uint64(TAXON) | taxa) << np.uint64(DETAILS) | details


def taken_apart(keys: Keys) -> Taken:
    """The parts of the keys of records."""
    high = keys >> np.uint64(DETAILS)
    taxa = (high & np.uint64(MAX_TAXA - 1)).astype(np.int64)
    return Taken(high >> np.uint64(TAXON), taxa, keys & np.uint64((1 << DETAILS) - 1))


def starts_of(keys: Keys) -> Numbers:
    """Where each run of equal keys begins, in sorted ones."""
    if not len(keys):
        return np.zeros(0, np.int64)
    return np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))


def distinct(keys: Keys) -> Keys:
    """Keys in order, each once: by sorting, since `np.unique` hashes, which takes ten times as long."""
    ordered = np.sort(keys)
    return ordered[starts_of(ordered)]


def among(keys: Keys, held: Keys) -> NDArray[np.bool_]:
    """Which keys are among others, which are in order."""
    if not len(held):
        return np.zeros(len(keys), bool)
    places = np.minimum(np.searchsorted(held, keys), len(held) - 1)
    found: NDArray[np.bool_] = held[places] == keys
    return found
