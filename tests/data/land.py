"""Makes fixtures/areas/land.txt: the outline of the world's land, for maps without a tile server.

Usage: npm pack world-atlas@2.0.2 && tar xzf world-atlas-2.0.2.tgz
       python tests/data/land.py package fixtures/areas/land.txt

Natural Earth 50 m (public domain), as the npm package world-atlas carries it in TopoJSON; simplified to about 0.15
degrees, without islands too small to be seen. A line is a ring: longitude and latitude in hundredths of a degree, the
first point as it is, the others as differences to the one before.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

from shapely.affinity import translate
from shapely.geometry import Polygon, box
from shapely.geometry.base import BaseGeometry
from shapely.validation import make_valid

TOLERANCE, SMALLEST = 0.15, 0.05
"""Degrees, and square degrees."""

WORLD = box(-180, -90, 180, 90)


def arcs(topology: dict[str, Any]) -> list[list[tuple[float, float]]]:
    """The arcs of a quantised TopoJSON file, in degrees."""
    (sx, sy), (tx, ty) = topology["transform"]["scale"], topology["transform"]["translate"]
    summed = (accumulate(arc, lambda one, step: [one[0] + step[0], one[1] + step[1]]) for arc in topology["arcs"])
    return [[(x * sx + tx, y * sy + ty) for x, y in arc] for arc in summed]


def polygons(topology: dict[str, Any]) -> Iterator[BaseGeometry]:
    """The polygons of the land."""
    lines = arcs(topology)

    def ring(numbers: list[int]) -> list[tuple[float, float]]:
        parts = [lines[number] if number >= 0 else lines[~number][::-1] for number in numbers]
        return [point for part in parts for point in part]

    for geometry in topology["objects"]["land"]["geometries"]:
        groups = geometry["arcs"] if geometry["type"] == "MultiPolygon" else [geometry["arcs"]]
        for shell, *holes in groups:
            whole = Polygon(unrolled(ring(shell)), [unrolled(ring(hole)) for hole in holes])
            for turn in (-360, 0, 360):
                yield make_valid(translate(make_valid(whole), turn).intersection(WORLD))


def unrolled(ring: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """A ring without jumps from 180 to -180; one that goes around the pole is closed along it."""
    found = [ring[0]]
    for longitude, latitude in ring[1:]:
        before = found[-1][0]
        found.append((longitude - 360 * round((longitude - before) / 360), latitude))
    if abs(found[-1][0] - found[0][0]) > 180:
        found += [(found[-1][0], -90), (found[0][0], -90)]
    return found


def rings(polygon: BaseGeometry) -> Iterator[list[tuple[int, int]]]:
    """The rings worth drawing, in hundredths of a degree."""
    simple = make_valid(polygon.simplify(TOLERANCE))
    for part in getattr(simple, "geoms", [simple]):
        if part.geom_type == "Polygon" and part.area >= SMALLEST:
            for line in (part.exterior, *(hole for hole in part.interiors if Polygon(hole).area >= 1)):
                yield [(round(x * 100), round(y * 100)) for x, y in line.coords]


def main() -> None:
    """Read, simplify, write."""
    source, target = map(Path, sys.argv[1:])
    topology = json.loads((source / "land-50m.json").read_text(encoding="utf-8"))
    lines = ["# land: rings in hundredths of a degree, differences after the first point; Natural Earth, public domain"]
    for polygon in polygons(topology):
        for ring in rings(polygon):
            steps = [ring[0], *((b[0] - a[0], b[1] - a[1]) for a, b in pairwise(ring))]
            lines.append(" ".join(f"{x},{y}" for x, y in steps))
    target.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{len(lines) - 1} rings, {target.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
