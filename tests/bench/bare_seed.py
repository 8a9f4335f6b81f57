"""The bare side of `seed.py`, a process of its own: Polars counts a file's records, psycopg copies a release's bytes.

Usage: python bare_seed.py FILE [URL FOLDER]. What geoid does besides (four resolutions, names, weights, packing,
reports) is left out; what is here no seeding can do without. FOLDER holds a release as binary COPY, a file for each
of its tables in the schema `geoid`, under the table's name; without it there is the count only. A zip is inflated
into a file first. Writes the seconds of each step and the size of the count as JSON.
"""

from __future__ import annotations

import json
import struct
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import polars_h3
import psycopg
from isal import isal_zlib
from psycopg import sql

from geoid.core.releases import TABLES

SLICE = 1 << 20
SINCE, BLURRIEST, NEAR_ZERO, RESOLUTION = 1970, 200_000, 0.01, 5
GEOSPATIAL = (
    *("ZERO_COORDINATE", "COORDINATE_OUT_OF_RANGE", "COORDINATE_INVALID", "COUNTRY_COORDINATE_MISMATCH"),
    *("PRESUMED_SWAPPED_COORDINATE", "PRESUMED_NEGATED_LATITUDE", "PRESUMED_NEGATED_LONGITUDE"),
)
ELSEWHERE = ("FOSSIL_SPECIMEN", "LIVING_SPECIMEN")
COLUMNS = (
    *("species", "occurrenceStatus", "basisOfRecord", "issue", "decimalLatitude", "decimalLongitude"),
    *("coordinateUncertaintyInMeters", "year", "month"),
)
KEYS = {
    "cells": "PRIMARY KEY (cell)",
    "overflow": "PRIMARY KEY (cell)",
    "taxa": "PRIMARY KEY (number), ADD UNIQUE (key)",
}
CREATE = "CREATE TABLE {} (LIKE {} INCLUDING STORAGE INCLUDING DEFAULTS) WITH (toast_tuple_target = 8160)"
"""With the storage of geoid's own partitions, so that both sides write the same pages."""

LOCAL_HEADER = struct.Struct("<26xHH")
"""Of a member of a zip: the lengths of its name and of what stands between that and its data."""


def counts(path: Path) -> pl.LazyFrame:
    """How many records each cell of resolution 5, species and month has, of those that cleaning keeps."""
    if path.is_dir():
        frame = pl.scan_parquet(f"{path}/*").select(pl.col(name.lower()).alias(name) for name in COLUMNS)
        doubted = pl.any_horizontal(*(pl.col("issue").list.contains(issue) for issue in GEOSPATIAL))
    else:
        frame = pl.scan_csv(path, separator="\t", quote_char=None, infer_schema=False).select(COLUMNS)
        doubted = pl.col("issue").str.contains("|".join(GEOSPATIAL))
    latitude, longitude, uncertainty = (pl.col(name).cast(pl.Float64, strict=False) for name in COLUMNS[4:7])
    typed = frame.select(
        "species",
        pl.col("month").cast(pl.Int8, strict=False),
        latitude=latitude,
        longitude=longitude,
        exact=uncertainty.fill_null(0) <= BLURRIEST,
        recent=pl.col("year").cast(pl.Int32, strict=False).fill_null(SINCE) >= SINCE,
        fine=(pl.col("occurrenceStatus") != "ABSENT")
        & ~pl.col("basisOfRecord").is_in(ELSEWHERE)
        & ~doubted.fill_null(value=False),
    )
    at_zero = (pl.col("latitude").abs() <= NEAR_ZERO) & (pl.col("longitude").abs() <= NEAR_ZERO)
    inside = pl.col("latitude").is_between(-90, 90) & pl.col("longitude").is_between(-180, 180) & ~at_zero
    kept = typed.filter(pl.col("species").is_not_null() & pl.all_horizontal("fine", "recent", "exact") & inside)
    cell = polars_h3.latlng_to_cell("latitude", "longitude", RESOLUTION).alias("cell")
    return kept.with_columns(cell).group_by("cell", "species", "month").len()


@contextmanager
def plain(path: Path) -> Iterator[Path]:
    """The file itself or, of a zip, a file with what its largest member holds."""
    if path.is_dir() or not zipfile.is_zipfile(path):
        yield path
        return
    with tempfile.NamedTemporaryFile(dir=path.parent) as out, path.open("rb") as data, zipfile.ZipFile(path) as archive:
        member = max(archive.infolist(), key=lambda one: one.file_size)
        data.seek(member.header_offset)
        data.seek(sum(LOCAL_HEADER.unpack(data.read(LOCAL_HEADER.size))), 1)
        inflating = isal_zlib.decompressobj(-15)
        while not inflating.eof:
            out.write(inflating.decompress(data.read(SLICE)))
        out.flush()
        yield Path(out.name)


def copy(url: str, folder: Path) -> int:
    """Make new tables like those of a release, fill them and add their keys in one transaction; the bytes copied."""
    with psycopg.connect(url) as database:
        for path in folder.iterdir():
            table = path.name.partition("_")[0]
            columns = sql.SQL(", ").join(map(sql.Identifier, TABLES[table]))
            new, old = sql.Identifier(path.name), sql.Identifier("geoid", path.name)
            database.execute(sql.SQL(CREATE).format(new, old))
            query = sql.SQL("COPY {} ({}) FROM STDIN WITH (FORMAT binary, FREEZE)").format(new, columns)
            with path.open("rb") as data, database.cursor() as cursor, cursor.copy(query) as pipe:
                while piece := data.read(SLICE):
                    pipe.write(piece)
            database.execute(sql.SQL("ALTER TABLE {} ADD {}").format(new, sql.SQL(KEYS[table])))
    return sum(path.stat().st_size for path in folder.iterdir())


def timed(work: Callable[[], object]) -> tuple[float, object]:
    """Seconds, and what came out."""
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def main() -> None:
    """Do both."""
    path, *rest = sys.argv[1:]

    def count() -> tuple[int, int]:
        with plain(Path(path)) as file:
            found = counts(file).collect(engine="streaming")
        return found.height, found["species"].n_unique()

    spent, (height, species) = timed(count)
    said = {"query": spent, "height": height, "species": species}
    if rest:
        said["copy"], said["bytes"] = timed(lambda: copy(rest[0], Path(rest[1])))
    json.dump(said, sys.stdout)


if __name__ == "__main__":
    main()
