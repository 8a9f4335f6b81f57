"""The terms of everything that ships with geoid or answers through it: code, weights, data, photos."""

from __future__ import annotations

import dataclasses
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

from geoid.core.models import ModelCard

LONGEST_NAME = 60
"""A licence field that is longer holds a text, not a name."""

Kind = Literal["code", "weights", "data", "photos"]


@dataclass(frozen=True, slots=True)
class Terms:
    """One thing and its terms; `licence` is an SPDX expression where the source gives one."""

    kind: Kind
    name: str
    licence: str
    source: str

    def document(self) -> dict[str, str]:
        """For JSON."""
        return dataclasses.asdict(self)


def all_terms(cards: Iterable[ModelCard], notices: Path) -> tuple[Terms, ...]:
    """The terms of the code that is installed, of the models on the shelf, and of what `notices` (TOML) lists."""
    noticed = tomllib.loads(notices.read_text(encoding="utf-8"))
    listed = [Terms("data", **entry) for entry in noticed["data"]]
    listed += [Terms("photos", **entry) for entry in noticed["photos"]]
    return (*code(noticed["code"]), *weights(cards), *listed)


def code(known: Mapping[str, str], distribution: str = "geoid") -> Iterator[Terms]:
    """What geoid needs and itself, extras that are installed included; `known` goes before a package's own metadata."""
    names = {distribution: None} | dict.fromkeys(_required(distribution))
    for name in names:
        try:
            found = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue  # an extra that is not installed, or another platform's requirement
        licence = known.get(name) or _licence(found)
        yield Terms("code", name, licence, f"Python package {found.name} {found.version}")


def weights(cards: Iterable[ModelCard]) -> Iterator[Terms]:
    """The models' weights, from their cards."""
    for card in cards:
        yield Terms("weights", card.name, card.licence, card.source)


def _required(distribution: str) -> Iterator[str]:
    """The names of everything a distribution needs, at any depth, sorted by depth and name."""
    seen: set[str] = set()
    level = [distribution]
    while level:
        extras = level == [distribution]
        below = sorted({name for parent in level for name in _requirements(parent, extras=extras)} - seen)
        seen |= set(below)
        yield from below
        level = below


def _requirements(name: str, *, extras: bool) -> set[str]:
    try:
        lines = metadata.requires(name) or []
    except metadata.PackageNotFoundError:
        return set()
    wanted = (line for line in lines if extras or "extra ==" not in line)
    return {match[0].lower().replace("_", "-") for line in wanted if (match := re.match(r"[A-Za-z0-9._-]+", line))}


def _licence(found: metadata.Distribution) -> str:
    """The licence by the newest field that is filled: SPDX expression, free text of one line, classifier."""
    about = found.metadata
    text = next((about[field] for field in ("License-Expression", "License") if field in about), "")
    if text and "\n" not in text and len(text) <= LONGEST_NAME:
        return text
    names = [line.rsplit(" :: ", 1)[1] for line in about.get_all("Classifier") or () if line.startswith("License ::")]
    return ", ".join(names) or "see its own metadata"
