"""Tables of text: every line is a row or is counted as broken, with its number and the reason."""

from __future__ import annotations

import io
from contextlib import contextmanager

import polars as pl
import pytest

from geoid.errors import AreaDataError
from geoid.seeding import text
from geoid.seeding.text import TextTable, layout_of

TABS = b"name\tlat\tlon\n"
COMMAS = b"name,lat,lon\n"


def read(table: TextTable) -> list[tuple]:
    """The rows of a table, as a scan reads them: at full speed, and with care where that is not enough."""
    found = []
    for part in table.parts():
        try:
            rows = part.frame.collect(engine="streaming").rows()
            if not part.verified(len(rows)):
                raise pl.exceptions.ComputeError
        except pl.exceptions.PolarsError:
            rows = [row for careful in part.careful() for row in careful.frame.collect(engine="streaming").rows()]
        found += rows
    return found


@pytest.fixture(name="table", params=["file", "stream"])
def fixture_table(request, tmp_path):
    """Makes a table of some bytes, as a file and as a stream."""

    def make(data: bytes) -> TextTable:
        if request.param == "file":
            path = tmp_path / "data.txt"
            path.write_bytes(data)
            return TextTable("data.txt", layout_of(data[:100_000], "data.txt"), len(data), path=path)
        return TextTable("data.txt", layout_of(data[:100_000], "data.txt"), len(data), opened=lambda: opened(data))

    return make


@contextmanager
def opened(data: bytes):
    """A stream of bytes that gives few at a time."""
    yield io.BytesIO(data)


def noted(table: TextTable) -> list[tuple[int, str]]:
    """The broken lines."""
    assert table.broken.count == len(table.broken.examples)
    return [(line.line, line.reason) for line in table.broken.examples]


def test_rows_come_as_strings_and_empty_ones_as_none(table):
    made = table(TABS + b"Turdus merula\t51.5\t\n")
    assert read(made) == [("Turdus merula", "51.5", None)]
    assert (made.columns, noted(made)) == (("name", "lat", "lon"), [])


def test_lines_with_too_many_and_too_few_fields_are_counted_and_the_others_read(table):
    made = table(TABS + b"a\t1\t2\nb\t1\nc\t1\t2\t3\n\nd\t1\t2\ne\n")
    assert read(made) == [("a", "1", "2"), ("d", "1", "2")]
    assert noted(made) == [
        (3, "2 columns, expected 3"),
        (4, "4 columns, expected 3"),
        (7, "1 columns, expected 3"),
    ]


def test_short_lines_alone_do_not_go_unnoticed(table):
    made = table(TABS + b"a\t1\t2\nb\t1\nc\t1\t2\n")
    assert [row[0] for row in read(made)] == ["a", "c"]
    assert noted(made) == [(3, "2 columns, expected 3")]


def test_bare_quotes_mean_nothing_between_tabs(table):
    made = table(TABS + b'"a\t1\t2\nb"\t"1\t2\n')
    assert read(made) == [('"a', "1", "2"), ('b"', '"1', "2")]
    assert noted(made) == []


def test_quotes_enclose_fields_between_commas(table):
    made = table(COMMAS + b'"a, b",1,2\n"said ""c""",1,2\n')
    assert read(made) == [("a, b", "1", "2"), ('said "c"', "1", "2")]


def test_a_line_end_inside_of_quotes_is_part_of_the_field(table):
    made = table(COMMAS + b'"a\nb",1,2\nc,1,2\n')
    assert [row[1:] for row in read(made)] == [("1", "2"), ("1", "2")]
    assert noted(made) == []


def test_a_quote_that_never_ends_is_a_broken_line(table):
    made = table(COMMAS + b'a,1,2\n"b,1,2\nc,1,2\n')
    assert read(made)[0] == ("a", "1", "2")
    assert [line for line, _ in noted(made)] == [3]


def test_windows_line_ends_are_no_part_of_the_last_field(table):
    made = table(TABS.replace(b"\n", b"\r\n") + b"a\t1\t2\r\nb\t1\t2\r\n")
    assert read(made) == [("a", "1", "2"), ("b", "1", "2")]
    made = table(TABS.replace(b"\n", b"\r\n") + b"a\t1\t2\r\nb\t1\r\nc\t1\t2\r\n")
    assert read(made) == [("a", "1", "2"), ("c", "1", "2")]


