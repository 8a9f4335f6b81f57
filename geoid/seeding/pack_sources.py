"""Area packs as sources among others: their ranges and what they have counted."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geoid.core.features import RECORD, Features, Flag, Records, decode
from geoid.core.ports import Pack
from geoid.errors import AreaDataError, NewerFormatError
from geoid.seeding.sources import Counted, Ranges, SourceTaxon

HINT = "the pack is damaged: fetch or build it again"


class _Taxa(NamedTuple):
    """The taxa of a pack by number, and how many records each has."""

    listed: Sequence[SourceTaxon]
    occurrences: NDArray[np.int64]


class _Held(NamedTuple):
    """The records of all cells, the cell of each, and the occurrences of each cell that has any."""

    cells: NDArray[np.uint64]
    records: Records
    totals: dict[int, int]


def read_pack(pack: Pack) -> tuple[Ranges | None, Counted | None]:
    """The ranges of a pack and its counts; none of either if it has none. Numbers of taxa are those of each source.

    Raises `AreaDataError` for a pack that is damaged, and `NewerFormatError` for one of a newer geoid.
    """
    taxa = _taxa(pack)
    held = _held(pack, len(taxa.listed))
    of_range = held.records["flags"] & int(Flag.RANGE) > 0
    counted = taxa.occurrences > 0
    counted[held.records["taxon"][~of_range]] = True
    ranged = ~counted  # those of which there is nothing but what holds everywhere too
    ranged[held.records["taxon"][of_range]] = True
    return _ranges(pack, taxa, held, ranged, of_range), _counted(pack, taxa, held, counted, ~of_range)


def _ranges(
    pack: Pack, taxa: _Taxa, held: _Held, ranged: NDArray[np.bool_], chosen: NDArray[np.bool_]
) -> Ranges | None:
    if not ranged.any():
        return None
    listed = [taxa.listed[number] for number in np.flatnonzero(ranged).tolist()]
    records = _renumbered(held.records[chosen], ranged)
    remarks = (f"made of {pack.meta['sources']}",) if pack.meta["sources"] else ()
    name, licences = pack.release.name, pack.meta["licences"]
    return Ranges(name, "pack", licences, listed, held.cells[chosen], records, len(records), remarks=remarks)


def _counted(
    pack: Pack, taxa: _Taxa, held: _Held, counted: NDArray[np.bool_], chosen: NDArray[np.bool_]
) -> Counted | None:
    if not counted.any():
        return None
    listed = [taxa.listed[number] for number in np.flatnonzero(counted).tolist()]
    records = _renumbered(held.records[chosen], counted)
    occurrences = taxa.occurrences[counted].tolist()
    name, licences = pack.release.name, pack.meta["licences"]
    return Counted(name, licences, listed, occurrences, held.cells[chosen], records, held.totals)


def _renumbered(records: Records, kept: NDArray[np.bool_]) -> Records:
    """The records with their taxa's numbers among those that are kept."""
    found = records.copy()
    found["taxon"] = (np.cumsum(kept) - 1)[records["taxon"]]
    return found


def _taxa(pack: Pack) -> _Taxa:
    rows = list(pack.rows("taxa"))
    try:
        return _Taxa([_taxon(*row) for row in rows], np.array([row[7] for row in rows], np.int64))
    except (ValueError, TypeError, LookupError) as error:
        raise AreaDataError(f"{pack.release.name}: a taxon cannot be read: {error}", HINT) from error


def _taxon(*row: object) -> SourceTaxon:
    _, key, name, common, rank, lineage, flags, *_ = row
    names = json.loads(str(lineage))
    return SourceTaxon(str(name), str(key), names, None if common is None else str(common), str(rank), int(str(flags)))


def _held(pack: Pack, taxa: int) -> _Held:
    """The records of all cells, those that did not fit into a value included; equal values are decoded once."""
    known: dict[bytes, int] = {}
    decoded: list[Features] = []
    cells: list[int] = []
    which: list[int] = []
    totals: dict[int, int] = {}
    for table in ("cells", "overflow"):
        for cell, value in _values(pack.rows(table)):
            if value not in known:
                known[value] = len(decoded)
                decoded.append(_decoded(pack, cell, value, taxa))
            cells.append(cell)
            which.append(known[value])
            if table == "cells" and decoded[known[value]].occurrences:
                totals[cell] = decoded[known[value]].occurrences
    return _spread(np.array(cells, np.uint64), np.array(which, np.int64), decoded, totals)


def _values(rows: Iterable[tuple[object, ...]]) -> Iterable[tuple[int, bytes]]:
    return rows  # type: ignore[return-value] # a pack's rows are of its schema


def _decoded(pack: Pack, cell: int, value: bytes, taxa: int) -> Features:
    try:
        return decode(value, taxa)
    except NewerFormatError:
        raise
    except AreaDataError as error:
        raise AreaDataError(f"{pack.release.name}: cell {cell:x}: {error.message}", error.hint) from error


def _spread(
    cells: NDArray[np.uint64], which: NDArray[np.int64], decoded: Sequence[Features], totals: dict[int, int]
) -> _Held:
    """The records of each cell, out of those of the values that cells share."""
    if not len(cells):
        return _Held(cells, np.zeros(0, RECORD), totals)
    bodies = np.concatenate([one.records for one in decoded])
    lengths = np.array([len(one.records) for one in decoded], np.int64)
    starts = np.cumsum(lengths) - lengths
    own = lengths[which]
    within = np.arange(own.sum()) - np.repeat(np.cumsum(own) - own, own)
    places = np.repeat(starts[which], own) + within
    return _Held(np.repeat(cells, own), bodies[places], totals)
