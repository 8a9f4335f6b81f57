"""Draws the README's picture: the terminal after a real `geoid predict`, as SVG.

Usage: python picture.py TARGET.svg PHOTO[@LAT,LON]...
"""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.text import Text

from geoid import open_pipeline, open_settings
from geoid.cli.cards import card
from geoid.cli.options import parse_capture

WIDTH = 92
FONT_FACE = re.compile(r"@font-face \{.*?\}", re.DOTALL)


def calls(photos: list[str]) -> Iterator[tuple[list[str], str | None]]:
    """The photos of one command, and its place: those without one go together."""
    yield [name for name in photos if "@" not in name], None
    for photo in photos:
        name, separator, at = photo.partition("@")
        if separator:
            yield [name], at


def main() -> None:
    """Predict, draw, and leave out what an SVG would fetch from elsewhere."""
    target, *photos = sys.argv[1:]
    pipeline = open_pipeline(open_settings({"predict.top": 3}).settings)
    terminal = Console(record=True, width=WIDTH, highlight=False, force_terminal=True, file=io.StringIO())
    for names, at in calls(photos):
        flag = f" --at {at}" if at else ""
        terminal.print(Text(f"$ geoid predict {' '.join(names)}{flag} --top 3", style="bold"))
        for name in names:
            found = pipeline.predict(name, Path(name).read_bytes(), parse_capture(at, None))
            terminal.print(card(found, hide_location=False))
    drawn = terminal.export_svg(title="geoid")
    Path(target).write_text(FONT_FACE.sub("", drawn).replace("Fira Code, ", ""), encoding="utf-8")


if __name__ == "__main__":
    main()
