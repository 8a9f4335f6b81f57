"""iNaturalist: exports with any choice of columns, and the open data with its table of taxa."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import polars as pl
import pytest

from geoid.errors import AreaDataError
from geoid.seeding.dialects import dialect_of, is_table, lacking
from geoid.seeding.inaturalist import is_observations, is_taxa, joined
from geoid.seeding.rules import ruled, rules_of, uncertainty_class
from geoid.seeding.sources import Broken, Part

RECORD = {
    "id": "1", "observed_on": "2020-05-21", "quality_grade": "research", "license": "CC-BY-NC",
    "latitude": "-1.5", "longitude": "36.75", "positional_accuracy": "12", "public_positional_accuracy": "12",
    "geoprivacy": None, "taxon_geoprivacy": None, "coordinates_obscured": "false", "captive_cultivated": "false",
    "scientific_name": "Panthera leo", "common_name": "Lion", "iconic_taxon_name": "Mammalia", "taxon_id": "41964",
    "taxon_kingdom_name": "Animalia", "taxon_class_name": "Mammalia", "taxon_genus_name": "Panthera",
    "taxon_species_name": "Panthera leo",
}  # fmt: skip


def said(frame) -> list[dict[str, object]]:
    dialect = dialect_of(frame.collect_schema())
    assert dialect is not None
    assert dialect.kind == "inaturalist"
    assert dialect.licence.startswith("per record")
    fields = dialect.fields
    given = {name: told for name, told in fields._asdict().items() if isinstance(told, pl.Expr)} | fields.lineage
    found = frame.select(
        *(told.alias(name) for name, told in given.items()),
        ruled(fields, 1970, None).alias("rule"),
        uncertainty_class(fields).alias("finest"),
    ).collect(engine="streaming")
    rules = ("used", *rules_of(fields))
    return [row | {"rule": rules[row["rule"]]} for row in found.to_dicts()]


def one(row, without=()) -> dict[str, object]:
    kept = {name: value for name, value in (RECORD | row).items() if name not in without}
    return said(pl.LazyFrame([kept], schema=dict.fromkeys(kept, pl.String)))[0]


def test_fields_are_what_they_should_be() -> None:
    assert one({}) == {
        "name": "Panthera leo", "key": "41964", "common_name": "Lion", "latitude": -1.5, "longitude": 36.75,
        "uncertainty": 12.0, "year": 2020, "month": 5, "captive": False, "rule": "used", "finest": 5,
        "kingdom": "Animalia", "class": "Mammalia", "genus": "Panthera",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("scientific", "species", "name", "key"),
    [
        ("Panthera leo leo", "Panthera leo", "Panthera leo", None),
        ("Panthera", None, None, None),
        ("Lithobates pipiens", None, None, None),
        ("Anas × platyrhynchos", None, None, None),
    ],
)
def test_the_species_column_decides(scientific, species, name, key) -> None:
    found = one({"scientific_name": scientific, "taxon_species_name": species})
    assert (found["name"], found["key"], found["common_name"]) == (name, key, key)


@pytest.mark.parametrize(
    ("scientific", "name"),
    [("Panthera leo leo", "Panthera leo"), ("Panthera", None), ("Anas × platyrhynchos", None)],
)
def test_without_it_the_scientific_name_does(scientific, name) -> None:
    without = ["taxon_species_name", "taxon_class_name", "taxon_kingdom_name", "taxon_genus_name"]
    found = one({"scientific_name": scientific}, without)
    assert (found["name"], found["class"]) == (name, "Mammalia")
    assert one({"iconic_taxon_name": "Mollusca"}, without)["class"] is None


@pytest.mark.parametrize(
    ("row", "metres", "finest"),
    [
        ({"public_positional_accuracy": "28500", "positional_accuracy": "5"}, 28_500.0, 4),
        ({"public_positional_accuracy": None, "positional_accuracy": "50"}, 50.0, 5),
        ({"public_positional_accuracy": None, "positional_accuracy": None}, None, 5),
        (
            {"public_positional_accuracy": None, "positional_accuracy": None, "coordinates_obscured": "true"},
            28_000.0,
            4,
        ),
        ({"public_positional_accuracy": None, "coordinates_obscured": "true"}, 28_000.0, 4),
        (
            {"public_positional_accuracy": None, "positional_accuracy": "40000", "coordinates_obscured": "true"},
            40_000.0,
            3,
        ),
        ({"public_positional_accuracy": None, "geoprivacy": "obscured"}, 28_000.0, 4),
        ({"public_positional_accuracy": None, "taxon_geoprivacy": "obscured"}, 28_000.0, 4),
        ({"public_positional_accuracy": None, "taxon_geoprivacy": "open"}, 12.0, 5),
    ],
)
def test_an_obscured_position_is_as_uncertain_as_it_was_made(row, metres, finest) -> None:
    found = one(row)
    assert (found["uncertainty"], found["finest"]) == (metres, finest)


def test_obscured_without_any_column_of_accuracy() -> None:
    without = ["public_positional_accuracy", "positional_accuracy"]
    assert one({"coordinates_obscured": "true"}, without)["uncertainty"] == 28_000.0
    assert one({}, without)["uncertainty"] is None


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        ({"quality_grade": "casual"}, "casual-grade"),
        ({"quality_grade": "needs_id"}, "used"),
        ({"captive_cultivated": "true", "quality_grade": "casual"}, "not-wild"),
        ({"latitude": None, "longitude": None}, "no-position"),
    ],
)
def test_rows_are_dropped_for_their_own_reasons(row, rule) -> None:
    assert one(row)["rule"] == rule


class Text:
    """A table of text in two parts, the last of which is read carefully if it is `broken`."""

    def __init__(self, name: str, lines: str, broken: bool = False) -> None:
        self.name, self.broken = name, Broken()
        header, *self._rows = lines.strip().split("\n")
        self.columns, self.size = header.split(","), len(lines)
        self._spoilt = broken

    def _part(self, rows: list[str], careful: Callable[[], Iterator[Part]] | None = None) -> Part:
        frame = pl.scan_csv("\n".join((",".join(self.columns), *rows)).encode(), infer_schema=False)
        return Part(frame, 10, verified=lambda _: careful is None, careful=careful)

    def _mended(self) -> Iterator[Part]:
        self.broken.note(self.name, 2, "too short")
        yield self._part(self._rows[1:])

    def parts(self) -> Iterator[Part]:
        yield self._part(self._rows[:1])
        yield self._part(self._rows[1:], self._mended if self._spoilt else None)


TAXA = """
taxon_id,ancestry,rank_level,rank,name,active
1,48460,70,kingdom,Animalia,true
2,48460/1,60,phylum,Chordata,true
40151,48460/1/2/355675,50,class,Mammalia,true
41944,48460/1/2/355675/40151,20,genus,Panthera,true
41964,48460/1/2/355675/40151/41944,10,species,Panthera leo,true
155087,48460/1/2/355675/40151/41944/41964,5,subspecies,Panthera leo leo,true
"""
OBSERVATIONS = """
observation_uuid,observer_id,latitude,longitude,positional_accuracy,taxon_id,quality_grade,observed_on
a,1,-1.5,36.75,10,155087,research,2020-05-21
b,1,-1.5,36.75,,41964,needs_id,2020-05-22
c,1,-1.5,36.75,,41944,casual,
d,1,-1.5,36.75,,99,research,2020-05-21
e,1,-1.5,36.75,,,casual,2020-05-21
"""


@pytest.mark.parametrize("broken", [False, True])
def test_open_data_is_joined_with_its_taxa(broken) -> None:
    taxa = Text("taxa.csv", TAXA, broken=broken)
    table = joined(Text("observations.csv", OBSERVATIONS, broken=broken), taxa)
    assert (table.name, table.size) == ("observations.csv", len(OBSERVATIONS))
    first, second = table.parts()
    second = second if second.careful is None else next(second.careful())
    for part in (first, second):
        assert part.frame.collect_schema().names() == list(table.columns)
        assert dialect_of(part.frame.collect_schema()).kind == "inaturalist"
    (lion,), others = said(first.frame), said(second.frame.sort("observation_uuid"))
    assert lion == {
        "name": "Panthera leo", "key": "41964", "latitude": -1.5, "longitude": 36.75, "uncertainty": 10.0,
        "year": 2020, "month": 5, "rule": "used", "finest": 5,
        "kingdom": "Animalia", "phylum": "Chordata", "class": "Mammalia", "genus": "Panthera",
        "order": None, "family": None,
    }  # fmt: skip
    assert [(row["name"], row["key"], row["rule"]) for row in others] == [
        ("Panthera leo", "41964", "used"), *[(None, None, "above-species")] * 3,
    ]  # fmt: skip
    assert table.broken.count == (2 if broken else 0)
    assert {line.file for line in table.broken.examples} == ({"observations.csv", "taxa.csv"} if broken else set())


def test_open_data_without_taxa_says_what_to_do() -> None:
    with pytest.raises(AreaDataError, match=r"^observations\.csv: names its taxa by number, and there is no taxa") as e:
        joined(Text("observations.csv", OBSERVATIONS), None)
    assert "taxa.csv" in e.value.hint


def test_taxa_that_are_no_table_are_refused() -> None:
    taxa = Text("taxa.csv", "taxon_id,ancestry,rank,name\n1,2,3,4\n1,2,3,4,5,6")
    with pytest.raises(AreaDataError, match=r"^taxa\.csv: cannot be read as a table: "):
        next(joined(Text("observations.csv", OBSERVATIONS), taxa).parts())


def test_tables_of_the_open_data_are_known_by_their_columns() -> None:
    observations, taxa = (lines.strip().split("\n")[0].split(",") for lines in (OBSERVATIONS, TAXA))
    assert is_observations(observations)
    assert is_table(observations)
    assert is_taxa(taxa)
    assert not is_taxa(observations)
    assert not is_table(taxa)
    assert dialect_of(dict.fromkeys(observations, pl.String())) is None
    assert lacking(observations).startswith("has latitude and longitude but no scientific_name; ")
