"""The tree of errors: names, exit codes, precedence."""

from __future__ import annotations

import itertools
import re

import pytest

from geoid import errors
from geoid.errors import PRECEDENCE, GeoidError, exit_code

LEAVES = [thing for thing in vars(errors).values() if isinstance(thing, type) and issubclass(thing, GeoidError)]


@pytest.mark.parametrize(
    ("name", "code", "kind"),
    [
        ("GeoidError", 1, "error"),
        ("UsageError", 2, "usage"),
        ("BadInputError", 65, "bad-input"),
        ("UnreadablePhoto", 65, "unreadable-photo"),
        ("EmptyPhoto", 65, "empty-photo"),
        ("NotAPhoto", 65, "not-a-photo"),
        ("BrokenPhoto", 65, "broken-photo"),
        ("HugePhoto", 65, "huge-photo"),
        ("NoPhotos", 65, "no-photos"),
        ("NoLocationError", 66, "no-location"),
        ("UnavailableError", 69, "unavailable"),
        ("ModelError", 70, "model"),
        ("StorageError", 74, "storage"),
        ("ThrottledError", 75, "throttled"),
        ("SettingsError", 78, "settings"),
        ("LimitBrokenError", 99, "limit-broken"),
    ],
)
def test_every_error_has_a_stable_code_and_kind(name: str, code: int, kind: str) -> None:
    error = getattr(errors, name)("it broke", "mend it")
    assert (error.exit_code, error.kind, error.message, error.hint, str(error)) == (
        code,
        kind,
        "it broke",
        "mend it",
        "it broke",
    )


def test_the_docstring_draws_every_error_once() -> None:
    drawn = re.findall(r"^[│├└─ ]*([A-Z]\w+) ", errors.__doc__.split("\n\n", 1)[1], re.MULTILINE)
    assert sorted(drawn) == sorted(leaf.__name__ for leaf in LEAVES)


def test_kinds_are_unique() -> None:
    kinds = [leaf.kind for leaf in LEAVES]
    assert len(kinds) == len(set(kinds))


def test_no_error_is_fine() -> None:
    assert exit_code(set()) == 0
    assert exit_code({0}) == 0


@pytest.mark.parametrize("pair", list(itertools.combinations(PRECEDENCE, 2)))
def test_of_two_codes_the_earlier_in_the_order_of_precedence_wins(pair) -> None:
    assert exit_code(set(pair)) == min(pair, key=PRECEDENCE.index)
    assert exit_code({*pair, 0, 1, 2, 70}) == min(pair, key=PRECEDENCE.index)


def test_codes_without_precedence_give_the_highest() -> None:
    assert exit_code({1, 74, 70}) == 74
