"""The README's consoles: runs each command and compares, or rewrites, what it shows.

Usage: python readme.py README.md [--write]. A fenced block marked `console` holds commands behind `$ ` and what they
print. They run in the checkout, without colour and without the caller's settings, models and area data. Numbers with a
decimal point may differ in the third decimal, because processors round differently, and times are times.
"""

from __future__ import annotations

import math
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NUMBER = re.compile(r"-?\d+\.\d+")
TIMES = re.compile(r'"timings_ms": \{.*?\}', re.DOTALL)
TOLERANCE = 0.005


@dataclass(frozen=True)
class Console:
    """One command and the output that the README shows for it."""

    command: str
    shown: str


def consoles(text: str) -> Iterator[Console]:
    """The commands of every console block; a block may hold several."""
    for block in BLOCK.finditer(text):
        for part in re.split(r"^\$ ", block[1], flags=re.MULTILINE)[1:]:
            command, _, shown = part.partition("\n")
            yield Console(command, shown)


def output(command: str, checkout: Path) -> str:
    """What the command prints to both streams, trailing blanks cut off."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GEOID_")}
    environment |= {"COLUMNS": "100", "NO_COLOR": "1", "XDG_DATA_HOME": str(checkout / "no-data-of-a-user")}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    done = subprocess.run(
        command,
        shell=True,
        cwd=checkout,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        check=False,
    )
    return "".join(f"{line.rstrip()}\n" for line in done.stdout.splitlines())


def agree(shown: str, real: str) -> bool:
    """Whether two outputs are the same but for rounding and times."""
    shown, real = TIMES.sub("", shown), TIMES.sub("", real)
    if NUMBER.sub("#", shown) != NUMBER.sub("#", real):
        return False
    pairs = zip(NUMBER.findall(shown), NUMBER.findall(real), strict=True)
    return all(math.isclose(float(one), float(other), abs_tol=TOLERANCE) for one, other in pairs)


def rewrite(readme: Path) -> None:
    """Put the real output of every command into the file."""

    def fresh(block: re.Match[str]) -> str:
        found = consoles(block[0])
        return (
            "```console\n" + "".join(f"$ {one.command}\n{output(one.command, readme.parent)}" for one in found) + "```"
        )

    readme.write_text(BLOCK.sub(fresh, readme.read_text(encoding="utf-8")), encoding="utf-8")


def main() -> None:
    """Check or rewrite."""
    readme = Path(sys.argv[1]).resolve()
    if "--write" in sys.argv:
        rewrite(readme)
    for one in consoles(readme.read_text(encoding="utf-8")):
        print("ok     " if agree(one.shown, output(one.command, readme.parent)) else "DIFFERS", one.command)


if __name__ == "__main__":
    main()
