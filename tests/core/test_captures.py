"""Joining captures: precedence, independence, problems."""

from __future__ import annotations

import datetime

from geoid.core.captures import merge
from geoid.core.values import Capture, CaptureDate, Coordinates, Location, Source

PLACE = Location(Coordinates(51.5, -0.1), Source.ARGUMENT)
OTHER_PLACE = Location(Coordinates(-1.0, -1.0), Source.EXIF)
DAY = CaptureDate(datetime.date(2019, 5, 1), Source.EXIF)
OTHER_DAY = CaptureDate(datetime.date(2020, 5, 1), Source.SIDECAR)


def test_place_and_date_are_decided_independently() -> None:
    joined = merge((Capture(location=PLACE), Capture(OTHER_PLACE, DAY), Capture(OTHER_PLACE, OTHER_DAY)))
    assert joined == Capture(PLACE, DAY)


def test_every_problem_is_kept_once_in_the_order_met() -> None:
    joined = merge((Capture(problems=("b", "a")), Capture(problems=()), Capture(PLACE, problems=("c", "a"))))
    assert joined == Capture(PLACE, problems=("b", "a", "c"))


def test_nothing_joined_is_nothing_known() -> None:
    assert merge(()) == Capture()
    assert merge(iter([Capture(), Capture()])) == Capture()
