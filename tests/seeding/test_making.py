"""From tables to a release: rules are counted, names found, sources united, and the same data is the same release."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h3
import numpy as np
import pytest

from geoid.core.evidence import match, weigh
from geoid.core.features import RECORD, Flag, decode
from geoid.core.releases import Kind, TaxonFlag
from geoid.core.values import Taxon, taxon_key
from geoid.errors import AreaDataError
from geoid.seeding import scan
from geoid.seeding.dialects import dialect_of
from geoid.seeding.making import Made, Naming, making
from geoid.seeding.names import names_of, names_report
from geoid.seeding.requests import Request
from geoid.seeding.scan import Wanted
from geoid.seeding.sources import Occurrences, Ranges, SourceTaxon
from geoid.seeding.text import TextTable, layout_of

LONDON = (51.5, -0.12)
HEADER = (
    "species speciesKey kingdom class decimalLatitude decimalLongitude coordinateUncertaintyInMeters year month "
    "occurrenceStatus basisOfRecord issue establishmentMeans gbifID"
).replace(" ", "\t")
ROBIN, LION = "Erithacus rubecula", "Panthera leo"
KNOWN = [
    Taxon(taxon_key(name), name, common, "species", {"kingdom": "Animalia", "class": group, "species": name})
    for name, common, group in (
        (ROBIN, "European robin", "Aves"),
        (LION, "lion", "Mammalia"),
        ("Canis familiaris", "dog", "Mammalia"),
    )
]
NAMES = names_of(
    KNOWN, [taxon.key for taxon in KNOWN], {"canis-familiaris": int(TaxonFlag.DOMESTIC)}, {"Leo leo": LION}
)
NAMING = Naming(NAMES.resolve, tuple(NAMES.domestic()), lambda *told: names_report(NAMES, *told))


def row(name: str = ROBIN, at: tuple = LONDON, **other: object) -> str:
    """A line of a GBIF download."""
    said = {
        "species": name,
        "kingdom": "Animalia",
        "class": "Aves",
        "decimalLatitude": at[0],
        "decimalLongitude": at[1],
        "year": 2020,
        "month": 5,
        "occurrenceStatus": "PRESENT",
        "basisOfRecord": "HUMAN_OBSERVATION",
        "gbifID": 1,
    } | other
    return "\t".join(str(said.get(column, "")) for column in HEADER.split("\t"))


def source(folder: Path, lines: list[str], name: str = "download.csv") -> Occurrences:
    """A source of such lines."""
    path = folder / name
    path.write_text("\n".join([HEADER, *lines]) + "\n", encoding="utf-8")
    table = TextTable(name, layout_of(path.read_bytes(), name), path.stat().st_size, path=path)
    dialect = dialect_of(table.schema)
    assert dialect is not None
    return Occurrences(name, dialect.kind, dialect.licence, ((table, dialect.fields),))


@contextmanager
def made(*sources: object, wanted: Wanted | None = None, **asked: object) -> Iterator[Made]:
    """The release of some sources."""
    request = Request(tuple(one.name for one in sources), **asked)
    with making(sources, NAMING, wanted or Wanted(request.since), request, lambda _: None) as found:
        yield found


def test_every_rule_is_counted_and_the_rest_is_used(tmp_path):
    lines = [
        row(),
        row(coordinateUncertaintyInMeters=150_000),
        row(occurrenceStatus="ABSENT"),
        row(""),
        row(at=("", "")),
        row(at=("fifty", "two")),
        row(at=(91, 0.5)),
        row(at=(0, 0)),
        row(issue="COORDINATE_ROUNDED;ZERO_COORDINATE"),
        row(basisOfRecord="FOSSIL_SPECIMEN"),
        row(basisOfRecord="LIVING_SPECIMEN"),
        row(year=1969),
        row(year=""),
        row(coordinateUncertaintyInMeters=200_001),
        row("Quercus robur", kingdom="Plantae"),
        row("Parus sp."),
    ]
    with made(source(tmp_path, lines)) as found:
        (told,) = found.report.sources
        assert (told.rows, told.used, told.broken) == (16, 3, 0)
        assert dict(told.dropped) == {
            "absent": 1, "above-species": 1, "no-position": 2, "out-of-range": 1, "zero-zero": 1, "flawed-position": 1,
            "not-wild": 2, "before-since": 1, "too-uncertain": 1, "no-animal": 1, "no-species-name": 1,
        }  # fmt: skip
        assert [(taxon.key, taxon.occurrences) for taxon in found.pack.taxa] == [
            ("canis-familiaris", 0),
            ("erithacus-rubecula", 3),
        ]
        assert found.report.values.cells == {2: 1, 3: 1, 4: 1, 5: 1}


def test_broken_lines_are_counted_with_file_and_line(tmp_path):
    lines = [row()] * 50 + [row() + "\tone more", row().rpartition("\t")[0]]
    with made(source(tmp_path, lines)) as found:
        (told,) = found.report.sources
        assert (told.rows, told.used, told.broken) == (50, 50, 2)
        assert [(line.file, line.line) for line in told.examples] == [("download.csv", 52), ("download.csv", 53)]


def test_a_table_that_is_mostly_broken_is_refused(tmp_path):
    lines = [row()] * 100 + ["short"] * 101
    words = r"download\.csv: 101 of 201 lines are broken, the first is line 102"
    with pytest.raises(AreaDataError, match=words), made(source(tmp_path, lines)):
        pass


def test_nothing_left_is_an_error_that_says_why(tmp_path):
    words = "nothing is left of the sources; dropped: 3 before-since"
    with pytest.raises(AreaDataError, match=words), made(source(tmp_path, [row(year=1800)] * 3)):
        pass


def test_synonyms_are_united_with_their_accepted_name(tmp_path):
    with made(source(tmp_path, [row(LION), row("Leo leo"), row("Leo leo")])) as found:
        assert [taxon.occurrences for taxon in found.pack.taxa if taxon.key == "panthera-leo"] == [3]
        assert found.report.names.matched in ({"name": 1}, {"synonym": 1})


def test_the_order_of_rows_does_not_matter_and_the_name_comes_of_the_digest(tmp_path):
    chance = random.Random(3)
    lines = [
        row(chance.choice((ROBIN, LION, "Okapia johnstoni")), (chance.uniform(-60, 60), chance.uniform(-170, 170)))
        for _ in range(500)
    ]
    with made(source(tmp_path, lines)) as first:
        chance.shuffle(lines)
        with made(source(tmp_path, lines, "again.csv")) as second:
            assert first.pack.release.digest == second.pack.release.digest
            assert second.pack.release.name == f"again-{second.pack.release.digest[:8]}"
            assert first.pack.release.kind is Kind.OCCURRENCES


def test_only_a_group_only_a_box_and_only_since_are_counted_drops(tmp_path):
    lines = [row(), row(LION, (-1.3, 36.8), **{"class": "Mammalia"}), row(at=(-1.3, 36.8), year=1999)]
    with made(source(tmp_path, lines), taxa="aves") as found:
        assert dict(found.report.sources[0].dropped) == {"outside-taxa": 1}
        assert "panthera-leo" not in {taxon.key for taxon in found.pack.taxa}
    with made(source(tmp_path, lines), wanted=Wanted(2000, (50, -1, 52, 1))) as found:
        assert dict(found.report.sources[0].dropped) == {"before-since": 1, "outside-area": 1}
    cells = np.zeros(1 << 16, bool)
    cells[int(h3.latlng_to_cell(*LONDON, 3), 16) >> 36 & 0xFFFF] = True
    with made(source(tmp_path, lines), wanted=Wanted(1970, cells=cells, ranges=cells)) as found:
        assert dict(found.report.sources[0].dropped) == {"outside-area": 2}


def test_swapped_coordinates_are_remarked(tmp_path):
    with made(source(tmp_path, [row()] * 20 + [row(at=(120.5, 30.0))] * 5)) as found:
        told = found.report.sources[0]
        assert dict(told.dropped) == {"out-of-range": 5}
        assert told.remarks == ("latitude and longitude look swapped in 5 rows",)


def value(found: Made, cell: str):
    """The features of a cell of a release."""
    return decode(dict(found.pack.rows("cells"))[int(cell, 16)])


def test_a_blurred_species_keeps_its_weight_in_a_crowded_cell(tmp_path):
    """All records of the lion are uncertain by 28 km, those of the robin are not, and there are many of them."""
    blurred = [row(LION, (LONDON[0] + 0.02, LONDON[1]), coordinateUncertaintyInMeters=28_000)] * 300
    with made(source(tmp_path, [row()] * 3000 + blurred)) as found:
        keys = ["erithacus-rubecula", "panthera-leo"]
        matched = match(keys, found.pack.taxa)
        cells = [value(found, h3.cell_to_parent(h3.latlng_to_cell(*LONDON, 5), each)) for each in range(2, 6)]
        assert keys[1] not in {found.pack.taxa[number].key for number in cells[3].records["taxon"]}
        score = weigh(cells, matched, None).scores[1]
        ignored = [one._replace(records=without_flags(one.records)) for one in cells]
        lost = weigh(ignored, matched, None).scores[1]
    assert score == pytest.approx(300 / 3000, rel=0.2)
    assert lost < score / 5


def without_flags(records: np.ndarray) -> np.ndarray:
    """The records as if none were too coarse."""
    found = records.copy()
    found["flags"] &= 255 - int(Flag.TOO_COARSE)
    return found


def ranges(cells: list[str], name: str = LION) -> Ranges:
    """A source of a range."""
    records = np.zeros(len(cells), RECORD)
    records["year"], records["months"], records["flags"] = 255, 255, int(Flag.RANGE)
    indexes = np.array([int(cell, 16) for cell in cells], np.uint64)
    return Ranges("list.csv", "cell-list", "CC0", [SourceTaxon(name)], indexes, records, len(cells))


def test_occurrences_and_ranges_make_a_mixed_release(tmp_path):
    here = h3.latlng_to_cell(*LONDON, 3)
    with made(source(tmp_path, [row(LION)] * 3), ranges([here, h3.grid_ring(here, 3)[0]])) as found:
        assert found.pack.release.kind is Kind.MIXED
        records = value(found, here).records
        assert [int(flags) & int(Flag.RANGE) for flags in records["flags"]] == [0, int(Flag.RANGE)]
        assert found.pack.meta["licences"].endswith("; CC0")
    with made(ranges([here])) as found:
        assert found.pack.release.kind is Kind.RANGES
        assert found.report.sources[0].used == 1


def test_progress_is_told_while_a_file_is_read_and_ends_at_its_size(tmp_path, monkeypatch):
    monkeypatch.setattr(scan, "BATCH", 1000)
    told: list = []
    lines = [row()] * 200_000
    one = source(tmp_path, lines)
    with making([one], NAMING, Wanted(1970), Request(("x",)), told.append):
        pass
    reading = [moment for moment in told if moment.stage == "reading"]
    done = [moment.done for moment in reading]
    assert done == sorted(done)
    assert done[-1] == reading[-1].total == (tmp_path / "download.csv").stat().st_size
    assert any(0 < part < done[-1] for part in done)
    assert (reading[-1].rows, told[-1].stage, told[-1].done) == (200_000, "counting", told[-1].total)
