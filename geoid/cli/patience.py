"""How `--wait` lets a command try again while a store does not answer or is busy."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import TypeVar

from geoid.cli.options import say
from geoid.errors import ReleaseGone, ThrottledError, UnavailableError, UsageError

PAUSE = 0.5
"""Seconds between two tries while `--wait` lasts."""

UNITS = {"": 1, "s": 1, "m": 60, "h": 3600}
Answer = TypeVar("Answer")


def seconds(text: str) -> float:
    """A time such as `60s`, `5m` or `90`; raises `UsageError` for anything else."""
    found = re.fullmatch(r"(\d{1,6}(?:\.\d{1,3})?)([smh]?)", text.strip(), re.ASCII)
    if found is None:
        raise UsageError(f"--wait {text!r} is not a time", "give seconds, minutes or hours: --wait 60s")
    return float(found[1]) * UNITS[found[2]]


class Patience:
    """Asks again while a store does not answer or somebody else publishes there, for so many seconds in all."""

    def __init__(self, seconds: float) -> None:
        self._left = seconds
        self._said = False

    def ask(self, question: Callable[[], Answer]) -> Answer:
        """The answer, or the last error once patience is at its end."""
        while True:
            asked = time.monotonic()
            try:
                return question()
            except (UnavailableError, ThrottledError) as error:
                self._left -= time.monotonic() - asked
                if self._left <= 0 or isinstance(error, ReleaseGone):
                    raise
                self._say(error.message)
            pause = min(PAUSE, self._left)
            self._left -= pause
            time.sleep(pause)

    def _say(self, message: str) -> None:
        if not self._said:
            say(f"waiting: {message}")
        self._said = True
