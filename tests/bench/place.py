"""What a place costs: the lookup of a warm process, kept and not kept, and its share of a warm prediction.

Usage: python place.py FIXTURE_PHOTOS. Lookups go to random places on land; the bare side is one prepared SELECT of the
same four cells in the same pack.
"""

from __future__ import annotations

import random
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import h3
from own_share import large_photos

from geoid import open_pipeline, open_settings, packaged, wiring
from geoid.core.areas import Areas
from geoid.core.places import cells_around
from geoid.core.values import Capture, Coordinates, Location, Source

SEED, PLACES, PHOTOS = 7, 2000, 60
SELECT = "SELECT cell, bytes FROM cells JOIN sets ON number = set_number WHERE cell IN (?, ?, ?, ?)"


def places(pack: Path) -> list[Capture]:
    """Random cells that hold data."""
    with sqlite3.connect(pack) as db:
        cells = [f"{cell:x}" for (cell,) in db.execute("SELECT cell FROM cells ORDER BY cell")]
    some = random.Random(SEED).sample(cells, PLACES)
    return [Capture(Location(Coordinates(*h3.cell_to_latlng(cell)), Source.ARGUMENT)) for cell in some]


def median_us(work: Callable[[Capture], object], captures: list[Capture]) -> float:
    """The median time in microseconds."""
    spent = []
    for capture in captures:
        start = time.perf_counter()
        work(capture)
        spent.append(time.perf_counter() - start)
    return statistics.median(spent) * 1e6


def fetch(areas: Areas, capture: Capture) -> object:
    """The part of a lookup that ends with decoded features."""
    return areas._found(cells_around(capture.location.coordinates), areas._attempt())


def lookups(pack: Path) -> None:
    """Print the medians of the bare SELECT, of fetching and of the whole lookup with its evidence."""
    captures = places(pack)
    areas = wiring.open_species(open_settings().settings)
    areas.look_up(captures[0])
    bare = sqlite3.connect(f"{pack.as_uri()}?mode=ro&immutable=1", uri=True)
    keys = {id(one): [int(cell, 16) for cell in cells_around(one.location.coordinates)] for one in captures}
    select = median_us(lambda one: bare.execute(SELECT, keys[id(one)]).fetchall(), captures)
    first = median_us(lambda one: fetch(areas, one), captures)
    again = median_us(lambda one: fetch(areas, one), captures[-400:])
    whole = median_us(areas.look_up, captures[-400:])
    print(f"{PLACES} places: bare SELECT {select:.0f} us, fetch from the pack {first:.0f} us (decoded),")
    print(f"fetch from the process's cache {again:.0f} us, whole lookup with evidence, cached {whole:.0f} us")


def shares(folder: Path) -> None:
    """Print the share of lookup and rank in warm predictions of 12 MP photos with a place."""
    pipeline = open_pipeline()
    given = Capture(Location(Coordinates(-1.29, 36.82), Source.ARGUMENT))
    with tempfile.TemporaryDirectory() as target:
        photo = large_photos(folder, Path(target) / "photos")[0]
        data = photo.read_bytes()
        timings = [pipeline.predict(photo.name, data, given).timings_ms for _ in range(PHOTOS)][5:]
    medians = {step: statistics.median(one[step] for one in timings) for step in timings[0]}
    for step in ("lookup", "rank"):
        print(f"{step}: {medians[step]:.2f} ms, {medians[step] / medians['total']:.1%} of a warm prediction")


def main() -> None:
    """Measure."""
    pack = packaged.folder("areas") / "starter.areas"
    print(f"starter release: {pack.stat().st_size:,} bytes")
    lookups(pack)
    shares(Path(sys.argv[1]))


if __name__ == "__main__":
    main()
