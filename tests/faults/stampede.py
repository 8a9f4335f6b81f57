"""A process in which many threads look one cold place up at the same moment.

Usage: python stampede.py JOB.json. The job names the settings, a warm place, the cold one and how many threads. It says
`ready` when it knows both servers and all its threads wait, reads the moment (`time.monotonic`, which processes share)
from its standard input, and prints in the end what its lookups said.
"""

from __future__ import annotations

import json
import sys
import threading
import time
import zlib
from pathlib import Path

from geoid import open_settings, wiring
from geoid.adapters.postgres import PostgresStore
from geoid.core.areas import Areas
from geoid.core.values import Capture, Coordinates, Location, Source


class Stampede:
    """The threads of one process, and what each of them was told."""

    def __init__(self, areas: Areas, cold: list[float], threads: int) -> None:
        self._areas, self._cold = areas, cold
        self._told: list[dict[str, object]] = []
        self._barrier = threading.Barrier(threads + 1)
        self._threads = [threading.Thread(target=self._look_up) for _ in range(threads)]

    def wait(self) -> None:
        """Have every thread wait at the barrier."""
        for thread in self._threads:
            thread.start()
        while self._barrier.n_waiting < len(self._threads):
            time.sleep(0.01)

    def run(self, moment: float) -> list[dict[str, object]]:
        """Let them go at a moment."""
        time.sleep(max(moment - time.monotonic(), 0))
        self._barrier.wait()
        for thread in self._threads:
            thread.join()
        return self._told

    def _look_up(self) -> None:
        self._barrier.wait()
        begun = time.monotonic()
        looked = self._areas.look_up(capture(self._cold))
        told = {"begun": begun, "ended": time.monotonic(), "status": looked.narrowing.status.value}
        told |= {"outcome": looked.narrowing.lookup.value, "species": looked.narrowing.species_here}
        told["scores"] = None if looked.evidence is None else zlib.crc32(looked.evidence.scores.tobytes())
        told["troubles"] = [f"{one.tier}: {one.message}" for one in looked.facts.troubles]
        self._told.append(told)


def capture(place: list[float]) -> Capture:
    """A photo of a place."""
    return Capture(Location(Coordinates(*place), Source.ARGUMENT))


def main() -> None:
    """Run one job."""
    job = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    areas = wiring.open_species(open_settings(job["settings"]).settings)
    store = areas.path.database.store
    assert isinstance(store, PostgresStore)
    areas.look_up(capture(job["warm"]))
    stampede = Stampede(areas, job["cold"], job["threads"])
    stampede.wait()
    before = store.session.queries
    print("ready", flush=True)
    told = stampede.run(float(sys.stdin.readline()))
    print(json.dumps({"queries": store.session.queries - before, "lookups": told}), flush=True)


if __name__ == "__main__":
    main()
