"""A folder of area packs as store: `NAME.areas` for each release, and `current`, which says which one is in force.

Packs never change and `current` is replaced in one step, so readers take no lock and may be on a network file system.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from geoid.adapters.pack_files import write_rows
from geoid.adapters.sqlite import AreaPack
from geoid.adapters.whole_files import UNFINISHED, locked, whole_file
from geoid.core.ports import Pack
from geoid.core.releases import RELEASE_NAME, Kind, ListedRelease, Pointer, Release, ReleaseTaxon
from geoid.errors import (
    AreaDataError,
    NewerFormatError,
    NoReleaseError,
    ReleaseGone,
    SettingsError,
    StorageError,
    UnavailableError,
    UnknownRelease,
    UsageError,
)

SUFFIX, CURRENT, LOCK = ".areas", "current", ".lock"
FORMAT = 1
"""The format of the file `current`."""

KEPT_OPEN = 4
"""So many releases are open at a time; of more, the one opened first is closed."""


class PackFolder:
    """A folder of packs as `FeatureStore` and `ReleaseStore`; where none was put in force, it is the `starter`.

    The folder may be missing until something is published, and read-only where nothing is. Whatever changes it raises
    `StorageError` when it cannot be written, and `ThrottledError` while another process changes it. Raises
    `SettingsError` for a file.
    """

    scope = None
    remarks = ()

    def __init__(self, folder: Path, starter: Path | None = None) -> None:
        if folder.is_file():
            raise SettingsError(f"{folder} is a file, and no folder of area packs", "give a folder, or another store")
        self.folder = folder
        self._starter = None if starter is None else AreaPack(starter)
        self._open: dict[str, AreaPack] = {}
        self._opening = threading.Lock()

    def pointer(self, timeout: float | None = None) -> Pointer:  # noqa: ARG002 - a file has no time-out
        """The release that `current` names, else the starter."""
        pointer = self._pointer()
        if pointer is None:
            raise NoReleaseError(f"{self.folder}: no release is in force yet", "run `geoid seed` first")
        return pointer

    def list(self) -> Sequence[ListedRelease]:
        """The releases of the folder and the starter (published: 0), by name; files that are no packs are left out."""
        starters = self._starter.list() if self._starter else ()
        found = {one.release.name: one._replace(published=0.0) for one in starters}
        for path in self.folder.glob(f"*{SUFFIX}"):
            with contextlib.suppress(NewerFormatError, UnavailableError):
                pack = self._pack(path.stem)
                if pack is not None and pack.release.name == path.stem:
                    found |= {one.release.name: one for one in pack.list()}
        return [found[name] for name in sorted(found)]

    def features(self, release: Release, cells: Sequence[str], timeout: float | None = None) -> Mapping[str, bytes]:
        """The feature bytes of those cells that have any."""
        return self._of(release).features(release, cells, timeout)

    def overflow(self, release: Release, cells: Sequence[str]) -> Mapping[str, bytes]:
        """The feature bytes of the taxa that did not fit."""
        return self._of(release).overflow(release, cells)

    def taxa(self, release: Release, timeout: float | None = None) -> Sequence[ReleaseTaxon]:
        """The taxa by number."""
        return self._of(release).taxa(release, timeout)

    def taxon_cells(self, release: Release, key: str, timeout: float | None = None) -> Sequence[str]:
        """The cells where a taxon occurs."""
        return self._of(release).taxon_cells(release, key, timeout)

    def ping(self) -> None:
        """Read one row of the release in force."""
        self._of(self.pointer().current).ping()

    def publish(self, pack: Pack, progress: Callable[[int], None] = lambda _: None) -> bool:
        """Copy a pack into the folder; `progress` is told of its rows in step with its bytes.

        Raises `UsageError` where the release's name cannot be a file's, and `AreaDataError` where the pack is damaged.
        """
        if not RELEASE_NAME.fullmatch(pack.release.name):
            what = f"release {pack.release.name!r} cannot be stored under that name"
            raise UsageError(what, "name it with letters, digits, dots, dashes and underscores")
        if self._has(pack.release):
            return False
        with self._changing():
            if self._has(pack.release):
                return False
            self._copy(pack, progress)
        return True

    def switch(self, name: str) -> Pointer:
        """Put a release in force."""
        written = self._written_or_none()
        if written is not None and written.current.name == name:
            return self.pointer()
        with self._changing():
            listed = {one.release.name: one.release for one in self.list()}
            if name not in listed:
                hint = f"releases: {', '.join(listed) or 'none'}"
                raise UnknownRelease(f"{self.folder} holds no release {name!r}", hint)
            self._switch(listed[name])
        return self.pointer()

    def prune(self, keep: int) -> Sequence[str]:
        """Delete the packs of all but the newest `keep` releases, those in force now and before, and the starter."""
        if not self.folder.is_dir():
            return ()
        with self._changing():
            dropped = self._superfluous(keep)
            for name in dropped:
                self._path(name).unlink()
        return dropped

    def _switch(self, release: Release) -> None:
        former = self._written_or_none() or self._without_current()
        before = former and (former.previous if former.current == release else former.current)
        starter = self._starter
        if starter and starter.release in {release, before} and not self._has(starter.release):
            self._copy(starter, lambda _: None)  # a later geoid may bring another one
        document = {"format": FORMAT, "current": release._asdict(), "previous": before and before._asdict()}
        with whole_file(self.folder / CURRENT) as file:
            file.write(json.dumps(document, indent=2).encode())

    def _superfluous(self, keep: int) -> Sequence[str]:
        needed = {release.name for release in self._pointer() or () if release}
        needed |= {self._starter.release.name} if self._starter else set()
        newest = sorted(self.list(), key=lambda one: (one.published, one.release.name), reverse=True)
        return sorted(one.release.name for one in newest[keep:] if one.release.name not in needed)

    def _copy(self, pack: Pack, progress: Callable[[int], None]) -> None:
        """Write a pack into the folder and check what was written; it appears whole or not at all."""
        write_rows(pack, self._path(pack.release.name), progress, lambda path: _check_copy(path, pack))

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """Be the only process that changes the folder, and sweep up after those that were killed while they did."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with locked(self.folder / LOCK):
                for left in self.folder.glob(f"{UNFINISHED}*"):
                    left.unlink()
                yield
        except OSError as error:
            what = f"{error.filename or self.folder}: {error.strerror or error}"
            raise StorageError(what, "check the folder's permissions and the disk's space") from error

    def _pointer(self) -> Pointer | None:
        """The pointer as readers see it: without a former release that is gone."""
        pointer = self._written() or self._without_current()
        if pointer is not None and pointer.previous is not None and not self._readable(pointer.previous):
            return Pointer(pointer.current)
        return pointer

    def _without_current(self) -> Pointer | None:
        return self._starter.pointer() if self._starter else None

    def _written_or_none(self) -> Pointer | None:
        """What `current` says, where that can be read: a damaged one is there to be replaced."""
        try:
            return self._written()
        except UnavailableError:
            return None

    def _written(self) -> Pointer | None:
        """What `current` says; none where there is no such file."""
        path = self.folder / CURRENT
        try:
            return _parsed(path.read_bytes())
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise UnavailableError(f"{path}: cannot be read: {error}", "geoid seed writes it anew") from error

    def _readable(self, release: Release) -> bool:
        try:
            return self._of(release).release.digest == release.digest
        except UnavailableError:
            return False

    def _has(self, release: Release) -> bool:
        """Whether the folder holds a copy of a release; raises `AreaDataError` where its name has other contents."""
        copy, starter = self._pack(release.name), self._starter
        holder = copy or (starter if starter and starter.release.name == release.name else None)
        if holder and (holder.release.name, holder.release.digest) != (release.name, release.digest):
            what = f"{self.folder} holds other contents under the name {release.name}"
            raise AreaDataError(what, "releases never change: publish it under another name")
        return copy is not None

    def _of(self, release: Release) -> AreaPack:
        """The pack of a release, opened once; raises `ReleaseGone`."""
        with self._opening:
            pack = self._open.get(release.digest)
            if pack is None:
                pack = self._found(release)
                for oldest in list(self._open)[: 1 - KEPT_OPEN]:
                    del self._open[oldest]
                self._open[release.digest] = pack
            return pack

    def _found(self, release: Release) -> AreaPack:
        for pack in (self._starter, self._pack(release.name)):
            if pack is not None and pack.release.digest == release.digest:
                return pack
        raise ReleaseGone(f"release {release.name} is not in {self.folder}", "geoid seed --list shows what is there")

    def _pack(self, name: str) -> AreaPack | None:
        """The pack of that name in the folder; none where there is none, or one that is damaged."""
        if not RELEASE_NAME.fullmatch(name):
            return None
        try:
            return AreaPack(self._path(name))
        except (AreaDataError, OSError):
            return None

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}{SUFFIX}"


def _check_copy(path: Path, pack: Pack) -> None:
    """Check what was written, since that is what will be read; raises `StorageError`."""
    try:
        copy = AreaPack(path)
        copy.verify()
        whole = copy.release == pack.release
    except AreaDataError:
        whole = False
    if not whole:
        raise StorageError(f"release {pack.release.name}: what was written is not what it holds", "check the disk")


def _parsed(data: bytes) -> Pointer:
    document = json.loads(data)
    if document["format"] != FORMAT:
        what = f"the file {CURRENT} is of format {document['format']}, this geoid reads {FORMAT}"
        raise NewerFormatError(what, "upgrade geoid")
    before = document["previous"]
    return Pointer(_release(document["current"]), _release(before) if before else None)


def _release(document: Mapping[str, str]) -> Release:
    return Release(document["name"], Kind(document["kind"]), document["digest"])
