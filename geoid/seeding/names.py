"""Names of the data to taxa of the release: by key, then by accepted name, then by synonym; else as the source says."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from geoid.core.releases import TaxonFlag
from geoid.core.values import RANKS, Taxon, taxon_key
from geoid.errors import AreaDataError
from geoid.seeding.reports import NamesReport, UnmatchedTaxon
from geoid.seeding.sources import SourceTaxon

TRINOMIAL = ("genus", "species", "subspecies")
KEY, NAME, SYNONYM, GROUP = "key", "name", "synonym", "higher-taxon"
"""How a taxon is known to the model: itself by one of the first three, or as a member of a higher taxon that is."""

NO_CLASS, UNKNOWN_NAME, NO_SPECIES_NAME = "no-class", "unknown-name", "no-species-name"
COLUMNS = "name\taccepted_name\tbasis"
LONGEST = 100
"""Letters of a scientific name; the longest of an animal has fewer than half as many."""

SPECIES = re.compile(r"[A-Z][^\W\d_]+(?:-[^\W\d_]+)* [^\W\d_A-Z][\w-]+(?: [^\W\d_A-Z][\w-]+)?")
AUTHOR = re.compile(r"([A-Z][\w-]+ [^\W\d_A-Z][\w-]+(?: [^\W\d_A-Z][\w-]+)?) [A-Z(].*")
"""A name of a species with its author behind it."""

SUBGENUS = re.compile(r"(\s*\w+)\s*\([^)]*\)(?=\s+\w)")
BLANKS = re.compile(r"[\s_]+")


class Resolved(NamedTuple):
    """A taxon under the name that the release gives it; `how` it met the table of names, if it did."""

    key: str
    scientific_name: str
    common_name: str | None
    rank: str
    lineage: Mapping[str, str]
    flags: int
    how: str | None
    reason: str | None = None
    """Why the model does not know it, if it does not."""


@dataclass(frozen=True, slots=True)
class Names:
    """The names that geoid knows; `flags` are those that hold for a taxon everywhere, by key."""

    taxa: Mapping[str, Taxon]
    """By key."""

    names: Mapping[str, str]
    """Keys by normal names."""

    synonyms: Mapping[str, str]
    """Keys by normal names, or by keys of other systems such as `gbif:5219404`."""

    model: frozenset[str]
    """The keys of taxa that the model knows."""

    flags: Mapping[str, int]
    groups: frozenset[str]
    """The names of taxa above species that the model knows."""

    def systems(self) -> frozenset[str]:
        """The systems whose keys are among the synonyms."""
        return frozenset(name.partition(":")[0] for name in self.synonyms if ":" in name)

    def resolve(self, source: SourceTaxon) -> Resolved:
        """The taxon that a source means; one that geoid does not know keeps the name and lineage of its source."""
        found = self._found(source)
        if found is None:
            return self._own(source)
        taxon, how = found
        flags = source.flags | self.flags.get(taxon.key, 0)
        reason = None if self.known(taxon.key, taxon.lineage) else NO_CLASS
        return Resolved(
            taxon.key, taxon.scientific_name, taxon.common_name, taxon.rank, taxon.lineage, flags, how, reason
        )

    def known(self, key: str, lineage: Mapping[str, str]) -> bool:
        """Whether the model knows a taxon, by itself or as a member of a higher one."""
        return key in self.model or not self.groups.isdisjoint(lineage.values())

    def domestic(self) -> Iterator[Resolved]:
        """The animals that people keep everywhere: part of every release, because no place rules them out."""
        for key in sorted(self.model):
            taxon, flags = self.taxa.get(key), self.flags.get(key, 0)
            if taxon is not None and flags & TaxonFlag.DOMESTIC:
                yield Resolved(key, taxon.scientific_name, taxon.common_name, taxon.rank, taxon.lineage, flags, None)

    def _found(self, source: SourceTaxon) -> tuple[Taxon, str] | None:
        own = source.key or ""
        known = [key for key in (own, self.synonyms.get(own, ""), source.name) if key in self.taxa]
        if known:
            return self.taxa[known[0]], KEY
        name = normal(source.name)
        words = name.split()
        tries = (name, " ".join(words[:2]) if len(words) == len(TRINOMIAL) else name, name.replace("-", " "))
        return next((found for one in tries if (found := self._named(one)) is not None), None)

    def _named(self, name: str) -> tuple[Taxon, str] | None:
        if name in self.names:
            return self.taxa[self.names[name]], NAME
        return (self.taxa[self.synonyms[name]], SYNONYM) if name in self.synonyms else None

    def _own(self, source: SourceTaxon) -> Resolved:
        name = _bare(source.name)
        proper = source.rank != "species" or (len(name) <= LONGEST and SPECIES.fullmatch(name) is not None)
        above = {rank: source.lineage[rank] for rank in RANKS if rank != source.rank and rank in source.lineage}
        if source.rank == "species" and proper:
            above["genus"] = name.partition(" ")[0]
        lineage = {**above, source.rank: name}
        key = taxon_key(name)
        reason = None if self.known(key, lineage) else UNKNOWN_NAME
        if not proper:
            reason = NO_SPECIES_NAME
        return Resolved(key, name, source.common_name, source.rank, lineage, source.flags, None, reason)


def normal(name: str) -> str:
    """A name as names are compared: without subgenus and author, single blanks, lower case."""
    return _bare(SUBGENUS.sub(r"\1 ", name, count=1) if SUBGENUS.match(name) else name).lower()


def _bare(name: str) -> str:
    """A name with single blanks and without its author."""
    text = BLANKS.sub(" ", unicodedata.normalize("NFC", name)).strip()
    author = AUTHOR.fullmatch(text)
    return text if author is None else author[1]


def names_of(
    taxa: Iterable[Taxon], model: Iterable[str], flags: Mapping[str, int], synonyms: Mapping[str, str]
) -> Names:
    """The names that geoid knows; `synonyms` are accepted names by name, those of taxa it does not know left out."""
    by_key = {taxon.key: taxon for taxon in taxa}
    names = {normal(taxon.scientific_name): taxon.key for taxon in by_key.values()}
    found = {}
    for name in synonyms:
        accepted = names.get(normal(_end(name, synonyms, names)))
        plain = name if ":" in name else normal(name)
        if accepted is not None and plain not in names:
            found[plain] = accepted
    known = frozenset(model)
    higher = {by_key[key].scientific_name for key in known & by_key.keys() if by_key[key].rank != "species"}
    return Names(by_key, names, found, known, flags, frozenset(higher))


def _end(name: str, synonyms: Mapping[str, str], accepted: Mapping[str, str]) -> str:
    """The first accepted name of a chain of synonyms, or its end; `read_synonyms` has found that there is one."""
    while name in synonyms and normal(name) not in accepted:
        name = synonyms[name] if synonyms[name] in synonyms else normal(synonyms[name])
    return name


def read_synonyms(path: Path) -> dict[str, str]:
    """A table of synonyms: `name`, `accepted_name`, `basis`; a name may be a foreign key such as `gbif:5219404`.

    Raises `AreaDataError` naming the line that is wrong.
    """
    found: dict[str, str] = {}
    for number, line in _lines(path):
        cells = [cell.strip() for cell in line.split("\t")]
        if len(cells) != COLUMNS.count("\t") + 1 or not cells[0] or not cells[1]:
            raise _wrong(path, number, f"expected three columns: {COLUMNS.replace(chr(9), ', ')}")
        name, accepted = cells[0] if ":" in cells[0] else normal(cells[0]), cells[1]
        if found.get(name, accepted) != accepted:
            raise _wrong(path, number, f"{name} is a synonym of {found[name]} already")
        found[name] = accepted
        if _is_ring(name, found):
            raise _wrong(path, number, f"{name} ends up as a synonym of itself")
    return found


def _is_ring(name: str, synonyms: Mapping[str, str]) -> bool:
    seen = {name}
    while (name := normal(synonyms.get(name, ""))) and name not in seen:
        seen.add(name)
    return bool(name)


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise AreaDataError(f"{path} is not UTF-8 text", "save it as UTF-8") from error
    except OSError as error:
        raise AreaDataError(f"{path} cannot be read: {error.strerror}", "check names.synonyms") from error
    rows = [(number, line) for number, line in enumerate(lines, start=1) if line.strip() and not line.startswith("#")]
    if not rows or rows[0][1].rstrip() != COLUMNS:
        raise _wrong(path, rows[0][0] if rows else 1, f"expected the header {COLUMNS.replace(chr(9), ', ')}")
    return iter(rows[1:])


def _wrong(path: Path, line: int, what: str) -> AreaDataError:
    return AreaDataError(f"{path} line {line}: {what}", "models/README.md describes the table of synonyms")


def names_report(names: Names, found: Sequence[Resolved], records: Sequence[int], cells: Sequence[int]) -> NamesReport:
    """How the taxa of a release met those of the model; domestic ones that no source names are left out."""
    named = [one for one in zip(found, records, cells, strict=True) if one[1] or one[2] or one[0].how is not None]
    unmatched = [
        UnmatchedTaxon(taxon.scientific_name, count, places, taxon.reason)
        for taxon, count, places in named
        if taxon.reason is not None
    ]
    unmatched.sort(key=lambda one: (-one.records, -one.cells, one.scientific_name))
    matched = Counter(
        (taxon.how if taxon.key in names.model else None) or GROUP for taxon, _, _ in named if taxon.reason is None
    )
    total = sum(count for _, count, _ in named)
    missed = sum(one.records for one in unmatched)
    keys = {taxon.key for taxon, _, _ in named}
    met = {name for taxon, _, _ in named for name in taxon.lineage.values()}
    left = (names.taxa[key].scientific_name for key in names.model - keys if key in names.taxa)
    without = sorted(name for name in left if name not in met)
    return NamesReport(
        len(named), dict(matched), tuple(unmatched), total - missed, missed, len(names.model), tuple(without)
    )
