"""Zip archives and gzip files: hostile until shown otherwise, and never unpacked to a path of theirs."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO, NamedTuple

from isal import igzip_threaded, isal_zlib

from geoid.errors import AreaDataError

MOST_MEMBERS = 10_000
BOMB_RATIO, BOMB_SIZE = 400, 100_000_000
"""A member is refused that is declared this many times as large as it is packed, and larger than so many bytes."""

GZIP_RATIO = 6
"""How much larger a text is than its gzip file, about: gzip files do not say."""

LOCAL_HEADER = struct.Struct("<4s5H3I2H")
PACKED, PIECE = 1 << 20, 4 << 20
"""Bytes that are read and inflated at once."""

ISAL_ERROR: type[Exception] = isal_zlib.error  # type: ignore[assignment]
SYMLINK, TYPE = 0xA000, 0xF000
HINT = "fetch it again from where it came from"


class Member(NamedTuple):
    """A file in an archive, checked as far as the list of contents goes."""

    archive: Path
    info: zipfile.ZipInfo

    @property
    def name(self) -> str:
        """Its path in the archive."""
        return self.info.filename

    @property
    def shown(self) -> str:
        """What to call it in messages."""
        return f"{self.archive.name}/{self.name}"

    @contextmanager
    def opened(self) -> Iterator[BinaryIO]:
        """Its bytes; raises `AreaDataError` where they are not what the archive says."""
        with open(self.archive, "rb") as file:
            yield io.BufferedReader(_Inflating(file, self), PIECE)

    def head(self, size: int) -> bytes:
        """Its first bytes."""
        with self.opened() as stream:
            return stream.read(size)

    def read(self, most: int) -> bytes:
        """All its bytes; raises `AreaDataError` for more than so many."""
        data = self.head(most + 1)
        if len(data) > most:
            raise AreaDataError(f"{self.shown} is larger than {most >> 20} MB", HINT)
        return data


def members(path: Path) -> Sequence[Member]:
    """The files in a zip archive; raises `AreaDataError` for an archive that is damaged, or made to do harm."""
    try:
        with zipfile.ZipFile(path) as archive:
            infos = [info for info in archive.infolist() if not info.is_dir()]
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise AreaDataError(f"{path} is damaged: {error}", HINT) from error
    if len(infos) > MOST_MEMBERS:
        raise AreaDataError(f"{path} holds {len(infos):,} files, more than {MOST_MEMBERS:,}", HINT)
    for info in infos:
        _refuse(path, info)
    _refuse_overlaps(path, infos)
    return [Member(path, info) for info in infos]


def _refuse(path: Path, info: zipfile.ZipInfo) -> None:
    """Raise `AreaDataError` for a member that leads out of the archive, is encrypted, a link, or a bomb."""
    parts = PurePosixPath(info.orig_filename.replace("\\", "/"))
    if parts.is_absolute() or ".." in parts.parts or ":" in parts.parts[0] or "\0" in info.orig_filename:
        raise AreaDataError(f"{path} holds a file that leads out of it: {info.orig_filename!r}", "do not trust it")
    if info.external_attr >> 16 & TYPE == SYMLINK:
        raise AreaDataError(f"{path} holds a link: {info.filename}", "do not trust it")
    if info.flag_bits & 1:
        raise AreaDataError(f"{path}: {info.filename} is encrypted", "unpack it, and give the file")
    if info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        raise AreaDataError(f"{path}: {info.filename} is packed in a way that geoid does not know", "unpack it first")
    if info.file_size > max(BOMB_SIZE, BOMB_RATIO * info.compress_size):
        raise AreaDataError(f"{path}: {info.filename} is a zip bomb: {info.file_size:,} bytes", "do not trust it")


def _refuse_overlaps(path: Path, infos: Sequence[zipfile.ZipInfo]) -> None:
    """Raise `AreaDataError` where members share bytes: the better zip bomb (D. Fifield, 2019)."""
    end = 0
    for info in sorted(infos, key=lambda info: info.header_offset):
        if info.header_offset < end:
            raise AreaDataError(
                f"{path} is a zip bomb: {info.filename} shares its bytes with another", "do not trust it"
            )
        end = info.header_offset + LOCAL_HEADER.size + info.compress_size


class _Inflating(io.RawIOBase):
    """The bytes of a member, inflated by isal and checked against length and checksum."""

    def __init__(self, file: BinaryIO, member: Member) -> None:
        self._file, self._member = file, member
        info = member.info
        self._left = info.compress_size
        self._inflater = isal_zlib.decompressobj(wbits=-15) if info.compress_type == zipfile.ZIP_DEFLATED else None
        self._made, self._crc = 0, 0
        self._seek()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """The next bytes."""
        data = self._next(len(buffer))
        buffer[: len(data)] = data
        self._made += len(data)
        self._crc = isal_zlib.crc32(data, self._crc)
        info = self._member.info
        if self._made > info.file_size:
            raise self._broken("is larger than it says it is")
        if not data and len(buffer) and (self._made != info.file_size or self._crc != info.CRC):
            raise self._broken("is truncated or damaged")
        return len(data)

    def _next(self, size: int) -> bytes:
        if self._inflater is None:
            return self._packed(size)
        while not self._inflater.eof:
            packed = self._inflater.unconsumed_tail or self._packed(PACKED)
            try:
                data: bytes = self._inflater.decompress(packed, size)
            except ISAL_ERROR as error:
                raise self._broken(f"is damaged: {error}") from error
            if data:
                return data
            if not packed:
                raise self._broken("is truncated")
        return b""

    def _packed(self, size: int) -> bytes:
        data = self._file.read(min(size, self._left))
        if not data and self._left:
            raise self._broken("is truncated")
        self._left -= len(data)
        return data

    def _seek(self) -> None:
        """Go to where the bytes begin, which only the member's own header says."""
        self._file.seek(self._member.info.header_offset)
        header = self._file.read(LOCAL_HEADER.size)
        if len(header) < LOCAL_HEADER.size or header[:4] != b"PK\x03\x04":
            raise self._broken("is not where the archive says")
        name, extra = LOCAL_HEADER.unpack(header)[-2:]
        self._file.seek(name + extra, 1)

    def _broken(self, what: str) -> AreaDataError:
        return AreaDataError(f"{self._member.shown} {what}", HINT)


@contextmanager
def opened_gzip(path: Path) -> Iterator[BinaryIO]:
    """The text of a gzip file; raises `AreaDataError` where it is damaged."""
    with igzip_threaded.open(path, "rb") as stream:
        yield _Gunzipped(stream, path)  # type: ignore[misc]


class _Gunzipped:
    """A stream whose errors are ours."""

    def __init__(self, stream: BinaryIO, path: Path) -> None:
        self._stream, self._path = stream, path

    def read(self, size: int) -> bytes:
        """The next bytes."""
        try:
            return self._stream.read(size)
        except (OSError, EOFError, ISAL_ERROR) as error:
            raise AreaDataError(f"{self._path} is truncated or damaged: {error}", HINT) from error
