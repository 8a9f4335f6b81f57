"""Tables most of whose lines are broken."""

from __future__ import annotations

from geoid.errors import AreaDataError
from geoid.seeding.sources import Table

BROKEN_SHARE, BROKEN_FEW = 0.01, 100
"""A table is refused when more of its lines are broken than this share, and than so many."""


def refuse_ruins(table: Table, rows: int) -> None:
    """Raise `AreaDataError` for a table most of whose lines are no rows of it."""
    broken = table.broken
    if broken.count <= max(BROKEN_FEW, BROKEN_SHARE * (rows + broken.count)):
        return
    first = broken.examples[0]
    what = f"{table.name}: {broken.count:,} of {rows + broken.count:,} lines are broken"
    raise AreaDataError(f"{what}, the first is line {first.line}: {first.reason}", "fetch it again, or mend it")
