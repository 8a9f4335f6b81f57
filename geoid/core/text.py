"""Text from strangers, made safe to show."""

from __future__ import annotations

import re
import unicodedata

HIDDEN = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
"""Unicode categories that control a terminal or hide text: controls, format (bidi) marks, surrogates, separators."""

LATIN = range(0x100)
UNDECODED = range(0xDC80, 0xDD00)
"""What Python reads for the bytes 80 to FF of a file name that is not valid UTF-8 (PEP 383)."""


def printable(text: str) -> str:
    """The text with every control or invisible character written as an escape, so that a terminal stays as it was."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escaped(char) if unicodedata.category(char) in HIDDEN else char for char in text)


def _escaped(char: str) -> str:
    code = ord(char)
    if code in UNDECODED:
        return f"\\x{code - UNDECODED.start + 0x80:02x}"
    return f"\\x{code:02x}" if code in LATIN else f"\\u{code:04x}"


SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
WRITTEN_PASSWORD = re.compile(r"(?:pass(?!word_file)\w*|pwd)\s*=", re.IGNORECASE)
NO_PORT = re.compile(r":(?!\d*(?:[,/?]|$))")
BRACKETS = re.compile(r"\[[^\]/?@]*\]")
HIDDEN_PASSWORD = "***"  # noqa: S105 what is shown in its place


def redacted(url: str) -> str:
    """A connection string with `***` for its password, whether or not that is written by the rules.

    Takes URLs (`postgresql://`, `redis://`) and libpq's `host=… password=…`. Rather hides too much than too little:
    all from the account's colon to the last `@`, and all behind `password=`.
    """
    start, end = _account_password(url)
    written = WRITTEN_PASSWORD.search(url)
    if written and written.end() < end:
        return url[: min(start, written.end())] + HIDDEN_PASSWORD
    rest = url[end:] if not written else url[end : written.end()] + HIDDEN_PASSWORD
    return url[:start] + HIDDEN_PASSWORD * (start < end) + rest


def _account_password(url: str) -> tuple[int, int]:
    """Where the password of `user:password@host` stands, or of `user:password` with its host forgotten."""
    scheme = SCHEME.match(url)
    account, end = scheme.end() if scheme else 0, url.rfind("@")
    if end >= 0:
        colon = url.find(":", account, end)
        return (colon + 1, end) if colon >= 0 else (0, 0)
    authority = re.split("[/?]", url[account:], maxsplit=1)[0] if scheme else ""
    found = NO_PORT.search(BRACKETS.sub(lambda host: "x" * len(host[0]), authority))
    return (account + found.end(), len(url)) if found else (0, 0)
