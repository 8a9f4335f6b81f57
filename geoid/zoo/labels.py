"""Class tables: what each class of a model shows, joined with the table of taxa.

Two tab-separated files: labels (`index wordnet_id label kind taxa`) and taxa (`scientific_name rank parent
common_names`). A model that was added may bring plain text instead of labels: one scientific name a line.

Both are read at every cold start, so a taxon is built when a label or its line needs it, and rows that nothing
refers to cost one split.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from geoid.core.values import RANKS, Kind, Label, Taxon, taxon_key
from geoid.errors import ModelError

LABEL_COLUMNS = "index\twordnet_id\tlabel\tkind\ttaxa"
TAXON_COLUMNS = "scientific_name\trank\tparent\tcommon_names"

FALLBACK = "en"
_KINDS = {kind.value: kind for kind in Kind}
_BELOW = {rank: frozenset(RANKS[:depth]) for depth, rank in enumerate(RANKS)}
"""The ranks that a rank may be below."""

_BINOMIAL = re.compile(r"([A-Z][a-z-]+) [a-z-]+")


@dataclass(frozen=True, slots=True)
class TaxonTable:
    """The taxa of a file, by scientific name; `language` picks the common name."""

    path: Path
    language: str
    _lineages: Mapping[str, dict[str, str]]
    _common_names: Mapping[str, str]
    _built: dict[str, Taxon] = field(default_factory=dict)

    def find(self, name: str) -> Taxon | None:
        """The taxon of that scientific name, if the table has it."""
        return self[name] if name in self._lineages else None

    def __iter__(self) -> Iterator[Taxon]:
        """Every taxon, parents first."""
        return (self[name] for name in self._lineages)

    def __getitem__(self, name: str) -> Taxon:
        """The taxon of that scientific name; raises `KeyError` where the table has none."""
        built = self._built.get(name)
        if built is None:
            lineage = self._lineages[name]
            common_name = _common_name(self._common_names[name], self.language)
            built = self._built[name] = Taxon(taxon_key(name), name, common_name, next(reversed(lineage)), lineage)
        return built


def read_taxa(path: Path, language: str = "en") -> TaxonTable:
    """The table of taxa in a file; raises `ModelError` naming the line that is wrong.

    Parents come before their children and are of a higher rank, so one pass is enough and there can be no ring.
    """
    lineages: dict[str, dict[str, str]] = {"": {}}
    common_names: dict[str, str] = {}
    for line, (name, rank, parent, names) in _table(path, _read(path), TAXON_COLUMNS):
        if name in lineages:
            raise _wrong(path, line, f"taxon {name} is listed twice" if name else "the scientific name is missing")
        above = lineages.get(parent)
        if above is None:
            raise _wrong(path, line, f"parent {parent!r} is not in the lines above")
        if rank not in _BELOW or not _BELOW[rank].issuperset(above):
            raise _wrong(path, line, _misplaced(rank, parent, above))
        lineages[name] = {**above, rank: name}
        common_names[name] = names
    del lineages[""]
    return TaxonTable(path, language, lineages, common_names)


def _misplaced(rank: str, parent: str, above: dict[str, str]) -> str:
    if rank not in RANKS:
        return f"rank is {rank!r}, expected one of: {', '.join(RANKS)}"
    return f"parent {parent!r} is of rank {next(reversed(above))}, which is not above {rank}"


def read_labels(path: Path, taxa: TaxonTable, classes: int) -> tuple[Label, ...]:
    """The labels of a model in the order of its outputs.

    Raises `ModelError` naming the line that is wrong, or where the file does not hold `classes` labels.
    """
    text = _read(path)
    table = "\t" in text.partition("\n")[0]
    labels = tuple(_table_labels(path, text, taxa) if table else _text_labels(text, taxa))
    if len(labels) != classes:
        raise ModelError(
            f"{path} holds {len(labels)} labels, the model card says {classes} classes",
            "give the model the class table it was trained with, or correct output.classes in its card",
        )
    return labels


def _table_labels(path: Path, text: str, taxa: TaxonTable) -> Iterator[Label]:
    shown: dict[str, tuple[Taxon, ...]] = {"": ()}
    for index, (line, cells) in enumerate(_table(path, text, LABEL_COLUMNS)):
        number, _, name, kind, names = cells
        if number != str(index):
            raise _wrong(path, line, f"index is {number!r}, expected {index}")
        if kind not in _KINDS:
            raise _wrong(path, line, f"kind is {kind!r}, expected one of: {', '.join(_KINDS)}")
        if names not in shown:
            shown[names] = _taxa(path, line, names, taxa)
        if not names and kind != "none":
            raise _wrong(path, line, f"kind is {kind!r}, which needs a taxon")
        yield Label(index, name, _KINDS[kind], shown[names])


def _taxa(path: Path, line: int, names: str, taxa: TaxonTable) -> tuple[Taxon, ...]:
    """The taxa of a class; some taxon must hold them all, because that is what an answer will be called."""
    try:
        found = tuple(taxa[name] for name in names.split("; "))
    except KeyError as error:
        raise _wrong(path, line, f"taxon {error.args[0]!r} is not in {taxa.path.name}") from None
    if len({next(iter(taxon.lineage.values())) for taxon in found}) > 1:
        raise _wrong(path, line, f"taxa {names!r} have no rank in common")
    return found


def _text_labels(text: str, taxa: TaxonTable) -> Iterator[Label]:
    for index, line in enumerate(text.splitlines()):
        name = line.strip()
        taxon = taxa.find(name) or _binomial(name)
        yield Label(index, name, Kind.WILD if taxon else Kind.NONE, (taxon,) if taxon else ())


def _binomial(name: str) -> Taxon | None:
    """A species that the table of taxa does not know: of its lineage only what the name itself says."""
    match = _BINOMIAL.fullmatch(name)
    if match is None:
        return None
    return Taxon(taxon_key(name), name, None, "species", {"genus": match[1], "species": name})


def _table(path: Path, text: str, columns: str) -> Iterator[tuple[int, list[str]]]:
    """Line numbers and cells of tab-separated text whose first line must be `columns`."""
    head, *lines = text.splitlines() or [""]
    if head != columns:
        raise _wrong(path, 1, f"the header is {head!r}, expected {columns!r}")
    count = columns.count("\t") + 1
    for line, row in enumerate(lines, start=2):
        cells = row.split("\t")
        if len(cells) != count:
            raise _wrong(path, line, f"{len(cells)} columns, expected {count}")
        yield line, cells


def _common_name(names: str, language: str) -> str | None:
    """The name in `language` out of `en:Eurasian jay|de:Eichelhäher`, or else in English, which every name has."""
    listed = f"|{names}"
    found = listed.partition(f"|{language}:")[2] or listed.partition(f"|{FALLBACK}:")[2]
    return found.partition("|")[0] or None


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ModelError(f"{path} is not UTF-8 text: {error.reason} at byte {error.start}") from error
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}") from error


def _wrong(path: Path, line: int, what: str) -> ModelError:
    return ModelError(f"{path} line {line}: {what}")
