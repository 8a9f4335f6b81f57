"""Text from strangers, made safe to show."""

from __future__ import annotations

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
