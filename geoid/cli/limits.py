"""The limits of `--fail-if`, the same in every command: a metric, a comparison, a value with its unit."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from geoid.errors import UsageError

HINT = "write a metric, one of > >= < <= and a value: --fail-if 'dropped>5%'"
WRITTEN = re.compile(r"([a-z0-9-]+)\s*(>=|<=|>|<)\s*(\d{1,15}(?:\.\d{1,9})?)\s*(%|ms|s|)", re.ASCII)
COMPARISONS: Mapping[str, Callable[[float, float], bool]] = MappingProxyType(
    {">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le}
)
TIMES = {"s": 1, "ms": 1000}
"""Parts of a second."""


class Limit(NamedTuple):
    """A limit as it was written, and what it means: `value` is a share of 1 for `%`, and seconds for `ms` and `s`."""

    text: str
    metric: str
    comparison: str
    value: float
    unit: str


class Measure(NamedTuple):
    """What a metric came to: `share` is that of 1, for metrics that are a part of something; `time` is in seconds."""

    value: float
    share: float | None = None
    time: bool = False


def parse(text: str) -> Limit:
    """A limit such as `unmatched>5%` or `p99 > 500 ms`; raises `UsageError` for anything else."""
    from fractions import Fraction

    found = WRITTEN.fullmatch(text.strip())
    if found is None:
        raise UsageError(f"--fail-if {text!r} is not a limit", HINT)
    metric, comparison, value, unit = found.groups()
    parts = 100 if unit == "%" else TIMES.get(unit, 1)
    return Limit("".join(found.groups()), metric, comparison, float(Fraction(value) / parts), unit)


def check(limits: Iterable[Limit], measures: Mapping[str, Measure]) -> None:
    """Raise `UsageError` for limits on what is not measured, or is not measured in their unit."""
    for limit in limits:
        measure = measures.get(limit.metric)
        if measure is None:
            known = ", ".join(measures)
            raise UsageError(f"--fail-if {limit.text}: there is no metric {limit.metric}", f"metrics: {known}")
        if limit.unit not in _units(measure):
            raise UsageError(f"--fail-if {limit.text}: {limit.metric} is {_kind(measure)}", _hint(limit, measure))


def broken(limits: Iterable[Limit], measures: Mapping[str, Measure]) -> list[str]:
    """A sentence for each limit that is broken, in their order; raises `UsageError` as `check` does."""
    limits = tuple(limits)
    check(limits, measures)
    return [_sentence(limit, measures[limit.metric]) for limit in limits if _is_broken(limit, measures[limit.metric])]


def _is_broken(limit: Limit, measure: Measure) -> bool:
    return COMPARISONS[limit.comparison](_measured(limit, measure), limit.value)


def _measured(limit: Limit, measure: Measure) -> float:
    """The share for a limit in percent, else the value."""
    return measure.share if limit.unit == "%" and measure.share is not None else measure.value


def _sentence(limit: Limit, measure: Measure) -> str:
    measured = _measured(limit, measure)
    if limit.unit == "%":
        shown = f"{100 * measured:.6g}%"
    elif limit.unit:
        shown = f"{TIMES[limit.unit] * measured:.6g} {limit.unit}"
    else:
        shown = f"{measured:,.12g}"
    return f"{limit.metric} is {shown}, which breaks {limit.text}"


def _units(measure: Measure) -> Sequence[str]:
    if measure.time:
        return tuple(TIMES)
    return ("",) if measure.share is None else ("", "%")


def _kind(measure: Measure) -> str:
    if measure.time:
        return "a time"
    return "a count that is no part of anything" if measure.share is None else "a count or a share"


def _hint(limit: Limit, measure: Measure) -> str:
    units = " or ".join(f"{limit.metric}{limit.comparison}5{unit}" for unit in _units(measure))
    return f"write such as {units}"
