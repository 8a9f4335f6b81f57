"""Text from strangers, made safe to show."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoid.core.text import HIDDEN, printable

anything = st.text(st.characters(codec=None))


@given(anything)
def test_no_hidden_character_is_left(text: str) -> None:
    assert not {unicodedata.category(char) for char in printable(text)} & HIDDEN


@given(anything)
def test_printable_text_stays_as_it_is(text: str) -> None:
    once = printable(text)
    assert printable(once) == once


@given(anything)
def test_printable_text_can_be_encoded(text: str) -> None:
    assert printable(text).encode("utf-8").decode("utf-8") == printable(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Löwe 🦁.jpg", "Löwe 🦁.jpg"),
        ("", ""),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("two\nlines\r\t", "two\\x0alines\\x0d\\x09"),
        ("\x7f\x9b2J", "\\x7f\\x9b2J"),
        ("gpj.\u202eexe", "gpj.\\u202eexe"),
        ("zero\u200bwidth", "zero\\u200bwidth"),
        ("\u2028\u2029", "\\u2028\\u2029"),
        ("\udcff.jpg", "\\xff.jpg"),
        ("\ud800", "\\ud800"),
        ("\U000e0041", "\\ue0041"),
    ],
)
def test_controls_are_written_as_escapes(text: str, shown: str) -> None:
    assert printable(text) == shown
