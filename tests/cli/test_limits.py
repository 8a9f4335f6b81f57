"""The grammar of `--fail-if`, and what breaks a limit."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoid.cli import seed_measures
from geoid.cli.limits import Limit, Measure, broken, check, parse
from geoid.errors import LimitBrokenError, UsageError
from geoid.seeding.reports import NamesReport, SeedReport, SourceReport, UnmatchedTaxon, ValuesReport

MEASURES = {"dropped": Measure(50, 0.05), "rows": Measure(1000), "p99": Measure(0.5, time=True)}


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("dropped>5%", Limit("dropped>5%", "dropped", ">", 0.05, "%")),
        ("  rows < 1000 ", Limit("rows<1000", "rows", "<", 1000, "")),
        ("p99>=500ms", Limit("p99>=500ms", "p99", ">=", 0.5, "ms")),
        ("p99 <= 0.25 s", Limit("p99<=0.25s", "p99", "<=", 0.25, "s")),
        ("labels-without-data>0", Limit("labels-without-data>0", "labels-without-data", ">", 0, "")),
    ],
)
def test_a_limit_is_a_metric_a_comparison_and_a_value(text, limit) -> None:
    assert parse(text) == limit


@pytest.mark.parametrize(
    "text",
    ["", "dropped", "dropped>", ">5%", "dropped=5%", "dropped==5", "dropped>5 %%", "dropped>-1", "dropped>5min",
     "dropped>five", "dropped>5%;rows<1", "Dropped>5", "dropped>1e3", "dropped>٥", "dropped>>5", "dropped>nan",
     "dropped>5\n%\n\nx"],
)  # fmt: skip
def test_what_is_no_limit_is_refused(text) -> None:
    with pytest.raises(UsageError, match="is not a limit") as caught:
        parse(text)
    assert "--fail-if 'dropped>5%'" in caught.value.hint


@given(st.text())
def test_any_text_is_a_limit_or_refused(text) -> None:
    with contextlib.suppress(UsageError):
        assert parse(text).value >= 0


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("dropped>4.9%", "dropped is 5%, which breaks dropped>4.9%"),
        ("dropped>=5%", "dropped is 5%, which breaks dropped>=5%"),
        ("dropped>49", "dropped is 50, which breaks dropped>49"),
        ("rows<1001", "rows is 1,000, which breaks rows<1001"),
        ("rows <= 1000", "rows is 1,000, which breaks rows<=1000"),
        ("p99>499ms", "p99 is 500 ms, which breaks p99>499ms"),
        ("p99>0.4s", "p99 is 0.5 s, which breaks p99>0.4s"),
        ("dropped>5%", None),
        ("dropped<5%", None),
        ("rows<1000", None),
        ("rows>1000", None),
        ("p99>500ms", None),
        ("p99>0.5s", None),
    ],
)
def test_a_limit_is_broken_where_its_comparison_holds(text, sentence) -> None:
    assert broken([parse(text)], MEASURES) == ([sentence] if sentence else [])


@given(st.integers(0, 100_000), st.integers(1, 100_000))
def test_a_share_that_is_just_the_limit_does_not_break_it(parts, factor) -> None:
    share = Measure(parts * factor, parts * factor / (100_000 * factor))
    assert broken([parse(f"dropped>{parts / 1000:.3f}%")], {"dropped": share}) == []


def test_all_broken_limits_are_named_in_their_order() -> None:
    limits = [parse(text) for text in ("rows>1", "dropped<1%", "dropped>1%")]
    assert [sentence.split()[0] for sentence in broken(limits, MEASURES)] == ["rows", "dropped"]


@pytest.mark.parametrize(
    ("text", "sentence", "hint"),
    [
        ("droped>5%", "there is no metric droped", "metrics: dropped, rows, p99"),
        ("rows>5%", "rows is a count that is no part of anything", "rows>5"),
        ("rows>5s", "rows is a count that is no part of anything", "rows>5"),
        ("dropped>5ms", "dropped is a count or a share", "dropped>5 or dropped>5%"),
        ("p99>500", "p99 is a time", "p99>5s or p99>5ms"),
        ("p99>5%", "p99 is a time", "p99>5s or p99>5ms"),
    ],
)
def test_a_limit_on_what_is_not_measured_so_is_refused(text, sentence, hint) -> None:
    with pytest.raises(UsageError, match=sentence) as caught:
        check([parse(text)], MEASURES)
    assert hint in caught.value.hint


def report(**names: object) -> SeedReport:
    """A report on two sources, 200 rows in all, of which 50 were dropped and 10 more lines were broken."""
    one = SourceReport("a", "table", "", 150, 100, 10, {"no-position": 30, "absent": 20}, 1000)
    two = SourceReport("b", "table", "", 50, 50, 0, {}, 1000)
    return SeedReport((one, two), NamesReport(**{"taxa": 4, **names}), ValuesReport({3: 6, 5: 14}, 1, 2, 3, 5), 2.5)


UNMATCHED = (UnmatchedTaxon("Aus bus", 30, 2, "no-class"),)


def test_the_measures_of_a_report_are_counts_and_their_shares() -> None:
    names = {"matched_records": 90, "unmatched_records": 30, "unmatched": UNMATCHED, "labels": 8}
    found = seed_measures.measures(report(**names, labels_without_data=("Cus dus",)))
    assert {name: measure for name, measure in found.items() if measure.value or measure.time} == {
        "unmatched": Measure(30, 0.25),
        "unmatched-taxa": Measure(1, 0.25),
        "labels-without-data": Measure(1, 0.125),
        "dropped": Measure(50, 0.25),
        "broken": Measure(10, 10 / 210),
        "absent": Measure(20, 0.1),
        "no-position": Measure(30, 0.15),
        "rows": Measure(200),
        "used": Measure(150, 0.75),
        "taxa": Measure(4),
        "cells": Measure(20),
        "overflowing": Measure(5, 0.25),
        "seconds": Measure(2.5, time=True),
    }


def test_without_records_unmatched_is_about_taxa() -> None:
    assert seed_measures.measures(report(unmatched=UNMATCHED))["unmatched"] == Measure(1, 0.25)


def test_every_metric_can_be_named_before_anything_is_read() -> None:
    limits = seed_measures.parsed(
        [f"{name}>0{'s' if name == 'seconds' else ''}" for name in seed_measures.measures(report())]
    )
    assert len(limits) == len({limit.metric for limit in limits}) == len(seed_measures.RULES) + 11
    with pytest.raises(UsageError, match="no metric zero-zeros"):
        seed_measures.parsed(["zero-zeros>1%"])


def test_broken_limits_become_one_error_that_names_them_all() -> None:
    sentences = seed_measures.broken(seed_measures.parsed(["rows<1000", "used<80%", "taxa<1"]), report())
    with pytest.raises(LimitBrokenError, match="rows is 200, which breaks rows<1000; used is 75%, ") as caught:
        seed_measures.refuse(sentences)
    assert caught.value.exit_code == 99
    assert caught.value.message.endswith("; nothing was changed")
    seed_measures.refuse([])


def test_every_rule_of_the_readers_can_be_limited() -> None:
    pytest.importorskip("polars", reason="polars is not installed")
    from geoid.seeding import cell_lists, census, country_lists, geofence, lists, rules

    of_readers = {cell_lists.NO_CELL, country_lists.NO_REGION, geofence.NO_FENCE, lists.NO_NAME, lists.NO_MONTH}
    assert {*rules.RULES, *rules.OWN_RULES, *census.RULES, *of_readers} == set(seed_measures.RULES)
