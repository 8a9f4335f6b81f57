"""Cell lists: columns in any order and case, months that add up, lines that are dropped and counted."""

from __future__ import annotations

import h3
import polars as pl
import pytest

from geoid.core.features import Flag
from geoid.errors import AreaDataError
from geoid.seeding.cell_lists import is_cell_list, read_cell_list
from geoid.seeding.ranges import YEAR
from geoid.seeding.sources import Broken, Part

NAIROBI = {resolution: h3.latlng_to_cell(-1.29, 36.82, resolution) for resolution in range(16)}
HERE = NAIROBI[3]


class Text:
    """A table of text in one part."""

    def __init__(self, *lines: str) -> None:
        self.name, self.broken, self.remarks = "list.csv", Broken(), ()
        self.data = "\n".join(lines).encode()
        self.size = len(self.data)
        self.columns = self.frame().collect_schema().names()

    def frame(self):
        return pl.scan_csv(self.data, infer_schema=False)

    def parts(self):
        yield Part(self.frame(), self.size)


class Ragged(Text):
    """A table whose second data line is broken, which `careful` leaves out."""

    def __init__(self, *lines: str, verified) -> None:
        super().__init__(*lines)
        self.verified = verified

    def parts(self):
        yield Part(self.frame(), self.size, self.verified, self.careful)

    def careful(self):
        self.broken.note(self.name, 3, "3 columns, expected 2")
        lines = self.data.splitlines()
        yield Part(pl.scan_csv(b"\n".join([*lines[:2], *lines[3:]]), infer_schema=False), self.size)


def read(*lines: str):
    return read_cell_list(Text(*lines), "CC0-1.0")


def months(record) -> list[int]:
    return [month for month, weight in enumerate(record["months"].tolist(), 1) if weight]


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (("cell", "taxon"), True),
        (("Scientific Name", "CELL", "Month"), True),
        (("h3_cell", "species", "introduced"), True),
        (("cell", "taxon", "count"), False),
        (("cell", "taxon", "records"), False),
        (("cell", "taxon", "decimalLatitude", "decimalLongitude"), False),
        (("cell",), False),
        (("taxon", "country"), False),
    ],
)
def test_a_cell_list_has_cells_and_taxa_but_no_points_and_no_counts(columns, expected) -> None:
    assert is_cell_list(columns) is expected


def test_a_line_without_a_month_is_the_whole_year() -> None:
    found = read("cell,taxon", f"{HERE},Panthera leo")
    assert [taxon.name for taxon in found.taxa] == ["Panthera leo"]
    assert found.cells.tolist() == [int(HERE, 16)]
    (record,) = found.records
    assert (record["year"], record["flags"]) == (255, Flag.RANGE)
    assert months(record) == list(range(1, 13))
    assert (found.kind, found.licence, found.rows, found.dropped) == ("cell-list", "CC0-1.0", 1, {})


def test_columns_may_come_in_any_order_and_case() -> None:
    found = read("Month,SCIENTIFIC NAME,Cell", f"6,Hirundo  rustica ,{HERE.upper()}")
    assert found.taxa[0].name == "Hirundo rustica"
    assert months(found.records[0]) == [6]


def test_lines_of_several_months_add_up_to_a_migrants_record() -> None:
    found = read("cell,taxon,month", *(f"{HERE},Hirundo rustica,{month}" for month in ("4", "05", "9", "4")))
    (record,) = found.records
    assert months(record) == [4, 5, 9]
    assert record["flags"] == Flag.RANGE | Flag.MIGRANT


@pytest.mark.parametrize("written", [HERE.upper(), f"0x{HERE}", f" {HERE} ", str(int(HERE, 16))])
def test_cells_are_hexadecimal_digits_or_numbers(written) -> None:
    assert read("cell,taxon", f"{written},Panthera leo").cells.tolist() == [int(HERE, 16)]