def test_a_last_line_without_an_end_is_a_row(table):
    assert read(table(TABS + b"a\t1\t2\nb\t1\t2")) == [("a", "1", "2"), ("b", "1", "2")]
    assert read(table(TABS + b"a\t1\nb\t1\t2")) == [("b", "1", "2")]


def test_a_trailing_tab_makes_a_column_that_has_no_name_in_the_file(table):
    made = table(b"name\tlat\tlon\t\na\t1\t2\t\nb\t1\t2\t\n")
    assert made.columns == ("name", "lat", "lon", "(no name 4)")
    assert read(made) == [("a", "1", "2", None), ("b", "1", "2", None)]
    assert noted(made) == []


def test_a_mark_of_byte_order_is_no_part_of_the_first_column(table):
    made = table(b"\xef\xbb\xbf" + TABS + b"a\t1\t2\n")
    assert made.columns[0] == "name"
    assert read(made) == [("a", "1", "2")]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_is_read_by_its_mark(table, encoding):
    made = table(("\ufeff" + TABS.decode() + "Erdkröte\t1\t2\nb\t1\n").encode(encoding))
    assert read(made) == [("Erdkröte", "1", "2")]
    assert noted(made) == [(3, "2 columns, expected 3")]


def test_lines_that_are_not_utf_8_are_read_as_windows_1252_and_remarked(table):
    made = table(TABS + "Erdkröte\t1\t2\n".encode("cp1252") + "Erdkröte\t1\t2\n".encode())
    assert read(made) == [("Erdkröte", "1", "2"), ("Erdkröte", "1", "2")]
    assert made.remarks == ("data.txt: 1 line is not UTF-8 and read as Windows-1252",)


def test_a_byte_of_zero_breaks_its_line_where_lines_are_read_with_care(table):
    made = table(TABS + b"a\t1\t2\nb\0\t1\t2\nc\t1\n")
    assert read(made) == [("a", "1", "2")]
    assert [line for line, _ in noted(made)] == [3, 4]


def test_a_header_alone_is_a_table_without_rows(table):
    assert read(table(TABS)) == []
    assert read(table(TABS.strip())) == []


def test_a_stream_is_read_segment_by_segment_and_lines_keep_their_numbers(monkeypatch):
    monkeypatch.setattr(text, "SEGMENT", 1000)
    lines = [f"animal {number}\t1\t2" if number % 100 != 57 else "short" for number in range(1000)]
    data = TABS + "\n".join(lines).encode()
    made = TextTable("data.zip/data.txt", layout_of(data, ""), len(data), opened=lambda: opened(data))
    assert [row[0] for row in read(made)] == [f"animal {number}" for number in range(1000) if number % 100 != 57]
    assert [line for line, _ in noted(made)] == [number + 2 for number in range(1000) if number % 100 == 57]


def test_segments_are_not_cut_inside_of_quotes(monkeypatch):
    monkeypatch.setattr(text, "SEGMENT", 200)
    data = COMMAS + b"".join(f'"animal\n{number}",1,2\n'.encode() for number in range(500))
    made = TextTable("data.csv", layout_of(data, ""), len(data), opened=lambda: opened(data))
    assert len(read(made)) == 500
    assert noted(made) == []


def test_a_line_that_never_ends_is_refused(monkeypatch):
    monkeypatch.setattr(text, "SEGMENT", 1000)
    data = TABS + b"x" * 5000
    made = TextTable("data.txt", layout_of(data[:100], ""), len(data), opened=lambda: opened(data))
    with pytest.raises(AreaDataError, match="a line is longer than"):
        read(made)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (b" \n\n", "is empty"),
        (b"\x00\x01\x02binary", "is no text"),
        (b"a\tb\ta\n", "two columns 'a'"),
    ],
)
def test_what_is_no_table_is_refused(data, words):
    with pytest.raises(AreaDataError, match=words):
        layout_of(data, "data.txt")


@pytest.mark.parametrize(("delimiter", "quote"), [("\t", None), (",", '"'), (";", '"'), ("|", '"')])
def test_the_header_tells_what_parts_the_columns(delimiter, quote):
    layout = layout_of(
        f"name{delimiter}lat, or so{delimiter}lon\n".encode() if delimiter != "," else b"name,lat,lon\n", ""
    )
    assert (layout.delimiter, layout.quote, len(layout.columns)) == (delimiter, quote, 3)
