"""What cell lists and country lists have in common: columns by their names, rows in memory, taxa by number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from geoid.core.features import RECORD, Flag, Records
from geoid.errors import AreaDataError
from geoid.seeding.columns import folded
from geoid.seeding.compile import BITS, PRESENT
from geoid.seeding.ranges import YEAR
from geoid.seeding.sources import Part, SourceTaxon, Table

TAXON = ("taxon", "scientificname", "species", "key")
COMMON = ("commonname", "vernacularname", "englishname")
MONTH = ("month",)
INTRODUCED = ("introduced",)
MEANS = ("establishmentmeans",)
STATUS = ("status", "occurrencestatus")
"""Folded names of columns, those first that count where a table has several."""

PLACES = {"latitude", "longitude", "lat", "lon", "lng", "long", "decimallatitude", "decimallongitude"}
COUNTS = {"count", "counts", "records", "occurrences", "individualcount", "observationcount", "n"}
NO_LIST = frozenset(PLACES | COUNTS)
"""Columns of tables that hold occurrences, whatever else they have."""

YES = "^(?:true|t|yes|y|x|1)$"
BROUGHT = "introduced|invasive|naturali[sz]ed|alien|exotic|feral|non-?native"
BACK = "reintroduced"
"""A species that was brought back is native."""

GONE = "absent|extinct|extirpated|excluded"
UNSURE = "doubtful|uncertain|unconfirmed|hypothetical|questionable"
GEOID_KEY = "^[a-z]+(?:-[a-z0-9]+)*$"
MONTHS = 12

NAME, COMMON_NAME, MONTH_BITS, RULE = "name", "common_name", "bits", "rule"
NO_NAME, NO_MONTH = "no-name", "no-such-month"


class Sifted(NamedTuple):
    """The rows of a list that are used, and how many were dropped by which rule."""

    rows: pl.DataFrame
    dropped: Mapping[str, int]


def find(columns: Sequence[str], names: Sequence[str]) -> str | None:
    """The first of the columns that goes by one of these names, those first in `names` first."""
    by_name = {folded(column): column for column in reversed(columns)}
    return next((by_name[name] for name in names if name in by_name), None)


def lists_taxa(columns: Sequence[str]) -> bool:
    """Whether a table names taxa, and neither points nor counts."""
    return find(columns, TAXON) is not None and not NO_LIST & {folded(column) for column in columns}


def text(columns: Sequence[str], names: Sequence[str]) -> pl.Expr:
    """A column without spaces around its values, empty ones null; all null where there is no such column."""
    column = find(columns, names)
    if column is None:
        return pl.lit(None, pl.String)
    return pl.col(column).cast(pl.String).str.replace_all(r"\s+", " ").str.strip_chars().replace("", None)


def month_bits(columns: Sequence[str]) -> pl.Expr:
    """UInt16: the month as a bit, all twelve for none given, null for what is no month."""
    written = text(columns, MONTH)
    number = written.cast(pl.Float64, strict=False)
    valid = (number >= 1) & (number <= MONTHS) & (number == number.floor())
    bit = pl.lit(2, pl.UInt16).pow(pl.when(valid).then(number).cast(pl.UInt32) - 1)
    return pl.when(written.is_null()).then(YEAR).otherwise(bit).cast(pl.UInt16)


def brought(columns: Sequence[str]) -> pl.Expr:
    """Boolean: people brought the taxon there."""
    said = text(columns, INTRODUCED).str.to_lowercase().str.contains(YES)
    for names in (INTRODUCED, MEANS, STATUS):
        told = text(columns, names).str.to_lowercase().str.replace_all(" ", "")
        said = pl.any_horizontal(said, told.str.contains(BROUGHT) & ~told.str.contains(BACK))
    return said.fill_null(value=False)


def told(columns: Sequence[str], words: str) -> pl.Expr:
    """Boolean: one of the columns of status says one of these words."""
    said = (text(columns, names).str.to_lowercase().str.contains(words) for names in (MEANS, STATUS))
    return pl.any_horizontal(*said).fill_null(value=False)


def collected(table: Table, chosen: Mapping[str, pl.Expr]) -> pl.DataFrame:
    """The rows of a list: what is chosen of it, beside its taxa's names and its months.

    Each part is read at full speed first, and carefully if that shows that lines are broken. Raises `AreaDataError` for
    a table that cannot be read.
    """
    about = {
        NAME: text(table.columns, TAXON),
        COMMON_NAME: text(table.columns, COMMON),
        MONTH_BITS: month_bits(table.columns),
        **chosen,
    }
    frames = [frame for part in table.parts() for frame in _frames(table, part, about)]
    nothing = pl.DataFrame(schema=dict.fromkeys(table.columns, pl.String)).select(**about)
    return pl.concat([nothing, *frames])


def sifted(rows: pl.DataFrame, rules: Mapping[str, pl.Expr]) -> Sifted:
    """Drop rows by the first of the rules that holds, besides those of names and months."""
    every = {NO_NAME: pl.col(NAME).is_null(), **rules, NO_MONTH: pl.col(MONTH_BITS).is_null()}
    verdicts = (pl.when(broken).then(pl.lit(rule)) for rule, broken in every.items())
    rows = rows.with_columns(pl.coalesce(*verdicts).alias(RULE))
    dropped = rows.get_column(RULE).drop_nulls().value_counts(sort=True)
    return Sifted(rows.filter(pl.col(RULE).is_null()), dict(dropped.iter_rows()))


def numbered(rows: pl.DataFrame) -> tuple[list[SourceTaxon], NDArray[np.int64]]:
    """The taxa of rows in the order of their names, and the number of each row's."""
    taxa = rows.group_by(NAME).agg(pl.col(COMMON_NAME).drop_nulls().first()).sort(NAME)
    is_key = taxa.select(pl.col(NAME).str.contains(GEOID_KEY)).to_series()
    listed = [
        SourceTaxon(name, name if key else None, common_name=common)
        for (name, common), key in zip(taxa.iter_rows(), is_key, strict=True)
    ]
    return listed, rows.select(pl.col(NAME).rank("dense").cast(pl.Int64) - 1).to_series().to_numpy()


def month_records(taxa: NDArray[np.int64], bits: NDArray[np.uint16], introduced: NDArray[np.bool_]) -> Records:
    """Records of ranges from the taxon, the months as bits and the origin of each."""
    records = np.zeros(len(taxa), RECORD)
    records["taxon"] = taxa
    records["year"] = PRESENT
    records["months"] = np.where(bits[:, None] & BITS, PRESENT, 0)
    migrant = np.where(bits != YEAR, int(Flag.MIGRANT), 0)
    records["flags"] = int(Flag.RANGE) | migrant | np.where(introduced, int(Flag.INTRODUCED), 0)
    return records


def _frames(table: Table, part: Part, chosen: Mapping[str, pl.Expr]) -> list[pl.DataFrame]:
    query = part.frame.select(**chosen)
    try:
        rows = query.collect(engine="streaming")
        if part.careful is None or part.verified(rows.height):
            return [rows]
    except pl.exceptions.PolarsError as error:
        if part.careful is None:
            what = f"{table.name}: cannot be read as a table: {str(error).splitlines()[0]}"
            raise AreaDataError(what, "is it damaged, or of another format?") from error
    return [frame for careful in part.careful() for frame in _frames(table, careful, chosen)]