@pytest.mark.parametrize("lines", [["", "5"], [str(month) for month in range(1, 13)]])
def test_what_is_there_all_year_is_no_migrant(lines) -> None:
    found = read("cell,taxon,month", *(f"{HERE},Columba livia,{month}" for month in lines))
    (record,) = found.records
    assert sum(1 << month - 1 for month in months(record)) == YEAR
    assert record["flags"] == Flag.RANGE


def test_a_taxon_is_introduced_only_if_every_line_says_so() -> None:
    found = read(
        "cell,taxon,month,introduced",
        f"{HERE},Sturnus vulgaris,1,yes",
        f"{HERE},Sturnus vulgaris,2,true",
        f"{HERE},Columba livia,1,introduced",
        f"{HERE},Columba livia,2,no",
    )
    flags = {found.taxa[record["taxon"]].name: Flag(int(record["flags"])) for record in found.records}
    assert Flag.INTRODUCED in flags["Sturnus vulgaris"]
    assert Flag.INTRODUCED not in flags["Columba livia"]


def test_keys_of_geoid_are_kept_as_keys_and_common_names_as_such() -> None:
    found = read(
        "cell,taxon,common_name", f"{HERE},panthera-leo,", f"{HERE},panthera-leo,lion", f"{HERE},Puma concolor,"
    )
    assert [(taxon.name, taxon.key, taxon.common_name) for taxon in found.taxa] == [
        ("Puma concolor", None, None),
        ("panthera-leo", "panthera-leo", "lion"),
    ]


def test_cells_may_be_of_resolutions_2_to_5() -> None:
    found = read("cell,taxon", *(f"{cell},Panthera leo" for cell in NAIROBI.values()))
    assert sorted(found.cells.tolist()) == sorted(int(NAIROBI[resolution], 16) for resolution in range(2, 6))
    assert found.dropped == {"no-such-cell": 12}


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("nonsense,Panthera leo,", "no-such-cell"),
        (",Panthera leo,", "no-such-cell"),
        ("ffffffffffffffff,Panthera leo,", "no-such-cell"),
        ("-1,Panthera leo,", "no-such-cell"),
        (f"{HERE},,", "no-name"),
        (f"{HERE},Panthera leo,13", "no-such-month"),
        (f"{HERE},Panthera leo,0", "no-such-month"),
        (f"{HERE},Panthera leo,1.5", "no-such-month"),
        (f"{HERE},Panthera leo,May", "no-such-month"),
        (f"{HERE},Panthera leo,nan", "no-such-month"),
    ],
)
def test_lines_that_say_nothing_are_dropped_and_counted(line, rule) -> None:
    found = read("cell,taxon,month", line, f"{HERE},Puma concolor,")
    assert found.dropped == {rule: 1}
    assert found.rows == 2
    assert [taxon.name for taxon in found.taxa] == ["Puma concolor"]


def test_a_list_of_nothing_but_a_header_has_no_taxa() -> None:
    found = read("cell,taxon")
    assert (len(found.taxa), len(found.cells), len(found.records), found.rows) == (0, 0, 0, 0)


def test_broken_lines_are_left_out_and_shown() -> None:
    table = Ragged(
        "cell,taxon", f"{HERE},Panthera leo", f"{HERE},a,b", f"{HERE},Puma concolor", verified=lambda _: True
    )
    found = read_cell_list(table, "")
    assert [taxon.name for taxon in found.taxa] == ["Panthera leo", "Puma concolor"]
    assert found.broken.examples == [("list.csv", 3, "3 columns, expected 2")]


def test_parts_that_read_well_but_are_not_of_the_right_shape_are_read_carefully() -> None:
    table = Ragged("cell,taxon", f"{HERE},Panthera leo", "x", f"{HERE},Puma concolor", verified=lambda rows: rows != 3)
    found = read_cell_list(table, "")
    assert found.rows == 2
    assert found.broken.count == 1


def test_a_table_that_cannot_be_read_is_refused_by_name() -> None:
    with pytest.raises(AreaDataError, match=r"list\.csv: cannot be read as a table"):
        read("cell,taxon", f"{HERE},Panthera leo,too,many")
