"""The library of models: what is on its shelves, and the ONNX file of each, built when first asked for."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from geoid.core.values import ClassTable
from geoid.errors import ModelError
from geoid.zoo import files
from geoid.zoo.cache import ModelCache
from geoid.zoo.cards import read_card

if TYPE_CHECKING:
    from geoid.core.models import ModelCard
    from geoid.zoo.check import Run

DEFAULT = "efficientnet-lite2"
"""The model that is used where none is named."""

TAXA = "taxa.tsv"

Origin = Literal["cached", "built", "rebuilt", "added"]


class ReadyModel(NamedTuple):
    """A model file that may be loaded; origin `rebuilt` says that the cached one was damaged and has been replaced."""

    card: ModelCard
    path: Path
    origin: Origin


class Verification(NamedTuple):
    """What `verify` found right: the file, whether it has the pinned bytes, the largest difference in the check."""

    ready: ReadyModel
    pinned: bool
    difference: float | None


class Library:
    """Models by name: those of the packaged folder first, then those that were added.

    `folders` hold cards (`NAME.json`), label files, ranges, and for added models `NAME.onnx`; the last one is where
    `add` puts models. `cache` is the folder of built files (`ModelCache` says how they are recognised).
    """

    def __init__(self, folders: Sequence[Path], cache: Path) -> None:
        self._folders = tuple(folders)
        self._cache = ModelCache(cache)

    def cards(self) -> tuple[ModelCard, ...]:
        """Every card that can be read, the default first, then by name."""
        return tuple(card for card in self._shelf() if not isinstance(card, ModelError))

    def problems(self) -> tuple[ModelError, ...]:
        """What is wrong with the cards that `cards` leaves out."""
        return tuple(card for card in self._shelf() if isinstance(card, ModelError))

    def card(self, name: str) -> ModelCard:
        """The card of that name; raises `ModelError` where it is unknown (with the nearest names) or broken."""
        return self._open(name)[0]

    def classes(self, card: ModelCard, language: str = "en") -> ClassTable:
        """What a model of this library can name, with common names in `language`."""
        from geoid.zoo.labels import read_labels, read_taxa

        taxa = read_taxa(self._folders[0] / TAXA, language)
        labels = read_labels(self._folder(card.name) / card.labels, taxa, card.output.classes)
        return ClassTable(labels, taxa.find)

    def path(self, name: str, run: Run | None = None) -> Path:
        """The ONNX file of a model, built on first use; `ready` says more."""
        return self.ready(name, run).path

    def ready(self, name: str, run: Run | None = None) -> ReadyModel:
        """The ONNX file of a model, built on first use, and where it came from.

        `run` matters only on a platform that builds other bytes than the pinned ones: the file is then taken if it
        answers the stored input as the card says. Raises `ModelError` and `StorageError`.
        """
        return self._ready(*self._open(name), run)

    def verify(self, name: str, run: Run) -> Verification:
        """Hash the weights and the file and run the card's check; raises `ModelError` for what does not hold."""
        from geoid.zoo.building import read_weights
        from geoid.zoo.check import require_match

        card, folder = self._open(name)
        if card.weights is not None:
            read_weights(card.weights)
        ready = self._ready(card, folder, run, trust_stamp=False)
        pinned = files.sha256_of(ready.path) == card.sha256
        return Verification(ready, pinned, require_match(card, card.check, ready.path, run) if card.check else None)

    def add(self, onnx: Path, card: Path | None = None, run: Run | None = None) -> ModelCard:
        """Copy an ONNX file with its card and label file into the last folder, and return the card as kept.

        The card is by default the file of the same name ending in `.json`; the labels are what the card names,
        beside it. With `run` the model must answer too. Raises `ModelError` where they do not fit together or the
        name is taken, and `StorageError`.
        """
        from geoid.zoo.adding import Addition, add_model

        found = Addition(onnx, card or onnx.with_suffix(".json"), self._folders[0] / TAXA)
        return add_model(found, self._folders[-1], self._names(), run)

    def _ready(self, card: ModelCard, folder: Path, run: Run | None, trust_stamp: bool = True) -> ReadyModel:
        if card.build is None:
            return self._ready_added(card, folder / f"{card.name}.onnx", trust_stamp)
        file = self._cache.file(card)
        if self._cache.holds(card, file, trust_stamp):
            return ReadyModel(card, file, "cached")
        from geoid.zoo.building import build_model

        origin: Origin = "rebuilt" if file.exists() else "built"
        self._cache.put(card, build_model(card, folder), run)
        return ReadyModel(card, file, origin)

    def _ready_added(self, card: ModelCard, file: Path, trust_stamp: bool) -> ReadyModel:
        if not self._cache.holds(card, file, trust_stamp):
            what = "does not have the sha256 that its card says" if file.exists() else "is missing"
            raise ModelError(f"{file} {what}", "add the model again: geoid model add")
        return ReadyModel(card, file, "added")

    def _open(self, name: str) -> tuple[ModelCard, Path]:
        folder = self._folder(name)
        return self._read(name, folder), folder

    def _folder(self, name: str) -> Path:
        names = self._names()
        if name not in names:
            raise ModelError(f"model {name!r} is unknown", _suggestion(name, names))
        return names[name]

    def _read(self, name: str, folder: Path) -> ModelCard:
        path = folder / f"{name}.json"
        card = read_card(path)
        if card.name != name:
            raise ModelError(f"model card {path}: key name is {card.name!r}, expected {name!r} as the file is called")
        if not card.sha256:
            raise ModelError(f"model card {path}: key sha256 is empty", "add the model with: geoid model add")
        return card

    def _shelf(self) -> tuple[ModelCard | ModelError, ...]:
        names = sorted(self._names().items(), key=lambda item: (item[0] != DEFAULT, item[0]))
        return tuple(self._read_or_problem(name, folder) for name, folder in names)

    def _read_or_problem(self, name: str, folder: Path) -> ModelCard | ModelError:
        try:
            return self._read(name, folder)
        except ModelError as error:
            return error

    def _names(self) -> dict[str, Path]:
        """The folder of each card by the model's name; where two folders have a name, the first wins."""
        names: dict[str, Path] = {}
        for folder in self._folders:
            for path in folder.glob("*.json"):
                if not path.name.endswith(".ranges.json"):
                    names.setdefault(path.stem, folder)
        return names


def _suggestion(name: str, known: Collection[str]) -> str:
    import difflib

    near = difflib.get_close_matches(name, known)
    return f"did you mean {' or '.join(near)}?" if near else f"known models: {', '.join(sorted(known)) or 'none'}"
