"""What a source of area data gives: tables of occurrences to be counted, or ranges; and what it says of its taxa."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from geoid.core.features import Records

if TYPE_CHECKING:
    import polars as pl

EXAMPLES = 20
"""So many broken lines are kept to be shown; the others are only counted."""


class SourceTaxon(NamedTuple):
    """A taxon as a source names it: scientific name without authorship, the source's own key, names by rank above."""

    name: str
    key: str | None = None
    lineage: Mapping[str, str] = MappingProxyType({})
    common_name: str | None = None
    rank: str = "species"
    flags: int = 0
    """`TaxonFlag` of what holds everywhere."""


class BrokenLine(NamedTuple):
    """A line that could not be read: where, and why in a few words (`51 columns, expected 50`)."""

    file: str
    line: int
    reason: str


@dataclass(slots=True)
class Broken:
    """The broken lines of a source: how many there are, and the first few of them."""

    count: int = 0
    examples: list[BrokenLine] = field(default_factory=list)

    def note(self, file: str, line: int, reason: str) -> None:
        """Count a line, and keep it if it is among the first."""
        self.count += 1
        if len(self.examples) < EXAMPLES:
            self.examples.append(BrokenLine(file, line, reason))


class Part(NamedTuple):
    """Rows of a table that are scanned at once. A frame of text has strings only, empty ones as null.

    `verified` is told how many rows came out, and says whether each was a line of the right shape. Where it does not,
    or the scan fails, `careful` gives the same lines anew, in parts without the broken ones, which it notes.
    """

    frame: pl.LazyFrame
    size: int
    """Bytes of the source that it stands for, of which progress is made."""

    verified: Callable[[int], bool] = lambda _: True
    careful: Callable[[], Iterator[Part]] | None = None
    rows: int = 0
    """How many rows it has, about, so that progress can be told meanwhile; 0 where that is not known."""


class Table(Protocol):
    """A table in a source: text or Parquet, plain or in an archive."""

    @property
    def name(self) -> str:
        """What to call it in messages: `occurrence.zip`, `archive.zip/occurrence.txt`."""

    @property
    def columns(self) -> Sequence[str]:
        """Its columns, as the header names them."""

    @property
    def schema(self) -> Mapping[str, pl.DataType]:
        """The types of its columns; of text they are all strings."""

    @property
    def remarks(self) -> Sequence[str]:
        """What was unusual about the rows read so far."""

    @property
    def size(self) -> int:
        """The sum of the sizes of its parts, for progress; an estimate where it is compressed."""

    @property
    def broken(self) -> Broken:
        """The lines that its parts have left out so far."""

    def parts(self) -> Iterator[Part]:
        """Its rows."""


class Fields(NamedTuple):
    """How a table of occurrences says what, where and when: an expression over its columns for each, or none.

    Values that cannot be read become null; the rules of cleaning decide what that means.
    """

    name: pl.Expr
    """String: the accepted species, genus and epithet; null for what is identified to a higher rank only."""

    latitude: pl.Expr
    """Float64, degrees."""

    longitude: pl.Expr
    """Float64, degrees."""

    key: pl.Expr | None = None
    """String: the source's own key of the accepted species."""

    uncertainty: pl.Expr | None = None
    """Float64, metres."""

    year: pl.Expr | None = None
    """Int32."""

    month: pl.Expr | None = None
    """UInt8; what is not 1 to 12 is unknown."""

    absent: pl.Expr | None = None
    """Boolean: the record says that the species was not there."""

    flawed: pl.Expr | None = None
    """Boolean: the source doubts the position."""

    captive: pl.Expr | None = None
    """Boolean: a fossil, in a zoo, in a garden: no animal living there by itself."""

    introduced: pl.Expr | None = None
    """Boolean: people brought it here."""

    lineage: Mapping[str, pl.Expr] = MappingProxyType({})
    """Strings by rank: kingdom, phylum, class, order, family, genus."""

    common_name: pl.Expr | None = None
    """String."""

    dropped: Mapping[str, pl.Expr] = MappingProxyType({})
    """Boolean by the name of a rule of this source's own, such as `not-approved`: rows to drop."""


class Occurrences(NamedTuple):
    """A source of occurrence records: tables, each with the way it says things."""

    name: str
    kind: str
    """`gbif-csv`, `gbif-parquet`, `darwin-core-archive`, `ebird`, `inaturalist`, `table`."""

    licence: str
    tables: Sequence[tuple[Table, Fields]]
    remarks: Sequence[str] = ()


class Ranges(NamedTuple):
    """A source of ranges, read: record i is of taxon `taxa[records["taxon"][i]]`, in cell `cells[i]`.

    `cells` (n, uint64) are H3 indexes of resolutions 2 to 5; `records` (n) are of `core.features.RECORD` and carry
    `Flag.RANGE`. A taxon may have records at several resolutions; the finest counts.
    """

    name: str
    kind: str
    """`cell-list`, `country-list`, `geofence`, `geo-model`, `pack`."""

    licence: str
    taxa: Sequence[SourceTaxon]
    cells: NDArray[np.uint64]
    records: Records
    rows: int
    """How many lines, entries or points were read, those dropped included."""

    dropped: Mapping[str, int] = MappingProxyType({})
    """Rows dropped by the name of the rule, such as `no-such-region`."""

    remarks: Sequence[str] = ()
    broken: Broken | None = None
    """The lines that could not be read, if it has lines."""


class Counted(NamedTuple):
    """Occurrences that an area pack has counted already, at each resolution; merged with others by adding up.

    Record i is of taxon `taxa[records["taxon"][i]]`, in cell `cells[i]`, and does not carry `Flag.RANGE`.
    """

    name: str
    licence: str
    taxa: Sequence[SourceTaxon]
    occurrences: Sequence[int]
    """Records world-wide, by taxon."""

    cells: NDArray[np.uint64]
    records: Records
    totals: Mapping[int, int]
    """Occurrence records by cell: of all taxa, overflow included."""


Source = Occurrences | Ranges | Counted
