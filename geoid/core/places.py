"""Places as H3 cells. h3 is imported where it is used: many photos have no position, and it takes 20 ms."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from geoid.core.values import Coordinates

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

RESOLUTION = 5
"""The resolution at which a place is indexed once; coarser cells are its parents."""

FINEST = ((10_000, 5), (32_000, 4), (200_000, 3))
"""How uncertain a place may be, in metres, for its cell to be of this resolution; beyond the last there is none."""

COARSEST = 2
EARTH_RADIUS_KM = 6371.0088
"""Mean radius (IUGG)."""

HIDDEN_RESOLUTION = 3
"""The resolution to which a hidden location is rounded: cells of about 12,000 km2."""

SPILL = 1.1
"""How far a place may lie from the centre of its hidden cell, in distances to the farthest corner: (m) 1.03.

H3's cells do not nest exactly, so the children of a cell poke out of it.
"""


def cell_of(coordinates: Coordinates) -> str:
    """The H3 cell at `RESOLUTION`; the range was checked before, because h3 accepts latitude 91 in silence."""
    import h3

    cell: str = h3.latlng_to_cell(coordinates.latitude, coordinates.longitude, RESOLUTION)
    return cell


def hidden_cell(cell: str) -> str:
    """The parent at `HIDDEN_RESOLUTION`, which is all that a shared output may tell."""
    import h3

    parent: str = h3.cell_to_parent(cell, HIDDEN_RESOLUTION)
    return parent


def shown(coordinates: Coordinates, *, hide: bool) -> Coordinates:
    """The coordinates as they may be shown."""
    return hidden(coordinates) if hide else coordinates


def shown_cell(cell: str | None, *, hide: bool) -> str | None:
    """The cell as it may be shown, if there is one."""
    return hidden_cell(cell) if cell and hide else cell


def hidden(coordinates: Coordinates) -> Coordinates:
    """The centre of the hidden cell, with an uncertainty in metres that takes in the cell and the place's own."""
    import h3

    cell = hidden_cell(cell_of(coordinates))
    centre = h3.cell_to_latlng(cell)
    reach = SPILL * max(h3.great_circle_distance(centre, corner, unit="m") for corner in h3.cell_to_boundary(cell))
    latitude, longitude = centre
    return Coordinates(round(latitude, 4), round(longitude, 4), round(reach + (coordinates.uncertainty_m or 0)))


def cells_around(coordinates: Coordinates) -> tuple[str, ...]:
    """The cell of a place and its parents up to `COARSEST`, finest first; none if the place is too uncertain.

    A point is indexed once, at `RESOLUTION`; coarser cells are its parents, because H3 does not nest exactly.
    """
    import h3

    uncertainty = coordinates.uncertainty_m or 0
    finest = next((resolution for limit, resolution in FINEST if uncertainty <= limit), None)
    if finest is None:
        return ()
    cell = cell_of(coordinates)
    return tuple(h3.cell_to_parent(cell, resolution) for resolution in range(finest, COARSEST - 1, -1))


def kilometres(place: Coordinates, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Great-circle distances from a place to points, shape (n, 2) in degrees (haversine formula)."""
    import numpy as np

    latitude, longitude = math.radians(place.latitude), math.radians(place.longitude)
    latitudes, longitudes = np.radians(points).T
    half = np.sin((latitudes - latitude) / 2) ** 2
    half += math.cos(latitude) * np.cos(latitudes) * np.sin((longitudes - longitude) / 2) ** 2
    distances: NDArray[np.float64] = 2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(half))
    return distances
