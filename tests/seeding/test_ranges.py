"""Range tables: the notation, what it stands for in cells and months, and the release that comes of it."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import h3
import numpy as np
import pytest

from geoid.core.features import Flag, decode
from geoid.core.places import cells_around
from geoid.core.releases import TaxonFlag
from geoid.core.values import Coordinates, Taxon
from geoid.errors import AreaDataError
from geoid.seeding.cells import in_box, neighbours, short, whole, world
from geoid.seeding.compile import Named, release_of
from geoid.seeding.ranges import YEAR, Row, range_of, read_rows
from geoid.seeding.regions import read_regions

CHECKOUT = Path(__file__).parents[2]
RANGES = CHECKOUT / "fixtures" / "ranges"
NAIROBI, BERLIN, LONDON, SYDNEY = (-1.29, 36.82), (52.5, 13.4), (51.5, -0.1), (-33.87, 151.2)


@pytest.fixture(name="regions", scope="session")
def _regions():
    return read_regions(CHECKOUT / "fixtures/areas/regions.tsv", RANGES / "groups.txt", RANGES / "seas.txt")


def at(place) -> int:
    return short(cells_around(Coordinates(*place))[2])


def row(tokens: str, confidence: str = "high") -> Row:
    return Row("Testus testus", tuple(tokens.split()), confidence, "test", "")


def months(mask: int) -> list[int]:
    return [month for month in range(1, 13) if mask >> (month - 1) & 1]


def test_every_cell_of_resolution_3_has_16_bits_of_its_own() -> None:
    codes = world().codes
    assert len(set(codes.tolist())) == len(codes) == 41_162
    assert all(short(f"{whole(code):x}") == code and h3.is_valid_cell(f"{whole(code):x}") for code in codes[::997])


def test_neighbours_are_those_of_h3() -> None:
    code = at(NAIROBI)
    ring = {short(cell) for cell in h3.grid_disk(f"{whole(code):x}", 1)}
    assert set(neighbours()[code].tolist()) == ring


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("KE", NAIROBI, BERLIN),
        ("US-NY", (40.7, -74.0), (34.0, -118.2)),
        ("EUROPE", BERLIN, NAIROBI),
        ("AUSTRALIA", SYDNEY, (-41.3, 174.8)),
        ("@50,-5,55,5", LONDON, BERLIN),
        ("GB@51,-1,52,1", LONDON, (57.5, -4.2)),
        ("~mediterranean", (36.0, 18.0), (44.7, -1.3)),
        ("~@-10,170,10,-170", (0.0, 179.9), (0.0, 160.0)),
        ("LAND", NAIROBI, (0.0, -30.0)),
    ],
)
def test_a_region_takes_in_what_it_should(regions, text, inside, outside) -> None:
    cells = regions.cells(text)
    assert at(inside) in cells
    assert at(outside) not in cells


def test_the_sea_has_coasts_but_no_inland(regions) -> None:
    sea = regions.cells("~")
    assert at((51.2, 1.4)) in sea
    assert at((48.2, 16.4)) not in sea


def test_far_islands_are_not_their_countrys(regions) -> None:
    assert at((-46.9, 37.7)) not in regions.cells("ZA")
    assert at((-27.1, -109.4)) not in regions.cells("CL")
    assert at((4.9, -52.3)) in regions.cells("GF")
    assert at((4.9, -52.3)) not in regions.cells("FR")


def test_a_box_across_the_antimeridian_is_two_sides_of_it() -> None:
    found = in_box(-20, 175, -10, -175)
    assert at((-17.7, 178.0)) in found
    assert at((-16.0, -179.0)) in found
    assert at((-15.0, 0.0)) not in found


def test_a_box_smaller_than_a_cell_still_has_one() -> None:
    assert at((10.02, 20.02)) in in_box(10.0, 20.0, 10.05, 20.05)


def test_taking_a_region_away_leaves_the_border_to_its_neighbours(regions) -> None:
    spain = range_of(row("ES PT -PT"), regions).native
    assert np.array_equal(np.flatnonzero(spain), regions.cells("ES"))


@pytest.mark.parametrize(
    ("tokens", "expected"),
    [
        ("KE", list(range(1, 13))),
        ("m4-9:KE", [4, 5, 6, 7, 8, 9]),
        ("m11-2:KE", [1, 2, 11, 12]),
        ("m5:KE", [5]),
        ("m4-5:KE m8:KE", [4, 5, 8]),
        ("KE -AFRICA-NOT", None),
        ("m13:KE", None),
        ("m0-3:KE", None),
        ("XX", None),
        ("~nowhere", None),
        ("@1,2,3", None),
        ("@5,0,1,9", None),
        ("q:KE", None),
    ],
)
def test_months_and_mistakes(regions, tokens, expected) -> None:
    if expected is None:
        with pytest.raises(AreaDataError, match=r"^Testus testus: "):
            range_of(row(tokens), regions)
    else:
        assert months(range_of(row(tokens), regions).native[at(NAIROBI)]) == expected


def test_introduced_and_doubtful_are_kept_apart(regions) -> None:
    found = range_of(row("KE i:GB ?DE"), regions)
    assert [int(mask[at(place)]) for mask, place in zip(found, (NAIROBI, LONDON, BERLIN), strict=False)] == [YEAR] * 3
    assert found.native[at(LONDON)] == found.introduced[at(BERLIN)] == 0


@pytest.mark.parametrize(
    ("tokens", "confidence", "flags"),
    [
        ("*", "high", TaxonFlag.WORLDWIDE),
        ("domestic KE", "high", TaxonFlag.DOMESTIC),
        ("extinct", "high", TaxonFlag.DOUBTFUL),
        ("KE", "doubtful", TaxonFlag.DOUBTFUL),
        ("KE", "low", TaxonFlag(0)),
    ],
)
def test_what_holds_everywhere_is_a_flag_of_the_taxon(regions, tokens, confidence, flags) -> None:
    assert range_of(row(tokens, confidence), regions).flags == flags


@pytest.fixture(name="release", scope="session")
def _release(regions):
    def named(name: str, tokens: str) -> Named:
        lineage = {"genus": name.split(maxsplit=1)[0], "species": name}
        return Named(
            Taxon(name.lower().replace(" ", "-"), name, None, "species", lineage), range_of(row(tokens), regions)
        )

    ranges = [named("Zebra two", "KE TZ"), named("Ape one", "m4-9:DE i:GB ?KE"), named("Cow three", "domestic")]
    return release_of("test", ranges, "tests", "CC0-1.0")


def records(release, place) -> dict[str, np.void]:
    cells = [int(cell, 16) for cell in cells_around(Coordinates(*place))]
    found = next(release.cells[cell] for cell in cells if cell in release.cells)
    return {release.taxa[record["taxon"]].scientific_name: record for record in decode(found).records}


def test_taxa_are_numbered_in_the_order_of_their_keys(release) -> None:
    assert [taxon.key for taxon in release.taxa] == ["ape-one", "cow-three", "zebra-two"]


def test_records_say_month_and_kind(release) -> None:
    ape = records(release, BERLIN)["Ape one"]
    assert ape["months"].tolist() == [0, 0, 0, *[255] * 6, 0, 0, 0]
    assert ape["flags"] == Flag.RANGE | Flag.MIGRANT
    assert records(release, LONDON)["Ape one"]["flags"] == Flag.RANGE | Flag.INTRODUCED
    assert records(release, NAIROBI)["Ape one"]["flags"] == Flag.RANGE | Flag.DOUBTFUL
    assert records(release, NAIROBI)["Zebra two"]["flags"] == Flag.RANGE


def test_the_cells_around_a_range_touch_it(release, regions) -> None:
    inside = set(regions.cells("KE").tolist()) | set(regions.cells("TZ").tolist())
    ring = {int(code) for cell in inside for code in neighbours()[cell]} - inside
    touching = {
        short(f"{cell:x}")
        for cell, value in release.cells.items()
        if h3.get_resolution(f"{cell:x}") == 3
        for record in decode(value).records
        if record["taxon"] == 2 and record["flags"] & Flag.TOUCHES
    }
    assert ring >= touching
    assert len(touching) > 0.7 * len(ring)


def test_children_of_the_same_records_are_merged_into_their_parent(release) -> None:
    assert {h3.get_resolution(f"{cell:x}") for cell in release.cells} == {2, 3}
    coarse = [f"{cell:x}" for cell in release.cells if h3.get_resolution(f"{cell:x}") == 2]
    assert not {int(child, 16) for cell in coarse for child in h3.cell_to_children(cell, 3)} & set(release.cells)
    assert all(decode(release.cells[int(cell, 16)]).resolution == 2 for cell in coarse)


@pytest.mark.parametrize(
    "line",
    ["only two\tcolumns", "A b\tKE\tsure\tx\t", "A b\t\thigh\tx\t", "\tKE\thigh\tx\t", "A b\tKE\thigh\t\t"],
)
def test_a_wrong_line_is_named(tmp_path, line) -> None:
    path = tmp_path / "ranges.tsv"
    path.write_text(f"# comment\nA a\tKE\thigh\tx\t\n{line}\n", encoding="utf-8")
    with pytest.raises(AreaDataError, match="line 3"):
        list(read_rows(path))


def test_the_tables_name_every_taxon_of_the_class_table_once() -> None:
    names = [row.scientific_name for path in sorted(RANGES.glob("*.tsv")) for row in read_rows(path)]
    lines = (CHECKOUT / "models" / "imagenet-1k.tsv").read_text(encoding="utf-8").splitlines()[1:]
    wanted = {name for line in lines for name in line.split("\t")[4].split("; ") if name}
    assert sorted(names) == sorted(wanted)


def test_the_starter_pack_is_what_the_tables_say(monkeypatch) -> None:
    spec = importlib.util.spec_from_file_location("starter", CHECKOUT / "tests" / "data" / "starter.py")
    starter = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(starter)
    monkeypatch.setattr(sys, "argv", ["starter.py", str(CHECKOUT / "fixtures/areas/starter.areas"), "--check"])
    with pytest.raises(SystemExit) as end:
        starter.main()
    assert end.value.code is None
