"""Photos from files, folders, patterns and standard input."""

from __future__ import annotations

import glob
import os
import re
import stat
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NoReturn

from geoid.core.sources import PhotoSource
from geoid.errors import GeoidError, NoPhotos, UnreadablePhoto

SUFFIXES = {".jpg", ".jpeg", ".jpe", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff"} | {
    ".heic",
    ".heif",
    ".hif",
    ".avif",
}
"""What counts as a photo in a folder; a file named on the command line is tried whatever its name."""

STDIN = "-"
WILDCARDS = "*?["
EDGES = re.escape(os.sep + (os.altsep or ""))
CROSSING = re.compile(rf"(?:^|(?<=[{EDGES}]))\*\*(?:[{EDGES}]+|$)")
"""`**` as a whole part of a path: any number of folders."""


def find(arguments: Sequence[str], max_bytes: int) -> Iterator[PhotoSource]:
    """The photos that the arguments name, in their order, folders and patterns sorted; each photo once.

    What cannot be found is a source that fails in its place, so that it never hides the others.
    """
    seen: set[str] = set()
    for argument in arguments:
        for source in _expand(argument, max_bytes):
            path = os.path.normpath(source.name)
            if path not in seen:
                seen.add(path)
                yield source


def is_single(arguments: Sequence[str]) -> bool:
    """Whether the arguments name just one photo: one argument that is neither a folder nor a pattern."""
    return len(arguments) == 1 and not os.path.isdir(arguments[0]) and not _is_pattern(arguments[0])


def _is_pattern(argument: str) -> bool:
    return any(char in argument for char in WILDCARDS) and not os.path.lexists(argument)


def _expand(argument: str, max_bytes: int) -> Iterator[PhotoSource]:
    if argument == STDIN:
        yield PhotoSource(STDIN, lambda: sys.stdin.buffer.read(max_bytes + 1))
    elif os.path.isdir(argument):
        yield from _in_folder(argument, max_bytes)
    elif _is_pattern(argument):
        yield from _matching(argument, max_bytes)
    else:
        yield _file(argument, max_bytes)


def _file(path: str, max_bytes: int) -> PhotoSource:
    return PhotoSource(path, partial(_bytes, path, max_bytes))


def _bytes(path: str, max_bytes: int) -> bytes:
    """Read a file, but no more than one byte over the limit: devices and pipes have no size to check before."""
    try:
        with open(path, "rb") as file:
            return file.read(max_bytes + 1)
    except FileNotFoundError:
        raise UnreadablePhoto(f"{path}: there is no such file", "check the path") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UnreadablePhoto(f"{path}: cannot be read: {reason}", "check the file and its permissions") from error


def _in_folder(folder: str, max_bytes: int) -> Iterator[PhotoSource]:
    found = 0
    for source in _walk(folder, max_bytes):
        found += 1
        yield source
    if not found:
        yield _failing(folder, NoPhotos(f"{folder}: no photo in this folder", f"photos end in {_suffixes()}"))


def _walk(folder: str, max_bytes: int) -> Iterator[PhotoSource]:
    """The photos below a folder, sorted; hidden files (and macOS's `._` doubles) and folders are passed over."""
    unreadable: list[OSError] = []
    for where, folders, names in os.walk(folder, onerror=unreadable.append):
        folders[:] = _visible(folders)
        for name in sorted(names):
            path = os.path.join(where, name)
            if Path(name).suffix.lower() in SUFFIXES and not name.startswith(".") and _is_steady(path):
                yield _file(path, max_bytes)
    for error in unreadable:
        sentence = f"{error.filename}: cannot be listed: {error.strerror}"
        yield _failing(str(error.filename), UnreadablePhoto(sentence, "check the folder's permissions"))


def _visible(folders: Sequence[str]) -> list[str]:
    return sorted(name for name in folders if not name.startswith((".", "@")))


def _is_steady(path: str) -> bool:
    """Whether a path that was found, not named, may be opened: a pipe or a device could keep us waiting for ever."""
    try:
        return stat.S_ISREG(os.stat(path).st_mode)
    except OSError:
        return True  # a link that leads nowhere fails in its place


def _paths(pattern: str) -> Iterator[str]:
    """What a pattern matches; `**` is walked here, because glob goes round and round in links there."""
    crossing = CROSSING.search(pattern)
    if crossing is None:
        yield from glob.iglob(pattern)
        return
    rest = pattern[crossing.end() :] or "*"
    for start in glob.iglob(pattern[: crossing.start()]) if crossing.start() else [os.curdir]:
        for where, folders, _ in os.walk(start):
            folders[:] = _visible(folders)
            below = where if crossing.start() else os.path.relpath(where).removeprefix(os.curdir)
            yield from _paths(os.path.join(glob.escape(below), rest))


def _matching(pattern: str, max_bytes: int) -> Iterator[PhotoSource]:
    paths = sorted({path for path in _paths(pattern) if not os.path.isdir(path) and _is_steady(path)})
    yield from (_file(path, max_bytes) for path in paths)
    if not paths:
        yield _failing(pattern, NoPhotos(f"{pattern}: no file matches this pattern", "** crosses folders"))


def _failing(name: str, error: GeoidError) -> PhotoSource:
    def fail() -> NoReturn:
        raise error

    load: Callable[[], bytes] = fail
    return PhotoSource(name, load)


def _suffixes() -> str:
    return " ".join(sorted(SUFFIXES))
