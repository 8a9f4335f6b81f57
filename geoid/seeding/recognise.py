"""What a file is, by what is in it, and the tables it holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from functools import partial
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from geoid.errors import AreaDataError
from geoid.seeding.archives import GZIP_RATIO, Member, members, opened_gzip
from geoid.seeding.darwin_core import LARGEST, DarwinTable, occurrence_table
from geoid.seeding.parquet import MAGIC, ParquetTable
from geoid.seeding.sources import Table
from geoid.seeding.text import HEAD, Layout, TextTable, layout_of

META = "meta.xml"
SNIFFED = 1 << 16
"""Bytes that tell what a file is."""

OTHERS = {
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"Rar!": "a rar archive",
    b"BZh": "packed by bzip2",
    b"\xfd7zXZ": "packed by xz",
    b"\x28\xb5\x2f\xfd": "packed by zstd",
    b"%PDF": "a PDF",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
}
TAR, TAR_AT = b"ustar", 257
TFLITE_MARK, TFLITE_AT = b"TFL3", 4
NOT_FOUND = "give the path of a file or folder, or one of starter, birdnet"


class Form(StrEnum):
    """The form that a source has."""

    TEXT = "text"
    PARQUET = "parquet"
    DARWIN_CORE = "darwin-core"
    PACK = "pack"
    JSON = "json"
    ONNX = "onnx"
    TFLITE = "tflite"


class Found(NamedTuple):
    """The form of a source, and its tables if it is one of those."""

    form: Form
    tables: Sequence[Table] = ()


IsTable = Callable[[Sequence[str]], bool]


def recognise(path: Path, is_table: IsTable) -> Found:
    """What a file or folder is; `is_table` picks, by their columns, the tables of an archive or folder.

    Raises `AreaDataError` for what cannot be read or is of no form that geoid knows.
    """
    if path.is_dir():
        return _folder(path, is_table)
    try:
        with open(path, "rb") as file:
            head = file.read(SNIFFED)
    except OSError as error:
        raise AreaDataError(f"{path}: {error.strerror or error}", NOT_FOUND) from error
    if not head:
        raise AreaDataError(f"{path} is empty", NOT_FOUND)
    if head.startswith(b"PK\x03\x04"):
        return _archive(path, is_table)
    if head.startswith(b"\x1f\x8b"):
        return Found(Form.TEXT, (_gzipped(path),))
    form = _form(head, str(path))
    if form is Form.PARQUET:
        return Found(form, (ParquetTable(path.name, (path,)),))
    return Found(form, (_plain(path, head),) if form is Form.TEXT else ())


def _form(head: bytes, name: str) -> Form:
    """The form of a file that begins so; raises `AreaDataError` for one that geoid does not read."""
    if head.startswith(b"SQLite format 3\0"):
        return Form.PACK
    if head.startswith(MAGIC):
        return Form.PARQUET
    if head[TFLITE_AT : TFLITE_AT + 4] == TFLITE_MARK:
        return Form.TFLITE
    if head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in {b"{", b"["}:
        return Form.JSON
    other = next((what for mark, what in OTHERS.items() if head.startswith(mark)), None)
    if other is None and head[TAR_AT : TAR_AT + len(TAR)] == TAR:
        other = "a tar archive"
    if other is None and head.lstrip()[:9].lower().startswith((b"<!doctype", b"<html")):
        other = "a web page"
    if other is not None:
        raise AreaDataError(f"{name} is {other}", "unpack it, or fetch the file itself, and give that")
    return Form.ONNX if b"\0" in head and head[:1] == b"\x08" else Form.TEXT


def _plain(path: Path, head: bytes) -> TextTable:
    return TextTable(path.name, layout_of(head, path.name), path.stat().st_size, path=path)


def _gzipped(path: Path) -> TextTable:
    with opened_gzip(path) as stream:
        head = stream.read(HEAD)
    _form(head, str(path))
    size = GZIP_RATIO * path.stat().st_size
    return TextTable(path.name, layout_of(head, path.name), size, opened=partial(opened_gzip, path))


def _archive(path: Path, is_table: IsTable) -> Found:
    found = members(path)
    meta = next((one for one in found if PurePosixPath(one.name).name.lower() == META), None)
    if meta is not None:
        return Found(Form.DARWIN_CORE, (_darwin_archive(meta, found),))
    parts = [one for one in found if one.head(len(MAGIC)) == MAGIC]
    if parts:
        return Found(Form.PARQUET, (ParquetTable(path.name, sorted(parts, key=lambda one: one.name)),))
    tables = [table for table in map(_member_table, found) if table is not None]
    chosen = [table for table in tables if is_table(table.columns)] or tables
    if not chosen:
        listed = ", ".join(one.name for one in found[:5])
        raise AreaDataError(f"{path} holds no table: {listed or 'nothing'}", "give an archive of tables of text")
    return Found(Form.TEXT, chosen if len(chosen) == 1 or is_table(chosen[0].columns) else chosen[:1])


def _member_table(member: Member) -> TextTable | None:
    """The table in a member, if it is one of text."""
    head = member.head(SNIFFED)
    try:
        if _form(head, member.shown) is not Form.TEXT:
            return None
        layout = layout_of(head, member.shown)
    except AreaDataError:
        if member.info.compress_size > SNIFFED:  # what is large is what was meant
            raise
        return None
    return TextTable(member.shown, layout, member.info.file_size, opened=member.opened)


def _darwin_archive(meta: Member, found: Sequence[Member]) -> DarwinTable:
    folder = PurePosixPath(meta.name).parent
    by_name = {PurePosixPath(one.name): one for one in found}

    def opened(location: str, layout: Callable[[bytes], Layout]) -> TextTable:
        member = by_name.get(folder / location)
        if member is None:
            raise AreaDataError(f"{meta.archive}: meta.xml names {location!r}, which is not there", "fetch it again")
        return TextTable(member.shown, layout(member.head(SNIFFED)), member.info.file_size, opened=member.opened)

    return occurrence_table(meta.read(LARGEST), meta.shown, opened)


def _folder(path: Path, is_table: IsTable) -> Found:
    meta = next(iter(sorted(path.rglob(META), key=lambda one: len(one.parts))), None)
    if meta is not None:
        return Found(Form.DARWIN_CORE, (_darwin_folder(meta),))
    files = [one for one in sorted(path.rglob("*")) if one.is_file() and not one.name.startswith((".", "_"))]
    heads = {one: _head(one) for one in files}
    parts = [one for one, head in heads.items() if head.startswith(MAGIC)]
    if parts:
        return Found(Form.PARQUET, (ParquetTable(path.name, parts),))
    tables = [_plain(one, head) for one, head in heads.items() if _is_text(head, is_table)]
    if not tables:
        raise AreaDataError(f"{path} holds no table that geoid knows", "give the file itself, to learn what it lacks")
    return Found(Form.TEXT, tables)


def _head(path: Path) -> bytes:
    with open(path, "rb") as file:
        return file.read(SNIFFED)


def _is_text(head: bytes, is_table: IsTable) -> bool:
    try:
        return _form(head, "") is Form.TEXT and is_table(layout_of(head, "").columns)
    except AreaDataError:
        return False


def _darwin_folder(meta: Path) -> DarwinTable:
    def opened(location: str, layout: Callable[[bytes], Layout]) -> TextTable:
        path = (meta.parent / location).resolve()
        if not path.is_relative_to(meta.parent.resolve()) or not path.is_file():
            raise AreaDataError(f"{meta} names {location!r}, which is not there", "fetch it again")
        return TextTable(path.name, layout(_head(path)), path.stat().st_size, path=path)

    data = meta.read_bytes()
    if len(data) > LARGEST:
        raise AreaDataError(f"{meta} is larger than {LARGEST >> 20} MB", "fetch it again")
    return occurrence_table(data, str(meta), opened)
