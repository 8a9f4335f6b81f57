"""What `geoid seed --fail-if` can be a limit on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from geoid.cli import limits
from geoid.cli.limits import Limit, Measure
from geoid.errors import LimitBrokenError

if TYPE_CHECKING:
    from geoid.seeding.reports import NamesReport, SeedReport

RULES = (
    "absent",
    "above-species",
    "no-position",
    "out-of-range",
    "zero-zero",
    "flawed-position",
    "not-wild",
    "before-since",
    "too-uncertain",
    "outside-area",
    "not-approved",
    "casual-grade",
    "no-animal",
    "outside-taxa",
    "no-name",
    "no-species-name",
    "no-such-month",
    "no-such-region",
    "no-fence",
    "no-such-cell",
)
"""Why rows are dropped; they stand here too so that a slip in a limit is seen before anything is read."""


def parsed(texts: Sequence[str]) -> tuple[Limit, ...]:
    """The limits that `--fail-if` gives; raises `UsageError` for one that is none, or on what is not measured."""
    found = tuple(map(limits.parse, texts))
    if found:
        limits.check(found, measures(_nothing()))
    return found


def broken(found: Sequence[Limit], report: SeedReport) -> list[str]:
    """A sentence for each limit that a report breaks."""
    return limits.broken(found, measures(report)) if found else []


def refuse(sentences: Sequence[str]) -> None:
    """Raise `LimitBrokenError` with all sentences, if there are any."""
    if sentences:
        what = f"{'; '.join(sentences)}; nothing was changed"
        raise LimitBrokenError(what, "look at the report above: mend the data, or the limit")


def measures(report: SeedReport) -> dict[str, Measure]:
    """Every metric of a report by its name; what was dropped and broken as shares of the rows that were read."""
    dropped = Counter(dict.fromkeys(RULES, 0))
    for source in report.sources:
        dropped.update(source.dropped)
    rows, used, bad = (sum(getattr(one, what) for one in report.sources) for what in ("rows", "used", "broken"))
    cells, overflowing = sum(report.values.cells.values()), report.values.overflowing
    return {
        **_of_names(report.names),
        "dropped": _part(dropped.total(), rows),
        "broken": _part(bad, rows + bad),
        **{rule: _part(count, rows) for rule, count in dropped.items()},
        "rows": Measure(rows),
        "used": _part(used, rows),
        "taxa": Measure(report.names.taxa),
        "cells": Measure(cells),
        "overflowing": _part(overflowing, cells),
        "seconds": Measure(report.seconds, time=True),
    }


def _of_names(names: NamesReport) -> dict[str, Measure]:
    """Records of taxa that the model does not know; taxa where the data has no records, only ranges."""
    records = names.matched_records + names.unmatched_records
    taxa = _part(len(names.unmatched), names.taxa)
    return {
        "unmatched": _part(names.unmatched_records, records) if records else taxa,
        "unmatched-taxa": taxa,
        "labels-without-data": _part(len(names.labels_without_data), names.labels),
    }


def _part(count: int, whole: int) -> Measure:
    return Measure(count, count / whole if whole else 0.0)


def _nothing() -> SeedReport:
    """The report on a release of nothing, which has every metric too."""
    from geoid.seeding.reports import NamesReport, SeedReport, ValuesReport

    return SeedReport((), NamesReport(0), ValuesReport({}, 0, 0, 0, 0), 0.0)
