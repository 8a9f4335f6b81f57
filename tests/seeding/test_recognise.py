"""What a file is told by what is in it; archives are hostile until shown otherwise."""

from __future__ import annotations

import gzip
import io
import struct
import tarfile
import zipfile

import polars as pl
import pytest
from archive_files import META, ROWS, zipped

from geoid.errors import AreaDataError
from geoid.seeding import archives
from geoid.seeding.dialects import is_table
from geoid.seeding.recognise import Form, recognise


def rows(found) -> list[tuple]:
    """Species and month of all rows of all tables."""
    return [
        row
        for table in found.tables
        for part in table.parts()
        for row in part.frame.select("species", pl.col("month").cast(pl.String)).collect().rows()
    ]


LIONS = [("Panthera leo", "5"), ("Panthera leo", "6")]


@pytest.mark.parametrize("packed", [zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED])
def test_a_table_is_found_plain_zipped_and_gzipped(tmp_path, packed):
    (tmp_path / "data").write_text(ROWS)
    (tmp_path / "data.gz").write_bytes(gzip.compress(ROWS.encode()))
    zipped(tmp_path / "data.zip", {"data.csv": ROWS}, packed)
    for name in ("data", "data.gz", "data.zip"):
        found = recognise(tmp_path / name, is_table)
        assert (found.form, rows(found)) == (Form.TEXT, LIONS)


def test_of_several_files_in_an_archive_those_that_are_tables_are_taken(tmp_path):
    files = {
        "README.txt": "no table\nat all",
        "codes.txt": "CODE\tNAME\n1\tx\n",
        "ebd.txt": ROWS,
        "terms.pdf": b"%PDF\0",
    }
    found = recognise(zipped(tmp_path / "ebd.zip", files), is_table)
    assert [table.name for table in found.tables] == ["ebd.zip/ebd.txt"]
    assert rows(found) == LIONS


def test_a_folder_gives_its_tables_and_a_folder_of_nothing_is_refused(tmp_path):
    (tmp_path / "one.csv").write_text(ROWS)
    (tmp_path / "notes.txt").write_text("nothing")
    assert rows(recognise(tmp_path, is_table)) == LIONS
    (tmp_path / "one.csv").unlink()
    with pytest.raises(AreaDataError, match="holds no table"):
        recognise(tmp_path, is_table)


def parquet(path, months: list) -> None:
    """A part of a Parquet table."""
    pl.DataFrame({"species": ["Panthera leo"] * len(months), "month": months}).write_parquet(path)


def test_parquet_is_a_file_a_folder_of_parts_or_parts_in_an_archive(tmp_path):
    folder = tmp_path / "occurrence.parquet"
    folder.mkdir()
    parquet(folder / "000001", [5])
    parquet(folder / "000002", [6])
    (folder / "_SUCCESS").touch()
    packed = zipped(
        tmp_path / "p.zip", {f"occurrence.parquet/{one.name}": one.read_bytes() for one in folder.glob("0*")}
    )
    for path in (folder, packed):
        found = recognise(path, is_table)
        assert (found.form, rows(found)) == (Form.PARQUET, LIONS)
    assert rows(recognise(folder / "000001", is_table)) == LIONS[:1]


def test_a_part_of_another_schema_and_a_damaged_one_are_refused(tmp_path):
    parquet(tmp_path / "1", [5])
    parquet(tmp_path / "2", ["May"])
    with pytest.raises(AreaDataError, match="part 2 has another column month"):
        rows(recognise(tmp_path, is_table))
    (tmp_path / "1").write_bytes((tmp_path / "1").read_bytes()[:-20])
    with pytest.raises(AreaDataError, match="damaged Parquet"):
        recognise(tmp_path / "1", is_table)


@pytest.mark.parametrize(
    ("content", "form"),
    [
        (b"SQLite format 3\0", Form.PACK),
        (b'\xef\xbb\xbf {"a": 1}', Form.JSON),
        (b"\x1c\0\0\0TFL3\0", Form.TFLITE),
        (b"\x08\x0a\x12\x07pytorch\0", Form.ONNX),
    ],
)
def test_other_forms_are_told_by_their_marks(tmp_path, content, form):
    (tmp_path / "file").write_bytes(content)
    assert recognise(tmp_path / "file", is_table).form is form


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"7z\xbc\xaf\x27\x1c rest", "7z archive"),
        (b"%PDF-1.4", "a PDF"),
        (b"<!DOCTYPE html><p>sign in", "a web page"),
        (b"BZh91", "bzip2"),
        (b"PK\x03\x04 rest", "damaged"),
        (gzip.compress(b"text\tand\tmore\n" * 1000, mtime=0)[:60], "truncated or damaged"),
    ],
)
def test_what_geoid_does_not_read_is_said_by_name(tmp_path, content, words):
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(AreaDataError, match=words):
        recognise(tmp_path / "file", is_table)


