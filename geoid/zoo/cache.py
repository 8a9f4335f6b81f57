"""The cache of built model files: which are still what they were, and how new ones come in."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from geoid.errors import ModelError, StorageError
from geoid.zoo import files

if TYPE_CHECKING:
    from geoid.core.models import ModelCard
    from geoid.zoo.check import Run


@dataclass(frozen=True, slots=True)
class ModelCache:
    """A folder of built files `NAME-<16 hex of the card's sha256>.onnx`, each with a stamp beside it.

    A file is hashed when it is built. Later starts compare its size and time with the stamp written then (some 50 us;
    hashing 24 MB takes 15 to 25 ms of every cold start) and hash only where they differ: that catches whatever
    truncates or rewrites the file. What it cannot see is a bit that flips on the disk; `verify` always hashes.
    """

    folder: Path

    def file(self, card: ModelCard) -> Path:
        """Where the built file of a card is or will be; a changed card is another file."""
        return self.folder / f"{card.name}-{card.sha256[:16]}.onnx"

    def stamp(self, card: ModelCard) -> Path:
        """The stamp of a card's file, wherever that file is."""
        return self.folder / f"{card.name}-{card.sha256[:16]}.stamp"

    def holds(self, card: ModelCard, file: Path, trust_stamp: bool = True) -> bool:
        """Whether `file` has the bytes of the card, or bytes that passed the card's check when they were built."""
        stamp = files.read_stamp(self.stamp(card))
        try:
            if trust_stamp and files.looks_like(stamp, file):
                return True
            digest = files.sha256_of(file)
        except OSError:
            return False
        if digest != card.sha256 and (stamp is None or digest != stamp.sha256):
            return False
        files.write_stamp(self.stamp(card), file, digest)
        return True

    def put(self, card: ModelCard, data: bytes, run: Run | None) -> None:
        """Take in a freshly built file; raises `ModelError` if it is not what the card promises, and `StorageError`."""
        digest, file = hashlib.sha256(data).hexdigest(), self.file(card)
        with files.partial(file, data) as temporary:
            if digest != card.sha256:
                _require_same_answers(card, temporary, run)
            try:
                files.replace(temporary, file)
            except StorageError:
                # Windows does not replace a file that another process has open: that process has just built it.
                if not self.holds(card, file):
                    raise
        files.write_stamp(self.stamp(card), file, digest)


def _require_same_answers(card: ModelCard, file: Path, run: Run | None) -> None:
    """Other bytes than pinned are fine where they compute the same (a numpy may round a folded weight differently)."""
    from geoid.zoo.check import require_match

    if card.check is None or run is None:
        raise ModelError(
            f"model {card.name} builds other bytes on this platform than its card says, and nothing checked them",
            f"geoid model verify {card.name}",
        )
    require_match(card, card.check, file, run)
