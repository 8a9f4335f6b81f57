"""A process under steady load: it looks places up at a fixed rate and writes down how each lookup went.

Usage: python load.py JOB.json. The job names the settings, the hot places and the cells for cold ones, the rate and the
file to write to, a JSON line a lookup. It says `ready` when its first lookups are done, and goes on until its standard
input closes. Most lookups go to hot places, which caches hold; the others to fresh ones, which only the database knows.
"""

from __future__ import annotations

import json
import random
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO

import h3

from geoid import open_settings, wiring
from geoid.core.areas import Areas
from geoid.core.values import Capture, Coordinates, Location, Source

THREADS = 64
HOT_SHARE = 0.8


class Load:
    """The lookups of one process."""

    def __init__(self, areas: Areas, hot: list[list[float]], cells: list[str], seed: int, result: IO[str]) -> None:
        self._areas = areas
        self._hot, self._cells = hot, cells
        self._chance = random.Random(seed)
        self._result = result

    def warm_up(self) -> None:
        """Meet both servers, and every hot place once."""
        for place in self._hot:
            self._areas.look_up(capture(place))

    def run(self, rate: float, ended: threading.Event) -> None:
        """Start lookups at even intervals, whether or not earlier ones have ended."""
        begun = time.monotonic()
        with ThreadPoolExecutor(THREADS) as pool:
            for number in range(1_000_000):
                due = begun + number / rate
                if ended.wait(max(due - time.monotonic(), 0)):
                    return
                pool.submit(self._look_up, *self._place())

    def _place(self) -> tuple[list[float], bool]:
        """Where to look next, and whether that is a hot place."""
        if self._chance.random() < HOT_SHARE:
            return self._chance.choice(self._hot), True
        children = sorted(h3.cell_to_children(self._chance.choice(self._cells), 5))
        return list(h3.cell_to_latlng(self._chance.choice(children))), False

    def _look_up(self, place: list[float], hot: bool) -> None:
        started, told = time.monotonic(), {}
        try:
            narrowing = self._areas.look_up(capture(place)).narrowing
            told = {"status": narrowing.status.value, "outcome": narrowing.lookup.value}
            told |= {"release": narrowing.release, "species": narrowing.species_here}
        except Exception as error:
            told = {"error": f"{type(error).__name__}: {error}"}
        spent = (time.monotonic() - started) * 1000
        self._result.write(json.dumps({"at": started, "ms": spent, "place": place, "hot": hot, **told}) + "\n")


def capture(place: list[float]) -> Capture:
    """A photo of a place."""
    return Capture(Location(Coordinates(*place), Source.ARGUMENT))


def main() -> None:
    """Run one job."""
    job = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    areas = wiring.open_species(open_settings(job["settings"]).settings)
    with Path(job["result"]).open("w", encoding="utf-8", buffering=1) as result:
        load = Load(areas, job["hot"], job["cells"], job["seed"], result)
        load.warm_up()
        print("ready", flush=True)
        ended = threading.Event()
        working = threading.Thread(target=load.run, args=(job["rate"], ended))
        working.start()
        sys.stdin.read()
        ended.set()
        working.join()


if __name__ == "__main__":
    main()
