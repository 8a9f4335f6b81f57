"""Draws the README's picture: the terminal after a real `geoid predict`, as SVG.

Usage: python picture.py TARGET.svg PHOTO...
"""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

from geoid import open_pipeline, open_settings
from geoid.cli.cards import card

WIDTH = 92
FONT_FACE = re.compile(r"@font-face \{.*?\}", re.DOTALL)


def main() -> None:
    """Predict, draw, and leave out what an SVG would fetch from elsewhere."""
    target, *photos = sys.argv[1:]
    pipeline = open_pipeline(open_settings({"predict.top": 3}).settings)
    terminal = Console(record=True, width=WIDTH, highlight=False, force_terminal=True, file=io.StringIO())
    terminal.print(Text(f"$ geoid predict {' '.join(photos)} --top 3", style="bold"))
    for name in photos:
        terminal.print(card(pipeline.predict(name, Path(name).read_bytes()), hide_location=False))
    drawn = terminal.export_svg(title="geoid")
    Path(target).write_text(FONT_FACE.sub("", drawn).replace("Fira Code, ", ""), encoding="utf-8")


if __name__ == "__main__":
    main()
