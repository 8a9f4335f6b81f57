"""Names of places to cells: countries, subdivisions, groups of them, seas and boxes, as range tables write them."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np

from geoid.errors import AreaDataError
from geoid.seeding.cells import SPACE, Shorts, in_box, world

INLAND, LAND = "INLAND", "LAND"
REGION = re.compile(r"(~?[A-Za-z0-9-]*)(?:@([-0-9.,]+))?")
CORNERS = 4
NOWHERE = np.array([], dtype=np.uint16)
EVERY_SEA = "~"


class Regions:
    """Resolves the name of a region, `NAME`, `@box`, `NAME@box`, `~sea` or `~@box`, to its cells of resolution 3."""

    def __init__(self, parts: Mapping[str, Shorts], groups: Mapping[str, tuple[str, ...]]) -> None:
        self._inland = parts.get(INLAND, NOWHERE)
        self._parts = {code: cells for code, cells in parts.items() if code != INLAND}
        self._groups = groups
        self._under: dict[str, set[str]] = defaultdict(set)
        for code in self._parts:
            for name in (code, code.partition("-")[0]):
                self._under[name].add(code)
        self._known: dict[str, Shorts] = {}
        self._made_of: dict[str, set[str]] = {}

    def cells(self, text: str) -> Shorts:
        """The cells of a region, sorted; raises `AreaDataError` for a name that is none or a box that is wrong."""
        if text not in self._known:
            self._known[text] = self._resolved(text)
        return self._known[text]

    def taken_away(self, text: str, among: Iterable[str]) -> Shorts:
        """The cells that go when a region is taken from others: not those that it shares with what stays.

        Seas and boxes share nothing in this sense.
        """
        cells = self.cells(text)
        if text.startswith(EVERY_SEA) or "@" in text or text == LAND:
            return cells
        others = set().union(*(self.leaves(region) for region in among)) - self.leaves(text)
        stays = np.zeros(SPACE, dtype=bool)
        for code in others:
            stays[self._parts[code]] = True
        return cells[~stays[cells]]

    def leaves(self, text: str) -> set[str]:
        """The codes of the subdivisions that a region is made of; a box is counted as if it were whole."""
        name = text.partition("@")[0]
        if name not in self._made_of:
            self._made_of[name] = self._leaves(name)
        return self._made_of[name]

    def _leaves(self, name: str) -> set[str]:
        if name == LAND:
            return set(self._parts)
        if name not in self._groups:
            return self._under.get(name, set())
        found: set[str] = set()
        for token in self._groups[name]:
            found = found - self.leaves(token[1:]) if token.startswith("-") else found | self.leaves(token)
        return found

    def _resolved(self, text: str) -> Shorts:
        match = REGION.fullmatch(text)
        if match is None or not (match[1] or match[2]):
            raise AreaDataError(f"{text!r} is not a region")
        name, box = match[1], match[2]
        boxed = None if box is None else in_box(*corners(text, box))
        if boxed is not None and name == EVERY_SEA:
            return np.setdiff1d(boxed, self._inland)
        found = self._named(name or LAND)
        return found if boxed is None else np.intersect1d(found, boxed)

    def _named(self, name: str) -> Shorts:
        if name == LAND:
            return np.unique(np.concatenate(list(self._parts.values())))
        if name == EVERY_SEA:
            return np.setdiff1d(world().codes, self._inland)
        if name in self._groups:
            return self._group(name)
        own = [self._parts[code] for code in self._under.get(name, ())]
        if not own or name.startswith(EVERY_SEA):
            raise AreaDataError(
                f"there is no region {name!r}", "codes are ISO 3166; groups and seas stand in their files"
            )
        return np.unique(np.concatenate(own))

    def _group(self, name: str) -> Shorts:
        found = NOWHERE
        added: list[str] = []
        for token in self._groups[name]:
            if token.startswith("-"):
                found = np.setdiff1d(found, self.taken_away(token[1:], added))
            else:
                added.append(token)
                within = f"~{token}" if name.startswith(EVERY_SEA) and token.startswith("@") else token
                found = np.union1d(found, self.cells(within))
        return found


def corners(text: str, box: str) -> tuple[float, float, float, float]:
    """The degrees of a box; raises `AreaDataError` about the text it stands in."""
    try:
        south, west, north, east = (float(part) for part in box.split(","))
    except ValueError:
        raise AreaDataError(f"{text!r}: a box is south,west,north,east in degrees") from None
    if not (-90 <= south < north <= 90 and -180 <= west <= 180 and -180 <= east <= 180):  # noqa: PLR2004 - degrees
        raise AreaDataError(f"{text!r}: the box is upside down or off the world")
    return south, west, north, east


def read_regions(parts: Path, *groups: Path) -> Regions:
    """Read the table of subdivisions (code, name, cells) and files of groups (`NAME = tokens`)."""
    cells = {code: np.array([int(cell, 16) for cell in listed.split()], np.uint16) for code, listed in _parts(parts)}
    named = {name: tuple(tokens.split()) for path in groups for name, tokens in _groups(path)}
    return Regions(cells, named)


def _parts(path: Path) -> Iterator[tuple[str, str]]:
    for line in _lines(path):
        code, _, cells = line.split("\t")
        yield code, cells


def _groups(path: Path) -> Iterator[tuple[str, str]]:
    for line in _lines(path):
        name, separator, tokens = line.partition(" = ")
        if not separator:
            raise AreaDataError(f"{path}: {line!r} is not NAME = tokens")
        yield name, tokens


def _lines(path: Path) -> Iterator[str]:
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            yield line
