"""Text from strangers, made safe to show."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoid.core.text import HIDDEN, printable, redacted

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


MARK = "S3CR\u00e9T"


@given(st.text(), st.text(), st.sampled_from(["postgresql", "redis", "rediss"]), st.sampled_from(["geoid", ""]))
def test_the_password_of_an_account_never_survives(before: str, after: str, scheme: str, user: str) -> None:
    shown = redacted(f"{scheme}://{user}:{before}{MARK}{after}@db.example:5432/geoid?sslmode=require")
    assert MARK not in shown
    assert shown.startswith(f"{scheme}://{user}:***")


@given(st.text(), st.text(), st.sampled_from(["password", "PASSWORD", "sslpassword", "passwd", "password "]))
def test_a_password_that_is_written_out_never_survives(before: str, after: str, word: str) -> None:
    for url in (
        f"postgresql://geoid@db:5432/geoid?{word}={before}{MARK}{after}&sslmode=require",
        f"postgresql://db:5432/geoid?{word}={before}{MARK}{after}",
        f"host=db {word}='{before}{MARK}{after}' dbname=geoid",
        f"host=db {word}={before}{MARK}{after}",
    ):
        assert MARK not in redacted(url)


@given(st.text(), st.text(), st.text(), st.text())
def test_no_password_survives_in_what_is_no_url_either(user: str, before: str, after: str, place: str) -> None:
    assert MARK not in redacted(f"{user}:{before}{MARK}{after}@{place}")


@given(anything)
def test_redacted_text_stays_as_it_is(text: str) -> None:
    once = redacted(text)
    assert redacted(once) == once


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (
            "postgresql://geoid:p@ss@db:5432/geoid?sslmode=require",
            "postgresql://geoid:***@db:5432/geoid?sslmode=require",
        ),
        ("postgresql://geoid:s3cret/geoid", "postgresql://geoid:***"),
        ("postgresql://geoid@db,other:5433/geoid", "postgresql://geoid@db,other:5433/geoid"),
        ("postgresql://db:5432/geoid", "postgresql://db:5432/geoid"),
        ("postgresql://[::1]:5432/geoid", "postgresql://[::1]:5432/geoid"),
        ("postgresql://db/geoid?password_file=token.txt", "postgresql://db/geoid?password_file=token.txt"),
        ("host=db password='it''s' user=geoid", "host=db password=***"),
        ("rediss://:s3cret@cache:6379/0", "rediss://:***@cache:6379/0"),
        ("redis://cache:6379/0", "redis://cache:6379/0"),
        ("sqlite:/data/eu.areas", "sqlite:/data/eu.areas"),
        ("memory:", "memory:"),
        ("", ""),
    ],
)
def test_everything_but_the_password_is_shown(url: str, shown: str) -> None:
    assert redacted(url) == shown
