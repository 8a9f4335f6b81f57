"""The taxa that tables of occurrences name, by a number each, in the order in which they turned up."""

from __future__ import annotations

import numpy as np
import polars as pl

from geoid.errors import AreaDataError
from geoid.seeding.bits import MAX_TAXA, Numbers
from geoid.seeding.sources import SourceTaxon

NAME, KEY, COMMON = "name", "key", "common_name"
LINEAGE = "lineage:"
"""How the columns of the lineage begin; the rank follows."""


class Registry:
    """Gives each name a number. What else is said of a taxon is taken from the first row that names it."""

    def __init__(self) -> None:
        self.system = ""
        """The system of the keys to come, such as `gbif`."""

        self._type = pl.Categorical(pl.Categories.random(physical=pl.UInt32))
        self._kept = pl.Series([], dtype=self._type)  # Polars forgets the numbers once no column has them
        self.taxa: list[SourceTaxon] = []

    def numbers(self, names: pl.Series, rows: pl.DataFrame, places: Numbers) -> Numbers:
        """The numbers of taxa by name, of which `rows` at these places say more.

        Raises `AreaDataError` for more taxa than there is room for.
        """
        numbers = names.cast(self._type).to_physical().to_numpy().astype(np.int64)
        new = np.flatnonzero(numbers >= len(self.taxa))
        if len(new):
            found, first = np.unique(numbers[new], return_index=True)
            self._take(rows[places[new[first]]], found)
        return numbers

    def _take(self, rows: pl.DataFrame, numbers: Numbers) -> None:
        if int(numbers[-1]) >= MAX_TAXA:
            raise AreaDataError(
                f"the data names more than {MAX_TAXA:,} taxa", "is the column of names one of something else?"
            )
        self.taxa.extend(_taxon(row, self.system) for row in rows.iter_rows(named=True))


def _taxon(row: dict[str, str | None], system: str) -> SourceTaxon:
    said = ((column.removeprefix(LINEAGE), name) for column, name in row.items() if column.startswith(LINEAGE))
    lineage = {rank: name for rank, name in said if name is not None}
    key = row.get(KEY)
    return SourceTaxon(row[NAME] or "", key and system and f"{system}:{key}", lineage, row.get(COMMON))
