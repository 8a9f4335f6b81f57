"""Joining what several sources say about where and when a photo was taken."""

from __future__ import annotations

from collections.abc import Iterable

from geoid.core.values import Capture


def merge(captures: Iterable[Capture]) -> Capture:
    """Join captures in order of precedence: the first location, the first date, every problem once and in order.

    Location and date are decided independently: each may come from another source.
    """
    captures = tuple(captures)
    return Capture(
        location=next((capture.location for capture in captures if capture.location is not None), None),
        date=next((capture.date for capture in captures if capture.date is not None), None),
        problems=tuple(dict.fromkeys(problem for capture in captures for problem in capture.problems)),
    )
