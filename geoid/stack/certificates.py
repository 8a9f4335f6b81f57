"""The TLS files of a server, copied to where its user may read them and nobody else may read the key."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from geoid.errors import UnavailableError
from geoid.stack.accounts import Account, own_file


class Tls(NamedTuple):
    """A server's certificate and key, and the authority that its clients trust; PEM files."""

    certificate: Path
    key: Path
    authority: Path

    def within(self, folder: Path, who: Account) -> Tls:
        """The copies of these files in that folder."""
        try:
            texts = [path.read_text(encoding="ascii") for path in self]
        except (OSError, ValueError) as error:
            raise UnavailableError(f"a TLS file cannot be read: {error}", "give PEM files") from error
        names = ("server.crt", "server.key", "authority.crt")
        return Tls(*(own_file(folder / name, text, who) for name, text in zip(names, texts, strict=True)))
