"""`--area`: a box of degrees, or regions by name, as what a scan and ranges are held to."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from geoid.errors import AreaDataError, UsageError
from geoid.seeding.cells import SPACE, Shorts, in_box
from geoid.seeding.region_names import RegionNames
from geoid.seeding.regions import Regions, corners
from geoid.seeding.requests import Request
from geoid.seeding.scan import Wanted

BOX = re.compile(r"@?\s*([-+0-9.]+(?:\s*,\s*[-+0-9.]+){3})\s*")
HINT = "give south,west,north,east in degrees, or regions: --area KE, --area 'US-CA MX', --area EUROPE"


def wanted(request: Request, regions: Callable[[], Regions]) -> Wanted:
    """What a request wants of records; raises `UsageError` for an area that is none."""
    if request.area is None:
        return Wanted(request.since)
    box = BOX.fullmatch(request.area.strip())
    try:
        if box is not None:
            south, west, north, east = corners(request.area, box[1])
            return Wanted(request.since, (south, west, north, east), ranges=_mask(in_box(south, west, north, east)))
        cells = _regions(request.area, regions())
        return Wanted(request.since, cells=cells, ranges=cells)
    except AreaDataError as error:
        raise UsageError(f"--area {request.area}: {error.message}", error.hint or HINT) from None


def _regions(area: str, regions: Regions) -> NDArray[np.bool_]:
    return _mask(np.concatenate([regions.cells(name) for name in RegionNames(regions).find_all(area)]))


def _mask(cells: Shorts) -> NDArray[np.bool_]:
    found = np.zeros(SPACE, bool)
    found[cells] = True
    return found
