"""What the starter release says of birds at the points of `birdnet.py reference`: the other side of that comparison.

Usage: python birdnet_ours.py POINTS.csv OCCURRENCES.csv. A development check only; see birdnet.py.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from pathlib import Path

from geoid import open_settings, wiring
from geoid.core.areas import Areas
from geoid.core.local_list import local_list
from geoid.core.predictions import LocalStatus
from geoid.core.values import Coordinates

HERE = {LocalStatus.EXPECTED, LocalStatus.INTRODUCED, LocalStatus.NEAR}


def birds(areas: Areas, place: Coordinates) -> Iterator[tuple[str, str, str]]:
    """Scientific name, months as twelve digits, and `near` for a bird whose range only touches the cell."""
    for one in local_list(areas, place, None).taxa:
        if one.taxon.lineage.get("class") == "Aves" and one.status in HERE:
            months = "".join("1" if month in one.months else "0" for month in range(1, 13))
            yield one.taxon.scientific_name, months, "near" if one.status is LocalStatus.NEAR else ""


def main() -> None:
    """Write the table."""
    points, target = sys.argv[1:]
    areas = wiring.open_species(open_settings().settings)
    with Path(points).open(encoding="utf-8") as table, Path(target).open("w", encoding="utf-8") as out:
        write = csv.writer(out)
        write.writerow(("point", "taxon", "months", "flags"))
        for row in csv.DictReader(table):
            place = Coordinates(float(row["latitude"]), float(row["longitude"]))
            write.writerows((row["point"], *bird) for bird in birds(areas, place))


if __name__ == "__main__":
    main()
