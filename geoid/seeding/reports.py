"""What seeding says of itself: what was read, what each rule dropped, which names match, how large the values are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from geoid.seeding.sources import BrokenLine


class SourceReport(NamedTuple):
    """What came of one source: rows read, used, broken, and dropped by rule; bytes read."""

    name: str
    kind: str
    licence: str
    rows: int
    used: int
    broken: int
    dropped: Mapping[str, int]
    bytes: int
    examples: Sequence[BrokenLine] = ()
    remarks: Sequence[str] = ()


class UnmatchedTaxon(NamedTuple):
    """A taxon of the data that the model does not know: its records (0 for ranges only), its cells, and why not."""

    scientific_name: str
    records: int
    cells: int
    reason: str
    """`no-class` (the table of names has it, the model has no class for it), `unknown-name`, `no-species-name`."""


class NamesReport(NamedTuple):
    """How the taxa of the data met those of the model, the heaviest first where taxa are listed."""

    taxa: int
    """Taxa that sources name; the release holds some more, which people keep everywhere."""

    matched: Mapping[str, int] = MappingProxyType({})
    """Taxa that the model knows, by how they were found: `key`, `name`, `synonym`."""

    unmatched: Sequence[UnmatchedTaxon] = ()
    """All taxa that the model does not know, by records, then cells, then name."""

    matched_records: int = 0
    unmatched_records: int = 0
    labels: int = 0
    """Species and other taxa that the model knows."""

    labels_without_data: Sequence[str] = ()
    """Those of them that no source names, by scientific name."""


class ValuesReport(NamedTuple):
    """The values of a release: cells by resolution, bytes of a value, cells whose taxa did not fit."""

    cells: Mapping[int, int]
    p50: int
    p99: int
    largest: int
    overflowing: int


class SeedReport(NamedTuple):
    """Everything that was found out while a release was built."""

    sources: Sequence[SourceReport]
    names: NamesReport
    values: ValuesReport
    seconds: float
    peak_memory: int = 0
    """Bytes that the process had at most, if the system says so."""
