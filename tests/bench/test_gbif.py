"""The files that the benchmark of seeding is about: the same rows in every form, and as flawed as real ones."""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ET
import zipfile
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from geoid import packaged

sys.path.insert(0, str(Path(__file__).parent))  # benches are scripts beside each other, not a package
from gbif import write
from gbif_rows import COLUMNS, ISSUES, LISTS, rows
from gbif_world import SPECIES, make_world

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("gbif")]
SEED, COUNT = 1, 2_000


@pytest.fixture(name="world", scope="module")
def _world():
    return make_world(SEED)


@pytest.fixture(name="chunk", scope="module")
def _chunk(world):
    return rows(world, SEED, 0)


@pytest.fixture(name="made", scope="module")
def _made(world, tmp_path_factory):
    folder = tmp_path_factory.mktemp("gbif")
    for form in ("csv", "zip", "parquet", "darwin-core"):
        write(form, folder / form, COUNT, SEED, world)
    return folder


def read(text: bytes) -> pl.DataFrame:
    return pl.read_csv(text, separator="\t", quote_char=None, infer_schema=False)


def member(path: Path, name: str) -> bytes:
    with zipfile.ZipFile(path) as archive:
        return archive.read(name)


def test_text_has_the_fifty_columns_of_gbif_in_each_line_and_no_quotes(made):
    lines = (made / "csv").read_text(encoding="utf-8").splitlines()
    assert lines[0].split("\t") == COLUMNS
    assert len(COLUMNS) == 50
    assert len(lines) == COUNT + 1
    assert {line.count("\t") for line in lines} == {49}
    assert not any('"' in line for line in lines)


def test_rows_are_of_the_size_of_gbifs(made):
    assert 520 < (made / "csv").stat().st_size / COUNT < 620


def test_a_zip_holds_the_same_text(made):
    assert member(made / "zip", "zip.csv") == (made / "csv").read_bytes()


def test_parquet_holds_the_same_rows_typed_and_in_lower_case(made):
    expected = read((made / "csv").read_bytes())
    found = pl.read_parquet(made / "parquet/*")
    assert found.columns == [column.lower() for column in COLUMNS]
    types = {"gbifid": pl.Int64, "decimallatitude": pl.Float64, "year": pl.Int32, "eventdate": pl.String}
    assert {name: found.schema[name] for name in types} == types
    assert all(found.schema[name.lower()] == pl.List(pl.String) for name in LISTS)
    joined = found.with_columns(pl.col(name.lower()).list.join(";").replace("", None) for name in LISTS)
    typed = expected.rename(str.lower).cast(dict(joined.schema))
    assert joined.equals(typed)


def test_an_archive_holds_the_same_rows_under_the_terms_of_its_description(made):
    text = read(member(made / "darwin-core", "occurrence.txt"))
    terms = ET.fromstring(member(made / "darwin-core", "meta.xml")).iter("{http://rs.tdwg.org/dwc/text/}field")
    assert [term.get("term").rpartition("/")[2] for term in terms] == text.columns
    assert text.equals(read((made / "csv").read_bytes()).select(text.columns))


def test_a_short_file_is_the_beginning_of_a_longer_one(world, made, tmp_path):
    write("csv", tmp_path / "short", COUNT // 2, SEED, world)
    assert (made / "csv").read_bytes().startswith((tmp_path / "short").read_bytes())


def test_a_seed_makes_the_same_world_again(world):
    again = make_world(SEED)
    assert again.species.names.equals(world.species.names)
    assert np.array_equal(again.inhabitants.weights, world.inhabitants.weights)


def test_the_species_of_the_table_of_taxa_are_among_the_names_with_their_lineage(world):
    names = dict(world.species.names.head(SPECIES).select("species", "family").iter_rows())
    lines = (packaged.folder("models") / "taxa.tsv").read_text(encoding="utf-8").splitlines()
    table = [line.split("\t")[:2] for line in lines[1:]]
    assert {name for name, rank in table if rank == "species"} <= names.keys()
    assert len(names) == SPECIES
    assert names["Araneus diadematus"] == "Araneidae"


def test_a_place_has_some_hundred_species(world):
    sizes = np.diff(world.inhabitants.starts)
    assert sizes.min() > 50
    assert 200 < np.median(sizes) < 1_000


@pytest.mark.parametrize(
    ("flaw", "low", "high"),
    [
        (pl.col("species").is_null(), 0.005, 0.015),
        (pl.col("occurrenceStatus") == "ABSENT", 0.005, 0.015),
        (pl.col("decimalLatitude").is_null(), 0.005, 0.015),
        ((pl.col("decimalLatitude").abs() > 90) | (pl.col("decimalLongitude").abs() > 180), 0.005, 0.015),
        ((pl.col("decimalLatitude").abs() <= 0.01) & (pl.col("decimalLongitude").abs() <= 0.01), 0.005, 0.02),
        (pl.col("basisOfRecord") == "FOSSIL_SPECIMEN", 0.005, 0.015),
        (pl.col("issue").is_in(ISSUES[5:]), 0.005, 0.015),
        (pl.col("year") < 1970, 0.04, 0.06),
        (pl.col("month").is_null(), 0.02, 0.05),
        (pl.col("coordinateUncertaintyInMeters").is_null(), 0.25, 0.35),
        (pl.col("coordinateUncertaintyInMeters").is_in([301.0, 3036.0, 999.0, 9999.0]), 0.005, 0.02),
        (pl.col("coordinateUncertaintyInMeters") >= 28_000, 0.02, 0.08),
        (pl.col("coordinateUncertaintyInMeters") > 200_000, 0.0, 0.005),
        (pl.col("establishmentMeans") == "INTRODUCED", 0.0005, 0.02),
        (pl.col("taxonRank") == "SUBSPECIES", 0.02, 0.04),
    ],
)
def test_as_many_records_are_flawed_as_in_life(chunk, flaw, low, high):
    assert low < chunk.select(flaw.fill_null(value=False).mean()).item() < high


def test_a_threatened_species_is_always_blurred(world, chunk):
    names = world.species.names["species"].head(SPECIES).filter(pl.Series(world.species.blurred))
    exact = chunk.filter(pl.col("species").is_in(names.implode()) & (pl.col("coordinateUncertaintyInMeters") < 28_000))
    assert exact.is_empty()
    assert not chunk.filter(pl.col("species").is_in(names.implode())).is_empty()
