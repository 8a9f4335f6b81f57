"""Places as H3 cells. h3 is imported where it is used: many photos have no position, and it takes 20 ms."""

from __future__ import annotations

from geoid.core.values import Coordinates

RESOLUTION = 5
"""The resolution at which a place is indexed once; coarser cells are its parents."""

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