def test_a_path_that_is_missing_and_a_tar_are_refused(tmp_path):
    with pytest.raises(AreaDataError, match="No such file"):
        recognise(tmp_path / "absent", is_table)
    with tarfile.open(tmp_path / "x.tar", "w") as archive:
        info = tarfile.TarInfo("data.csv")
        info.size = len(ROWS)
        archive.addfile(info, io.BytesIO(ROWS.encode()))
    with pytest.raises(AreaDataError, match="tar archive"):
        recognise(tmp_path / "x.tar", is_table)


@pytest.mark.parametrize("name", ["../out.csv", "/etc/out.csv", "a/../../out.csv", "C:\\out.csv", "..\\out.csv"])
def test_a_path_that_leads_out_of_an_archive_is_refused(tmp_path, name):
    with pytest.raises(AreaDataError, match="leads out of it"):
        recognise(zipped(tmp_path / "evil.zip", {name: ROWS}), is_table)


def test_links_and_encrypted_members_are_refused(tmp_path):
    path = tmp_path / "link.zip"
    with zipfile.ZipFile(path, "w") as archive:
        info = zipfile.ZipInfo("data.csv")
        info.external_attr = 0xA1FF << 16
        archive.writestr(info, "/etc/passwd")
    with pytest.raises(AreaDataError, match="holds a link"):
        recognise(path, is_table)
    data = bytearray(zipped(tmp_path / "secret.zip", {"data.csv": ROWS}).read_bytes())
    for mark, offset in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        data[data.index(mark) + offset] |= 1
    (tmp_path / "secret.zip").write_bytes(data)
    with pytest.raises(AreaDataError, match="encrypted"):
        recognise(tmp_path / "secret.zip", is_table)


def test_a_bomb_is_refused_by_what_it_says_and_by_what_it_is(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "BOMB_SIZE", 1000)
    with pytest.raises(AreaDataError, match="zip bomb"):
        recognise(zipped(tmp_path / "bomb.zip", {"data.csv": ROWS + "0" * 2_000_000}), is_table)
    path = zipped(tmp_path / "liar.zip", {"data.csv": ROWS * 50})
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x01\x02") + 24 :][:4] = b""
    at = data.index(b"PK\x01\x02") + 24
    data = bytearray(path.read_bytes())
    data[at : at + 4] = struct.pack("<I", 100)
    path.write_bytes(data)
    with pytest.raises(AreaDataError, match="larger than it says"):
        rows(recognise(path, is_table))


def test_members_that_share_their_bytes_are_refused(tmp_path):
    path = zipped(tmp_path / "bomb.zip", {"one.csv": ROWS, "two.csv": ROWS})
    data = bytearray(path.read_bytes())
    second = data.index(b"PK\x01\x02", data.index(b"PK\x01\x02") + 4)
    data[second + 42 : second + 46] = struct.pack("<I", 0)
    path.write_bytes(data)
    with pytest.raises(AreaDataError, match="shares its bytes"):
        recognise(path, is_table)


def test_a_damaged_member_is_told_by_its_checksum(tmp_path):
    path = zipped(tmp_path / "data.zip", {"data.csv": ROWS * 100}, zipfile.ZIP_STORED)
    data = bytearray(path.read_bytes())
    data[data.index(b"leo") + 1] ^= 1
    path.write_bytes(data)
    with pytest.raises(AreaDataError, match=r"data.zip/data.csv is truncated or damaged"):
        rows(recognise(path, is_table))


def test_a_truncated_archive_is_refused(tmp_path):
    path = zipped(tmp_path / "data.zip", {"data.csv": ROWS * 100})
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(AreaDataError, match="damaged"):
        recognise(path, is_table)


def test_an_archive_with_meta_xml_is_one_of_darwin_core(tmp_path):
    for folder in ("", "deep/down/"):
        files = {f"{folder}meta.xml": META, f"{folder}occurrence.txt": ROWS}
        found = recognise(zipped(tmp_path / "dwca.zip", files), is_table)
        assert (found.form, rows(found)) == (Form.DARWIN_CORE, LIONS)
