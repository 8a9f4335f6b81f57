"""Regions by what people call them: codes in any case, alpha-3 codes, English names, boxes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from geoid.errors import AreaDataError
from geoid.seeding.countries import alpha_2
from geoid.seeding.regions import EVERY_SEA, Regions

BOX = re.compile(r"@?\s*(-?[\d.]+(?:\s*,\s*-?[\d.]+){3})")
COUNTRY_PART = re.compile(r"([A-Za-z]{3})([-@].+)")

SHOWN = 10
"""So many unknown regions are named."""


class RegionNames:
    """Finds what `Regions` calls a region that somebody has written; asks for each name once."""

    def __init__(self, regions: Regions) -> None:
        self.regions = regions
        self._known: dict[str, str | None] = {}

    def find(self, written: str) -> str | None:
        """The region's name for `Regions`; none for what is no region, or has no cells."""
        if written not in self._known:
            self._known[written] = self._found(written)
        return self._known[written]

    @property
    def unknown(self) -> list[str]:
        """What was asked for and is no region."""
        return [name for name, region in self._known.items() if region is None]

    def find_all(self, written: str) -> tuple[str, ...]:
        """The regions that a text names, one or several with spaces between; raises `AreaDataError` for others."""
        whole = self._found(written)
        if whole is not None:
            return (whole,)
        found = {word: self.find(word) for word in written.split()}
        names = tuple(name for name in found.values() if name is not None)
        if not names or len(names) < len(found):
            unknown = ", ".join(repr(word) for word, name in found.items() if name is None) or repr(written)
            raise AreaDataError(f"there is no region {unknown}", HINT)
        return names

    def _found(self, written: str) -> str | None:
        return next((name for name in _names(written) if self._is_one(name)), None)

    def _is_one(self, name: str) -> bool:
        try:
            return len(self.regions.cells(name)) > 0
        except AreaDataError:
            return False


def unknown_regions(names: Sequence[str]) -> tuple[str, ...]:
    """A remark that names regions that are none, if there are any."""
    if not names:
        return ()
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return (f"no such regions: {', '.join(repr(name) for name in names[:SHOWN])}{more}",)


HINT = "give ISO 3166 codes, English names of countries, or @south,west,north,east"


def _names(written: str) -> Iterator[str]:
    """What a region may be called, the likeliest first."""
    text = " ".join(written.split())
    yield text
    if box := BOX.fullmatch(text):
        yield "@" + "".join(box[1].split())
    if country := alpha_2(text):
        yield country
    if part := COUNTRY_PART.fullmatch(text):
        yield f"{alpha_2(part[1])}{part[2].upper()}"
    hyphened = text.replace(" ", "-")
    yield hyphened.lower() if text.startswith(EVERY_SEA) else hyphened.upper()
