"""What `geoid seed` says of its sources: the table and the document, from a report that has everything in it."""

from __future__ import annotations

import json

from geoid.cli import seed_report
from geoid.core.releases import Kind, Release
from geoid.seeding.reports import NamesReport, SeedReport, SourceReport, UnmatchedTaxon, ValuesReport
from geoid.seeding.sources import BrokenLine

RELEASE = Release("kenya-0a1b2c3d", Kind.MIXED, "0a1b2c3d4e5f" + "6" * 52)
BROKEN = tuple(BrokenLine("occurrence.txt", line, "49 columns, expected 50") for line in range(11, 18))
RECORDS = SourceReport(
    "0001234.zip", "gbif-csv", "CC-BY 4.0", 1_234_567, 1_000_000, 12,
    {"absent": 0, "zero-zero": 67, "no-position": 200_000, "before-since": 34_500}, 512_000_000, BROKEN,
    ("latitude and longitude look swapped in 40 rows",),
)  # fmt: skip
RANGES = SourceReport("ke.csv", "country-list", "", 1200, 1200, 0, {}, 0)
UNMATCHED = (
    UnmatchedTaxon("Tauraco hartlaubi", 12_000, 340, "no-class"),
    UnmatchedTaxon("Aus \x1b[31mbus", 900, 34, "unknown-name"),
    UnmatchedTaxon("Cus dus", 0, 5, "unknown-name"),
)
NAMES = NamesReport(
    1500, {"key": 1490, "name": 5, "synonym": 2}, UNMATCHED, 900_000, 100_000, 398,
    tuple(f"Genus number{number}" for number in range(12)),
)  # fmt: skip
VALUES = ValuesReport({3: 400, 2: 12, 5: 9000, 4: 2000}, 44, 3120, 65_530, 3)
REPORT = SeedReport((RECORDS, RANGES), NAMES, VALUES, 12.5, 512_000_000)

TABLE = """\
0001234.zip         gbif-csv, CC-BY 4.0
  rows              1,234,567
  used              1,000,000   81.0%
  no-position         200,000   16.2%
  before-since         34,500    2.8%
  zero-zero                67   <0.1%
  broken                   12   <0.1%
  broken line       occurrence.txt:11: 49 columns, expected 50
  broken line       occurrence.txt:12: 49 columns, expected 50
  broken line       occurrence.txt:13: 49 columns, expected 50
  broken line       occurrence.txt:14: 49 columns, expected 50
  broken line       occurrence.txt:15: 49 columns, expected 50
                    and 7 more
  remark            latitude and longitude look swapped in 40 rows
ke.csv              country-list
  rows              1,200
  used              1,200  100.0%
names               1,500 taxa
  known             1,497  99.8%  1,490 by key, 5 by name, 2 by synonym
  unmatched         3  0.2%, 10.0% of the records  2 unknown-name, 1 no-class
                    Tauraco hartlaubi  12,000 records  340 cells  no-class
                    Aus \\x1b[31mbus       900 records   34 cells  unknown-name
                    and 1 more
  without data      12 of the 398 taxa that the model knows: Genus number0, Genus number1, Genus number2, \
Genus number3, Genus number4, Genus number5, Genus number6, Genus number7, Genus number8, Genus number9, …
cells               11,412; by resolution: 12 of 2, 400 of 3, 2,000 of 4, 9,000 of 5
values              44 bytes at the median, 3,120 at p99, 65,530 the largest; 3 overflowing
built               kenya-0a1b2c3d, digest 0a1b2c3d4e5f; \
512.0 MB, 1,235,767 rows in 12.5 s, 98,861 rows/s; 512 MB of memory\
"""


def test_the_table_shows_everything_that_was_found() -> None:
    assert seed_report.text(REPORT, RELEASE, 2).splitlines() == TABLE.splitlines()


def test_what_did_not_happen_is_not_shown() -> None:
    report = SeedReport((RANGES,), NamesReport(3, {"key": 3, "name": 0}), ValuesReport({3: 1}, 44, 44, 44, 0), 0.0)
    shown = seed_report.text(report, RELEASE, 10)
    assert [line[:18].strip() for line in shown.splitlines()] == [
        "ke.csv", "rows", "used", "names", "known", "cells", "values", "built",
    ]  # fmt: skip
    assert shown.endswith("; 1,200 rows in 0.0 s")


def test_no_unmatched_taxon_need_be_listed() -> None:
    shown = seed_report.text(REPORT, RELEASE, 0)
    assert "  unmatched         3  0.2%" in shown
    assert "Tauraco" not in shown
    assert "Cus dus" in seed_report.text(REPORT, RELEASE, 3)


def test_only_nothing_is_shown_as_nothing_and_all_as_all() -> None:
    shares = [seed_report._percent(part, 100_000) for part in (0, 1, 100, 99_900, 99_999, 100_000)]
    assert shares == ["0.0%", "<0.1%", "0.1%", "99.9%", ">99.9%", "100.0%"]
    assert seed_report._percent(0, 0) == "0.0%"


def test_the_document_holds_the_same() -> None:
    found = json.loads(json.dumps(seed_report.document(REPORT)))
    assert list(found) == ["sources", "names", "values", "build_seconds", "peak_memory"]
    first, second = found["sources"]
    assert list(first) == [
        "name", "kind", "licence", "rows", "used", "broken", "dropped", "bytes", "examples", "remarks",
    ]  # fmt: skip
    assert first["dropped"] == {"absent": 0, "zero-zero": 67, "no-position": 200_000, "before-since": 34_500}
    assert first["examples"][0] == {"file": "occurrence.txt", "line": 11, "reason": "49 columns, expected 50"}
    assert len(first["examples"]) == 7
    assert (second["examples"], second["remarks"], second["dropped"]) == ([], [], {})
    assert found["values"] == {
        "cells": {"2": 12, "3": 400, "4": 2000, "5": 9000},
        "p50": 44, "p99": 3120, "largest": 65_530, "overflowing": 3,
    }  # fmt: skip
    assert (found["build_seconds"], found["peak_memory"]) == (12.5, 512_000_000)


def test_the_document_lists_a_thousand_unmatched_taxa_and_counts_all() -> None:
    many = tuple(UnmatchedTaxon(f"Aus bus{number}", 1, 1, "unknown-name") for number in range(1200))
    report = REPORT._replace(names=NAMES._replace(unmatched=many), peak_memory=0)
    found = seed_report.document(report)
    assert (len(found["names"]["unmatched"]), found["names"]["unmatched_taxa"]) == (1000, 1200)
    assert found["names"]["unmatched"][0] == {
        "scientific_name": "Aus bus0", "records": 1, "cells": 1, "reason": "unknown-name",
    }  # fmt: skip
    assert len(found["names"]["labels_without_data"]) == 12
    assert found["peak_memory"] is None


def test_of_a_release_that_was_not_built_the_document_has_the_same_keys() -> None:
    assert list(seed_report.document(None)) == list(seed_report.document(REPORT))
