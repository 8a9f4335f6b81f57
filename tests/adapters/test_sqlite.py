"""Area packs on disk: written whole, read without being changed, and refused when they are not what they should be."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from geoid.adapters.pack_files import write_pack
from geoid.adapters.sqlite import AreaPack
from geoid.core.features import Features, Flag, encode, records_of
from geoid.core.releases import TABLES, Contents, Kind, ListedRelease, ReleaseTaxon
from geoid.errors import AreaDataError, NewerFormatError, ReleaseGone, StorageError, UnavailableError

CELL = 0x831F1DFFFFFFFFF


def contents(**changes) -> Contents:
    jay = ReleaseTaxon(0, "garrulus-glandarius", "Garrulus glandarius", None, "species", {"genus": "Garrulus"})
    value = encode(Features(3, records_of([(0, 255, b"\xff" * 12, Flag.RANGE)]))).value
    whole = Contents("jays", Kind.RANGES, (jay,), ((CELL,),), {CELL: value}, {}, "tests", "CC0-1.0")
    return dataclasses.replace(whole, **changes)


@pytest.fixture(name="pack")
def _pack(tmp_path) -> Path:
    path = tmp_path / "jays.areas"
    write_pack(contents(), path)
    return path


def test_the_same_contents_give_the_same_digest_and_the_same_bytes(tmp_path, pack) -> None:
    write_pack(contents(), tmp_path / "again.areas")
    assert (tmp_path / "again.areas").read_bytes() == pack.read_bytes()


@pytest.mark.parametrize("change", [{"name": "other"}, {"sources": "elsewhere"}, {"licences": "MIT"}])
def test_name_sources_and_licences_leave_the_digest_alone(change) -> None:
    assert contents(**change).digest() == contents().digest()


@pytest.mark.parametrize("change", [{"cells": {}}, {"taxon_cells": ((),)}, {"taxa": ()}])
def test_anything_else_changes_the_digest(change) -> None:
    if change == {"taxa": ()}:
        change = {"taxa": (contents().taxa[0]._replace(flags=1),)}
    assert contents(**change).digest() != contents().digest()


def test_reading_leaves_no_file_beside_the_pack_and_its_bytes_as_they_were(pack) -> None:
    before = hashlib.sha256(pack.read_bytes()).hexdigest()
    opened = AreaPack(pack)
    opened.features(opened.pointer().current, [f"{CELL:x}"])
    assert [path.name for path in pack.parent.iterdir()] == ["jays.areas"]
    assert hashlib.sha256(pack.read_bytes()).hexdigest() == before


def test_a_pack_in_a_read_only_folder_can_be_read(pack) -> None:
    pack.chmod(0o444)
    pack.parent.chmod(0o555)
    try:
        assert AreaPack(pack).pointer().current.name == "jays"
    finally:
        pack.parent.chmod(0o755)


def test_a_file_that_is_not_there_is_said_so(tmp_path) -> None:
    with pytest.raises(AreaDataError, match="there is no such area pack"):
        AreaPack(tmp_path / "none.areas")


@pytest.mark.parametrize("data", [b"", b"hello", b"SQLite format 3\0" + b"junk" * 100])
def test_what_is_no_pack_is_refused(tmp_path, data) -> None:
    path = tmp_path / "bad.areas"
    path.write_bytes(data)
    with pytest.raises(AreaDataError, match="is not an area pack"):
        AreaPack(path)


def test_another_database_is_no_pack(tmp_path) -> None:
    path = tmp_path / "other.areas"
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE meta (key, value)")
        db.commit()
    with pytest.raises(AreaDataError, match="its meta table lacks entries"):
        AreaPack(path)


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_a_truncated_pack_is_refused_when_it_is_opened(pack, share) -> None:
    whole = pack.read_bytes()
    pack.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(AreaDataError, match=r"truncated|is not an area pack"):
        AreaPack(pack)


def test_a_pack_of_a_newer_format_is_refused_with_its_number(pack) -> None:
    with closing(sqlite3.connect(pack)) as db:
        db.execute("UPDATE meta SET value = '2' WHERE key = 'format'")
        db.commit()
    with pytest.raises(NewerFormatError, match="area pack of format 2, this geoid reads 1"):
        AreaPack(pack)


def test_a_pack_that_breaks_while_it_is_open_is_unavailable(pack) -> None:
    opened = AreaPack(pack)
    pack.write_bytes(pack.read_bytes()[:4096] + b"\xff" * 8192)
    with pytest.raises(UnavailableError, match="cannot be read"):
        opened.taxa(opened.release)


def test_a_pack_that_cannot_be_written_leaves_nothing_behind(tmp_path) -> None:
    target = tmp_path / "folder.areas"
    target.mkdir()
    (target / "full").touch()
    with pytest.raises(StorageError, match="cannot be written"):
        write_pack(contents(), target)
    assert [path.name for path in tmp_path.iterdir()] == ["folder.areas"]


def test_a_pack_gives_its_rows_by_table_for_whoever_publishes_it(tmp_path) -> None:
    value = contents().cells[CELL]
    path = tmp_path / "many.areas"
    write_pack(contents(cells={CELL: value, CELL + 1: value}, overflow={CELL: value}), path)
    opened = AreaPack(path)
    assert {table: opened.count(table) for table in TABLES} == {"taxa": 1, "cells": 2, "overflow": 1}
    assert list(opened.rows("cells")) == [(CELL, value), (CELL + 1, value)]
    assert list(opened.rows("overflow")) == [(CELL, value)]
    (jay,) = opened.rows("taxa")
    assert len(jay) == len(TABLES["taxa"])
    assert jay[:2] == (0, "garrulus-glandarius")


def test_a_pack_lists_itself_as_published_when_its_file_was_written(pack) -> None:
    os.utime(pack, (0, 1_700_000_000))
    opened = AreaPack(pack)
    assert list(opened.list()) == [ListedRelease(opened.release, 1, 1, 1_700_000_000)]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE taxa SET flags = 1",
        "UPDATE sets SET bytes = x'00'",
        "UPDATE taxa SET cells = x'00'",
        "UPDATE taxa SET lineage = '{'",
        "DELETE FROM cells",
        "UPDATE meta SET value = 'f00' WHERE key = 'digest'",
        "DROP TABLE overflow",
    ],
)
def test_rows_that_are_not_those_of_the_digest_are_refused(pack, statement) -> None:
    with closing(sqlite3.connect(pack)) as db:
        db.execute(statement)
        db.commit()
    with pytest.raises(AreaDataError, match=r"jays\.areas is damaged"):
        AreaPack(pack).rows("taxa")


def test_counts_that_are_no_numbers_are_refused(pack) -> None:
    with closing(sqlite3.connect(pack)) as db:
        db.execute("UPDATE meta SET value = 'many' WHERE key = 'taxa'")
        db.commit()
    with pytest.raises(AreaDataError, match="its counts are no numbers"):
        AreaPack(pack)


@pytest.mark.skipif(os.name == "nt", reason="platform: an open file cannot be replaced on Windows")
def test_a_thread_that_finds_other_contents_under_the_name_does_not_read_them(tmp_path, pack) -> None:
    opened = AreaPack(pack)
    assert opened.features(opened.release, [f"{CELL:x}"])
    write_pack(contents(cells={}), pack)
    with ThreadPoolExecutor(1) as pool, pytest.raises(ReleaseGone, match="another release by now"):
        pool.submit(opened.features, opened.release, [f"{CELL:x}"]).result()
    assert opened.features(opened.release, [f"{CELL:x}"]), "who has it open goes on"
