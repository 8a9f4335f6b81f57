"""Taxa by the names people give them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Protocol, TypeVar

from geoid.errors import UnknownTaxon


class Named(Protocol):
    """Whatever has names."""

    @property
    def key(self) -> str:
        """The stable key."""

    @property
    def scientific_name(self) -> str:
        """The scientific name."""

    @property
    def common_name(self) -> str | None:
        """The common name."""


UNKNOWN = "geoid knows the animals that its model can name, by scientific or English name, and the groups above them"

Found = TypeVar("Found", bound=Named)


def find_taxon(name: str, taxa: Iterable[Found]) -> Found:
    """The taxon of that scientific name, common name or key; raises `UnknownTaxon` with the nearest names as hint."""
    names: dict[str, Found] = {}
    for taxon in taxa:
        for known in (taxon.scientific_name, taxon.key, taxon.common_name):
            if known:
                names.setdefault(known.lower(), taxon)
    wanted = " ".join(name.lower().split())
    if wanted in names:
        return names[wanted]
    near = [known for known in names if wanted in known.replace("-", " ").split()]
    near += difflib.get_close_matches(wanted, names, n=4, cutoff=0.7)
    listed = list(dict.fromkeys(_shown(names[known]) for known in near))[:3]
    hint = f"did you mean {', or '.join(listed)}?" if listed else UNKNOWN
    raise UnknownTaxon(f"no taxon is called {name!r}", hint)


def _shown(taxon: Named) -> str:
    return f"{taxon.scientific_name} ({taxon.common_name})" if taxon.common_name else taxon.scientific_name
