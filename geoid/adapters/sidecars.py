"""XMP sidecars: the file beside a photo in which Lightroom, darktable and others write what they know of it."""

from __future__ import annotations

import stat
from pathlib import Path

from geoid.core.xmp import MAX_BYTES
from geoid.errors import BadInputError

STDIN_NAMES = ("", "-", "<stdin>")
_SUFFIXES = (".xmp", ".XMP")


def sidecar_of(name: str) -> bytes | None:
    """Read `photo.jpg.xmp`, else `photo.xmp`, of the photo at this path; None where there is neither.

    Nothing is looked for beside a photo from standard input or with a URL as its name. Raises `BadInputError` for
    one that cannot be opened or is over 4 MB. The name must be a path that the user gave, never one from a request.
    """
    if name in STDIN_NAMES or "://" in name:
        return None
    photo = Path(name)
    for stem in (photo.name, photo.stem):
        for suffix in _SUFFIXES:
            path = photo.with_name(stem + suffix)
            if path != photo and _is_file(path):
                return _read(path)
    return None


def _is_file(path: Path) -> bool:
    """Whether the path is a plain file: a pipe would hold us, and a name too long for the system is no file."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except (OSError, ValueError):
        return False


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise BadInputError(
            f"the sidecar {path} cannot be read: {error.strerror or error}", "check its permissions"
        ) from error
    if len(data) > MAX_BYTES:
        raise BadInputError(f"the sidecar {path} is over 4 MB", "an XMP sidecar takes a few kilobytes")
    return data
