"""From the files that people hold to answers: each kind of source through the real parts, and the release asked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import h3
import polars as pl
import pytest

from geoid.adapters.sqlite import AreaPack
from geoid.core.releases import Kind

GEOID = Path(sys.executable).with_name("geoid")
NAIROBI, LONDON = (-1.29, 36.82), (51.5, -0.12)
COLUMNS = [
    "gbifID",
    "kingdom",
    "phylum",
    "class",
    "order",
    "family",
    "genus",
    "species",
    "taxonRank",
    "occurrenceStatus",
    "decimalLatitude",
    "decimalLongitude",
    "coordinateUncertaintyInMeters",
    "eventDate",
    "month",
    "year",
    "speciesKey",
    "basisOfRecord",
    "establishmentMeans",
    "lastInterpreted",
    "issue",
]
LION = ("Animalia", "Chordata", "Mammalia", "Carnivora", "Felidae", "Panthera", "Panthera leo")
ROBIN = ("Animalia", "Chordata", "Aves", "Passeriformes", "Muscicapidae", "Erithacus", "Erithacus rubecula")
OKAPI = ("Animalia", "Chordata", "Mammalia", "Artiodactyla", "Giraffidae", "Okapia", "Okapia johnstoni")


def gbif(number: int) -> dict[str, str]:
    """A record of a GBIF download."""
    lineage = (LION, ROBIN, OKAPI)[number % 3]
    latitude, longitude = (NAIROBI, LONDON, (1.4, 28.5))[number % 3]
    said = dict(zip(COLUMNS[1:8], lineage, strict=True)) | {
        "gbifID": str(number),
        "taxonRank": "SPECIES",
        "occurrenceStatus": "PRESENT" if number % 17 else "ABSENT",
        "decimalLatitude": str(latitude + number % 7 / 50),
        "decimalLongitude": str(longitude),
        "coordinateUncertaintyInMeters": ("", "30", "28000.0")[number % 5 % 3],
        "month": str(number % 13 or ""),
        "year": "2020",
        "speciesKey": str(5_219_404 + number % 3),
        "basisOfRecord": "HUMAN_OBSERVATION",
        "establishmentMeans": "INTRODUCED" if number % 11 == 0 else "",
        "lastInterpreted": "2024-11-10",
        "issue": "ZERO_COORDINATE;COORDINATE_ROUNDED" if number % 13 == 5 else "",
    }
    return {column: said.get(column, "") for column in COLUMNS}


RECORDS = [gbif(number) for number in range(600)]


def text_of(records: list[dict[str, str]]) -> str:
    """A tab-separated table of records."""
    lines = ["\t".join(COLUMNS), *("\t".join(record.values()) for record in records)]
    return "\n".join(lines) + "\n"


@pytest.fixture(name="seed")
def fixture_seed(tmp_path):
    """Runs `geoid seed … --to x.areas --json` in a folder of its own; gives the report and the pack."""

    def run(*arguments: object, code: int = 0):
        environment = os.environ | {"XDG_DATA_HOME": str(tmp_path / "data")}
        command = [GEOID, "seed", *map(str, arguments), "--to", "x.areas", "--json"]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stderr
        if code:
            return done.stderr
        return json.loads(done.stdout), AreaPack(tmp_path / "x.areas")

    return run


def test_a_gbif_download_gives_the_same_release_in_each_of_its_forms(seed, tmp_path):
    (tmp_path / "gbif.csv").write_text(text_of(RECORDS))
    with zipfile.ZipFile(tmp_path / "gbif.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("0001234-gbif.csv", text_of(RECORDS))
    frame = pl.DataFrame(RECORDS).rename(str.lower)
    folder = tmp_path / "occurrence.parquet"
    folder.mkdir()
    typed = frame.with_columns(
        pl.col("decimallatitude", "decimallongitude", "coordinateuncertaintyinmeters").cast(pl.Float64, strict=False),
        pl.col("month", "year").cast(pl.Int32, strict=False),
        pl.when(pl.col("issue") == "").then([]).otherwise(pl.col("issue").str.split(";")).alias("issue"),
        pl.when(pl.col("establishmentmeans") != "").then(pl.col("establishmentmeans")).alias("establishmentmeans"),
    )
    typed.head(250).write_parquet(folder / "000001")
    typed.tail(350).write_parquet(folder / "000002")
    terms = "".join(
        f'<field index="{place}" term="http://rs.tdwg.org/dwc/terms/{column}"/>' for place, column in enumerate(COLUMNS)
    )
    meta = (
        '<archive xmlns="http://rs.tdwg.org/dwc/text/"><core encoding="UTF-8" fieldsTerminatedBy="\\t" '
        'linesTerminatedBy="\\n" fieldsEnclosedBy="" ignoreHeaderLines="1" '
        'rowType="http://rs.tdwg.org/dwc/terms/Occurrence"><files><location>occurrence.txt</location></files>'
        f'<id index="0"/>{terms}</core></archive>'
    )
    with zipfile.ZipFile(tmp_path / "dwca.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("meta.xml", meta)
        archive.writestr("occurrence.txt", text_of(RECORDS))
    reports = [seed(form)[0] for form in ("gbif.csv", "gbif.zip", "occurrence.parquet", "dwca.zip")]
    assert len({report["digest"] for report in reports}) == 1
    assert len({json.dumps(report["sources"][0]["dropped"], sort_keys=True) for report in reports}) == 1
    assert [report["sources"][0]["kind"] for report in reports] == [
        "gbif-csv",
        "gbif-csv",
        "gbif-parquet",
        "darwin-core-archive",
    ]


def test_a_seeded_pack_says_what_occurs_and_ranks_photos(seed, tmp_path):
    (tmp_path / "gbif.csv").write_text(text_of(RECORDS))
    report, pack = seed("gbif.csv")
    assert (pack.release.kind, report["sources"][0]["rows"]) == (Kind.OCCURRENCES, 600)
    assert report["sources"][0]["used"] == 600 - sum(report["sources"][0]["dropped"].values())
    command = [GEOID, "species", "--areas", "x.areas", "--at", "-1.29,36.82", "--json"]
    found = json.loads(subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout)
    assert [one["scientific_name"] for one in found["included"]][:1] == ["Panthera leo"]
    assert found["coverage"]["density"] > 0


def test_several_sources_are_united_and_the_starter_is_one(seed, tmp_path):
    (tmp_path / "gbif.csv").write_text(text_of(RECORDS))
    cell = h3.latlng_to_cell(*LONDON, 4)
    (tmp_path / "cells.csv").write_text(f"cell,taxon,month\n{cell},Panthera leo,5\nnonsense,Panthera leo,5\n")
    (tmp_path / "countries.csv").write_text("country,taxon\nKEN,Okapia johnstoni\nAtlantis,Okapia johnstoni\n")
    report, pack = seed("gbif.csv", "cells.csv", "countries.csv", "starter")
    assert pack.release.kind is Kind.MIXED
    dropped = {one["name"]: one["dropped"] for one in report["sources"]}
    assert dropped["cells.csv"] == {"no-such-cell": 1}
    assert dropped["countries.csv"] == {"no-such-region": 1}
    assert {"okapia-johnstoni", "panthera-leo"} <= {one.key for one in pack.taxa(pack.release)}
    assert len(pack.taxa(pack.release)) > 1_424


def test_a_pack_alone_is_what_it_was_and_a_pack_built_anew_has_the_same_digest(seed, tmp_path):
    (tmp_path / "gbif.csv").write_text(text_of(RECORDS))
    first, _ = seed("gbif.csv")
    (tmp_path / "x.areas").rename(tmp_path / "first.areas")
    again, pack = seed("first.areas")
    assert (again["digest"], pack.release.name) == (first["digest"], first["release"])


def test_a_broken_limit_writes_nothing(seed, tmp_path):
    (tmp_path / "gbif.csv").write_text(text_of(RECORDS))
    said = seed("gbif.csv", "--fail-if", "absent>1%", code=99)
    assert "absent" in said
    assert not (tmp_path / "x.areas").exists()


def test_a_list_of_names_is_of_the_area_that_is_given(seed, tmp_path):
    (tmp_path / "names.csv").write_text("scientific_name,common_name\nPanthera leo,lion\nOkapia johnstoni,okapi\n")
    _, pack = seed("names.csv", "--area", "KE")
    assert pack.release.kind is Kind.RANGES
    assert {one.key for one in pack.taxa(pack.release)} >= {"panthera-leo", "okapia-johnstoni"}
