"""How `geoid seed` shows what it found in its sources: a table for people, and the same as a document."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from geoid.core.releases import Release
    from geoid.seeding.reports import NamesReport, SeedReport, SourceReport, UnmatchedTaxon, ValuesReport

LINES, LABELS = 5, 10
"""So many broken lines of a source, and labels without data, are shown; the others are counted."""

LISTED = 1000
"""So many unmatched taxa are in the document."""

DIGITS = 12
WIDTH = 18
"""Of the column that says what a line is about; the longest rule fits."""

LEAST = 0.001
"""The least share that is written as a number."""

MEGABYTE = 1e6


def text(report: SeedReport, release: Release, unmatched: int) -> str:
    """The report as lines, with so many of the unmatched taxa."""
    lines = [line for source in report.sources for line in _source(source)]
    lines += [*_names(report.names, unmatched), *_values(report.values), _cost(report, release)]
    return "\n".join(lines)


def _source(source: SourceReport) -> Iterator[str]:
    lines = source.rows + source.broken
    yield _line(source.name, ", ".join(filter(None, (source.kind, source.licence))))
    rules = sorted(source.dropped.items(), key=lambda pair: (-pair[1], pair[0]))
    counts = [("used", source.used, source.rows), *((rule, count, source.rows) for rule, count in rules if count)]
    if source.broken:
        counts.append(("broken", source.broken, lines))
    width = len(f"{lines:,}")
    yield _line("  rows", f"{source.rows:>{width},}")
    for what, count, whole in counts:
        yield _line(f"  {what}", f"{count:>{width},}  {_percent(count, whole):>6}")
    yield from _broken(source)
    yield from (_line("  remark", remark) for remark in source.remarks)


def _broken(source: SourceReport) -> Iterator[str]:
    shown = source.examples[:LINES]
    yield from (_line("  broken line", f"{one.file}:{one.line}: {one.reason}") for one in shown)
    if shown and source.broken > len(shown):
        yield _line("", f"and {source.broken - len(shown):,} more")


def _names(names: NamesReport, unmatched: int) -> Iterator[str]:
    known = names.taxa - len(names.unmatched)
    how = ", ".join(f"{count:,} by {way}" for way, count in names.matched.items() if count)
    yield _line("names", f"{names.taxa:,} taxa")
    yield _line("  known", f"{known:,}  {_percent(known, names.taxa)}" + (f"  {how}" if how else ""))
    if names.unmatched:
        yield from _unmatched(names, unmatched)
    missing = names.labels_without_data
    if missing:
        some = ", ".join(missing[:LABELS]) + (", …" if len(missing) > LABELS else "")
        yield _line("  without data", f"{len(missing):,} of the {names.labels:,} taxa that the model knows: {some}")


def _unmatched(names: NamesReport, shown: int) -> Iterator[str]:
    reasons: dict[str, int] = {}
    for one in names.unmatched:
        reasons[one.reason] = reasons.get(one.reason, 0) + 1
    why = ", ".join(f"{count:,} {reason}" for reason, count in sorted(reasons.items(), key=lambda pair: -pair[1]))
    records = names.matched_records + names.unmatched_records
    share = f", {_percent(names.unmatched_records, records)} of the records" if records else ""
    taxa = len(names.unmatched)
    yield _line("  unmatched", f"{taxa:,}  {_percent(taxa, names.taxa)}{share}  {why}")
    rows = [_taxon(one) for one in names.unmatched[:shown]]
    yield from (_line("", row) for row in _aligned(rows))
    if rows and taxa > len(rows):
        yield _line("", f"and {taxa - len(rows):,} more")


def _taxon(one: UnmatchedTaxon) -> tuple[str, str, str, str]:
    from geoid.core.text import printable

    return printable(one.scientific_name), _many(one.records, "record"), _many(one.cells, "cell"), one.reason


def _many(count: int, what: str) -> str:
    """So many of something, in words."""
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def _aligned(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """Rows as columns: names to the left, numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for first, *numbers, last in rows:
        middle = (f"{number:>{width}}" for number, width in zip(numbers, widths[1:-1], strict=True))
        yield "  ".join((f"{first:<{widths[0]}}", *middle, last))


def _values(values: ValuesReport) -> Iterator[str]:
    by_resolution = ", ".join(f"{count:,} of {resolution}" for resolution, count in sorted(values.cells.items()))
    yield _line("cells", f"{sum(values.cells.values()):,}; by resolution: {by_resolution}")
    sizes = f"{values.p50:,} bytes at the median, {values.p99:,} at p99, {values.largest:,} the largest"
    yield _line("values", f"{sizes}; {values.overflowing:,} overflowing")


def _cost(report: SeedReport, release: Release) -> str:
    rows, size = (sum(getattr(one, what) for one in report.sources) for what in ("rows", "bytes"))
    rate = f", {rows / report.seconds:,.0f} rows/s" if report.seconds else ""
    memory = f"; {report.peak_memory / MEGABYTE:,.0f} MB of memory" if report.peak_memory else ""
    read = f"{size / MEGABYTE:,.1f} MB, " if size else ""
    spent = f"{read}{rows:,} rows in {report.seconds:.1f} s{rate}{memory}"
    return _line("built", f"{release.name}, digest {release.digest[:DIGITS]}; {spent}")


def _line(what: str, said: str) -> str:
    from geoid.core.text import printable

    return f"{printable(what):<{WIDTH}}  {printable(said)}"


def _percent(part: int, whole: int) -> str:
    """A share in percent; only nothing looks like nothing, and only all like all."""
    share = part / whole if whole else 0.0
    if 0 < share < LEAST:
        return f"<{LEAST:.1%}"
    return f">{1 - LEAST:.1%}" if 1 - LEAST < share < 1 else f"{share:.1%}"


def document(report: SeedReport | None) -> dict[str, object]:
    """The same for programs; of a release that was not built there is nothing to say."""
    if report is None:
        return {"sources": [], "names": None, "values": None, "build_seconds": None, "peak_memory": None}
    return {
        "sources": [_source_document(source) for source in report.sources],
        "names": _names_document(report.names),
        "values": {**report.values._asdict(), "cells": _by_text(report.values.cells)},
        "build_seconds": round(report.seconds, 3),
        "peak_memory": report.peak_memory or None,
    }


def _source_document(source: SourceReport) -> dict[str, object]:
    examples = [line._asdict() for line in source.examples]
    return {**source._asdict(), "dropped": dict(source.dropped), "examples": examples, "remarks": list(source.remarks)}


def _names_document(names: NamesReport) -> dict[str, object]:
    return {
        **names._asdict(),
        "matched": dict(names.matched),
        "unmatched": [one._asdict() for one in names.unmatched[:LISTED]],
        "unmatched_taxa": len(names.unmatched),
        "labels_without_data": list(names.labels_without_data),
    }


def _by_text(cells: Mapping[int, int]) -> dict[str, int]:
    pairs: Iterable[tuple[int, int]] = sorted(cells.items())
    return {str(resolution): count for resolution, count in pairs}
