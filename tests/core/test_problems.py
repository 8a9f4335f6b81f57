"""The closed list of problems."""

from __future__ import annotations

import re

from geoid.core.problems import MEANINGS, Problem


def test_every_problem_has_a_meaning_of_one_sentence() -> None:
    assert set(MEANINGS) == set(Problem)
    for meaning in MEANINGS.values():
        assert not meaning.endswith(".")
        assert meaning[0].islower()
        assert "\n" not in meaning


def test_names_are_plain_and_distinct() -> None:
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)+", problem.value) for problem in Problem)
    assert len({problem.value for problem in Problem}) == len(Problem)
