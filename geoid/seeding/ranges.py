"""The range table: one line a taxon, in tokens that can be reviewed by eye, and the cells and months they stand for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geoid.core.releases import TaxonFlag
from geoid.errors import AreaDataError
from geoid.seeding.cells import SPACE, Shorts
from geoid.seeding.regions import Regions

COLUMNS = "scientific_name\trange\tconfidence\tbasis\tnote"
CONFIDENCES = ("high", "medium", "low", "doubtful")
YEAR = 0xFFF
"""All twelve months as bits, January the lowest."""

EVERYWHERE, DOMESTIC, EXTINCT = "*", "domestic", "extinct"
TOKEN = re.compile(r"(-|\?|i:)?(?:m([0-9]{1,2})(?:-([0-9]{1,2}))?:)?([^:?]+)")

Months = NDArray[np.uint16]


class Row(NamedTuple):
    """A line of the table."""

    scientific_name: str
    tokens: tuple[str, ...]
    confidence: str
    basis: str
    note: str


class Range(NamedTuple):
    """Where a taxon occurs: for each cell (`SPACE`) the months of its native, introduced and doubtful presence."""

    native: Months
    introduced: Months
    doubtful: Months
    flags: TaxonFlag


def read_rows(path: Path) -> Iterator[Row]:
    """The lines of a range table; raises `AreaDataError` naming the line that is wrong."""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line or line.startswith("#") or line == COLUMNS:
            continue
        cells = line.split("\t")
        if len(cells) != COLUMNS.count("\t") + 1:
            raise AreaDataError(f"{path} line {number}: {len(cells)} columns, expected {COLUMNS.count(chr(9)) + 1}")
        name, tokens, confidence, basis, note = cells
        if confidence not in CONFIDENCES:
            raise AreaDataError(f"{path} line {number}: confidence {confidence!r} is none of {', '.join(CONFIDENCES)}")
        if not name or not tokens or not basis:
            raise AreaDataError(f"{path} line {number}: name, range or basis is missing")
        yield Row(name, tuple(tokens.split()), confidence, basis, note)


def range_of(row: Row, regions: Regions) -> Range:
    """The cells and months of a row, its tokens taken from left to right; raises `AreaDataError` naming the taxon."""
    native, introduced, doubtful = np.zeros((3, SPACE), np.uint16)
    found = Range(native, introduced, doubtful, _flags(row))
    added: list[str] = []
    for token in row.tokens:
        if token not in {EVERYWHERE, DOMESTIC, EXTINCT}:
            try:
                _apply(token, found, regions, added)
            except AreaDataError as error:
                raise AreaDataError(f"{row.scientific_name}: {error.message}", error.hint) from None
    return found


def _flags(row: Row) -> TaxonFlag:
    flags = TaxonFlag(0)
    if EVERYWHERE in row.tokens:
        flags |= TaxonFlag.WORLDWIDE
    if DOMESTIC in row.tokens:
        flags |= TaxonFlag.DOMESTIC
    if EXTINCT in row.tokens or row.confidence == "doubtful":
        flags |= TaxonFlag.DOUBTFUL
    return flags


def _apply(token: str, found: Range, regions: Regions, added: list[str]) -> None:
    match = TOKEN.fullmatch(token)
    if match is None:
        raise AreaDataError(f"{token!r} is not a token of the range notation")
    mark, first, last, region = match.groups()
    if mark == "-":
        for months in found[:3]:
            months[regions.taken_away(region, added)] = 0
        return
    added.append(region)
    cells: Shorts = regions.cells(region)
    target = {"?": found.doubtful, "i:": found.introduced}.get(mark or "", found.native)
    target[cells] |= _months(token, first, last)


def _months(token: str, first: str | None, last: str | None) -> int:
    if first is None:
        return YEAR
    start, end = int(first), int(last or first)
    if not (1 <= start <= 12 and 1 <= end <= 12):  # noqa: PLR2004 - months
        raise AreaDataError(f"{token!r}: months are 1 to 12")
    return sum(1 << (start - 1 + step) % 12 for step in range((end - start) % 12 + 1))
