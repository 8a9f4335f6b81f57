"""Adding a model to the user's folder: an ONNX file, its card and its labels, checked against one another."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from pathlib import Path

from geoid.core.models import ModelCard
from geoid.errors import ModelError
from geoid.zoo import files
from geoid.zoo.cards import GUIDE, read_card, write_card
from geoid.zoo.check import Run, require_answer
from geoid.zoo.labels import read_labels, read_taxa


@dataclasses.dataclass(frozen=True, slots=True)
class Addition:
    """What is to be added: an ONNX file and its card; and the table of taxa that its labels may use."""

    onnx: Path
    card: Path
    taxa: Path


def add_model(found: Addition, folder: Path, taken: Collection[str], run: Run | None) -> ModelCard:
    """Copy a model into `folder` and return its card as kept there; `taken` are the names in use.

    The card goes last, because it is what makes a model visible: a killed run leaves files that nobody names.
    """
    card = _fitting_card(found, taken)
    labels = found.card.parent / card.labels
    read_labels(labels, read_taxa(found.taxa), card.output.classes)
    if run is not None:
        require_answer(card, found.onnx, run)
    kept = dataclasses.replace(card, labels=f"{card.name}.labels{labels.suffix}")
    files.copy(labels, folder / kept.labels)
    files.copy(found.onnx, folder / f"{kept.name}.onnx")
    files.write(folder / f"{kept.name}.json", write_card(kept))
    return kept


def _fitting_card(found: Addition, taken: Collection[str]) -> ModelCard:
    """The card with the digest of the ONNX file filled in."""
    if not found.onnx.is_file():
        raise ModelError(f"{found.onnx} is not a file", "name the ONNX file of the model")
    if not found.card.is_file():
        raise ModelError(f"model card {found.card} is missing", f"write one and name it with --card; {GUIDE}")
    card = read_card(found.card)
    if card.name in taken:
        raise ModelError(f"a model named {card.name} is there already", f"give it another name in {found.card}")
    if card.build is not None:
        raise ModelError(f"model card {found.card} describes a model built from a package, not an ONNX file", GUIDE)
    digest = files.sha256_of(found.onnx)
    if card.sha256 not in {"", digest}:
        hint = "download the file again, or leave sha256 empty in the card to have it filled in"
        raise ModelError(f"{found.onnx} has sha256 {digest}, its card says {card.sha256}", hint)
    return dataclasses.replace(card, sha256=digest)
