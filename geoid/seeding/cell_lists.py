"""Cell lists: a line for a taxon in an H3 cell, of the whole year or of a month."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
import polars_h3

from geoid.core.features import RESOLUTIONS
from geoid.seeding.lists import (
    COMMON_NAME,
    MONTH_BITS,
    NAME,
    brought,
    collected,
    find,
    lists_taxa,
    month_records,
    numbered,
    sifted,
    text,
)
from geoid.seeding.sources import Ranges, Table

CELL = ("cell", "h3", "h3cell", "h3index")
NO_CELL = "no-such-cell"
INDEX, INTRODUCED = "cell", "introduced"


def is_cell_list(columns: Sequence[str]) -> bool:
    """Whether a table with these columns is a cell list: it has cells and taxa, and neither points nor counts."""
    return find(columns, CELL) is not None and lists_taxa(columns)


def read_cell_list(table: Table, licence: str) -> Ranges:
    """Read a list with the columns `cell`, `taxon` and, if there are such, `month`, `introduced` and `common_name`.

    A cell is an H3 index of resolution 2 to 5, in hexadecimal digits or as a number. The lines of a taxon in a cell add
    up: it is there in all their months, and native if one of them says so.

    Raises `AreaDataError` for a table that cannot be read.
    """
    chosen = {INDEX: _index(table.columns), INTRODUCED: brought(table.columns)}
    read = collected(table, chosen)
    used, dropped = sifted(read, {NO_CELL: _no_cell()})
    rows = used.group_by(INDEX, NAME).agg(
        pl.col(MONTH_BITS).bitwise_or(), pl.col(INTRODUCED).all(), pl.col(COMMON_NAME).drop_nulls().first()
    )
    rows = rows.sort(NAME, INDEX)
    taxa, numbers = numbered(rows)
    bits, introduced = (rows.get_column(column).to_numpy() for column in (MONTH_BITS, INTRODUCED))
    records = month_records(numbers, bits, introduced)
    cells = rows.get_column(INDEX).cast(pl.UInt64).to_numpy().astype(np.uint64)
    told = table.remarks, table.broken
    return Ranges(table.name, "cell-list", licence, taxa, cells, records, read.height, dropped, *told)


def _index(columns: Sequence[str]) -> pl.Expr:
    """The H3 index: 15 hexadecimal digits, or the same number in 18 decimal ones, which are too many for the former."""
    written = text(columns, CELL)
    digits = written.str.to_lowercase().str.strip_prefix("0x")
    hexadecimal = digits.str.to_integer(base=16, dtype=pl.UInt64, strict=False)
    return pl.coalesce(hexadecimal, written.cast(pl.UInt64, strict=False))


def _no_cell() -> pl.Expr:
    resolution = polars_h3.get_resolution(INDEX)
    within = resolution.is_between(RESOLUTIONS[0], RESOLUTIONS[-1])
    wrong: pl.Expr = ~(polars_h3.is_valid_cell(INDEX) & within).fill_null(value=False)
    return wrong
