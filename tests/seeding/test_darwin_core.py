"""Darwin Core Archives: layout, columns and defaults are those of meta.xml, which may do no harm."""

from __future__ import annotations

import time

import polars as pl
import pytest
from archive_files import META, ROWS, zipped

from geoid.errors import AreaDataError
from geoid.seeding.dialects import dialect_of, is_table
from geoid.seeding.recognise import recognise

PLAIN = "\n".join(ROWS.splitlines()[1:])


def table(tmp_path, meta: str, **files: str):
    """The table of an archive, as a zip and as a folder."""
    folder = tmp_path / "archive"
    folder.mkdir(exist_ok=True)
    (folder / "meta.xml").write_text(meta, encoding="utf-8")
    for name, content in files.items():
        (folder / f"{name}.txt").write_bytes(content if isinstance(content, bytes) else content.encode())
    whole = {one.name: one.read_bytes() for one in folder.iterdir()}
    (packed,) = recognise(zipped(tmp_path / "archive.zip", whole), is_table).tables
    (plain,) = recognise(folder, is_table).tables
    assert read(packed) == read(plain)
    return plain


def read(found) -> list[dict]:
    """All rows."""
    return [row for part in found.parts() for row in part.frame.collect().rows(named=True)]


def test_columns_go_by_their_terms_and_defaults_fill_what_is_missing(tmp_path):
    found = table(tmp_path, META, occurrence=ROWS)
    assert read(found)[0] == {
        "basisOfRecord": "HumanObservation",
        "(no term 0)": "1",
        "species": "Panthera leo",
        "decimalLatitude": "-1.5",
        "decimalLongitude": "36.5",
        "month": "5",
    }
    assert dialect_of(found.schema) is not None


def test_a_default_fills_empty_cells_of_its_column(tmp_path):
    meta = META.replace('<field index="4" term', '<field index="4" default="7" term')
    found = table(tmp_path, meta, occurrence=ROWS.replace("36.5\t6", "36.5\t"))
    assert [row["month"] for row in read(found)] == ["5", "7"]


def test_delimiters_quotes_encodings_and_header_lines_are_those_it_says(tmp_path):
    meta = META.replace('fieldsTerminatedBy="\\t"', 'fieldsTerminatedBy=","').replace(
        'fieldsEnclosedBy=""', "fieldsEnclosedBy='\"'"
    )
    meta = meta.replace('ignoreHeaderLines="1"', 'ignoreHeaderLines="0"').replace("UTF-8", "latin1")
    found = table(tmp_path, meta, occurrence='1,"Rana, or so é",1,2,5\n'.encode("latin1"))
    assert [(row["species"], row["month"]) for row in read(found)] == [("Rana, or so é", "5")]


def test_several_files_are_read_one_after_the_other(tmp_path):
    meta = META.replace("</location>", "</location><location>more.txt</location>")
    found = table(tmp_path, meta, occurrence=ROWS, more=ROWS)
    assert len(read(found)) == 4


EVENTS = """<archive xmlns="http://rs.tdwg.org/dwc/text/">
  <core fieldsTerminatedBy="\\t" fieldsEnclosedBy="" ignoreHeaderLines="0" rowType="http://rs.tdwg.org/dwc/terms/Event">
    <files><location>event.txt</location></files><id index="0"/>
    <field index="1" term="http://rs.tdwg.org/dwc/terms/decimalLatitude"/>
    <field index="2" term="http://rs.tdwg.org/dwc/terms/decimalLongitude"/>
    <field index="3" term="http://rs.tdwg.org/dwc/terms/eventDate"/>
  </core>
  <extension fieldsTerminatedBy="\\t" fieldsEnclosedBy="" rowType="http://rs.tdwg.org/dwc/terms/Occurrence">
    <files><location>occurrence.txt</location></files><coreid index="0"/>
    <field index="1" term="http://rs.tdwg.org/dwc/terms/scientificName"/>
  </extension>
</archive>"""


def test_occurrences_of_events_have_the_place_and_date_of_their_event(tmp_path):
    events, occurrences = (
        "e1\t51.5\t-0.1\t2020-05-01\ne2\t1\t2\t2021-06-01",
        "e2\tRana temporaria\ne1\tBufo bufo\ne1\tRana x",
    )
    found = table(tmp_path, EVENTS, event=events, occurrence=occurrences)
    assert [(row["scientificName"], row["decimalLatitude"], row["eventDate"]) for row in read(found)] == [
        ("Rana temporaria", "1", "2021-06-01"),
        ("Bufo bufo", "51.5", "2020-05-01"),
        ("Rana x", "51.5", "2020-05-01"),
    ]
    assert dialect_of(found.schema) is not None


def test_broken_lines_of_an_archive_are_left_out_and_noted(tmp_path):
    found = table(tmp_path, META, occurrence=ROWS + "3\tshort\n")
    (part,) = found.parts()
    assert not part.verified(part.frame.select(pl.len()).collect().item())
    kept = [row for careful in part.careful() for row in careful.frame.collect().rows(named=True)]
    assert [row["month"] for row in kept] == ["5", "6"]
    assert [(line.file, line.line) for line in found.broken.examples] == [("occurrence.txt", 4)]


LOLS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
BOMB = f'<!DOCTYPE x [<!ENTITY l0 "lol">{LOLS}]><archive>&l9;</archive>'
OUTSIDE = '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><archive>&e;</archive>'


@pytest.mark.parametrize("meta", [BOMB, OUTSIDE, '<!DOCTYPE archive SYSTEM "http://x.example/a.dtd"><archive/>'])
def test_entities_and_document_types_are_refused_at_once(tmp_path, meta):
    started = time.monotonic()
    with pytest.raises(AreaDataError, match="document type or entities"):
        table(tmp_path, meta, occurrence=ROWS)
    assert time.monotonic() - started < 2


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("occurrence.txt", "absent.txt"), "names 'absent.txt', which is not there"),
        (("occurrence.txt", "../meta.xml"), "which is not there"),
        (('index="4"', 'index="40"'), "describes column 40"),
        (('index="4"', 'index="four"'), "'four' is no number"),
        (("Occurrence", "Taxon"), "describes no occurrences"),
        (("</archive>", ""), "is damaged"),
        (("UTF-8", "KLINGON"), "no encoding 'KLINGON'"),
        (('linesTerminatedBy="\\n"', 'linesTerminatedBy="|"'), "geoid does not know"),
        (("<location>occurrence.txt</location>", ""), "names no file"),
    ],
)
def test_what_does_not_fit_is_said(tmp_path, change, words):
    with pytest.raises(AreaDataError, match=words):
        table(tmp_path, META.replace(*change), occurrence=ROWS)
