"""Makes files as GBIF sends them: SIMPLE_CSV (plain or in a zip), SIMPLE_PARQUET and a Darwin Core archive.

Usage: python gbif.py --rows 10_000_000 --seed 1 --form csv|zip|parquet|darwin-core OUT

The same rows in every form, the same on every run; a file of fewer rows is the beginning of one of more. About 570
bytes a row. Text is as GBIF's: tabs, no quotes, no escapes, one header. Parquet is a folder of parts without suffixes,
its columns in lower case, typed, lists where text has semicolons.
"""

from __future__ import annotations

import argparse
import io
import os
import zipfile
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path

import polars as pl
from gbif_rows import CHUNK, COLUMNS, LISTS, rows
from gbif_world import World, make_world

FORMS = ("csv", "zip", "parquet", "darwin-core")
AHEAD = 2
"""Chunks in the making while one is written."""

KEPT = 2
"""Chunks in a part of Parquet."""

DWC, GBIF = "http://rs.tdwg.org/dwc/terms/", "http://rs.gbif.org/terms/1.0/"
OF_GBIF = {"gbifID", "datasetKey", "species", "taxonKey", "speciesKey", "lastInterpreted", "mediaType", "issue"}
ARCHIVED = [
    *("gbifID", "license", "rightsHolder", "institutionCode", "collectionCode", "basisOfRecord", "occurrenceID"),
    *("catalogNumber", "recordedBy", "individualCount", "establishmentMeans", "occurrenceStatus", "eventDate", "year"),
    *("month", "day", "countryCode", "stateProvince", "locality", "decimalLatitude", "decimalLongitude"),
    *("coordinateUncertaintyInMeters", "identifiedBy", "scientificName", "kingdom", "phylum", "class", "order"),
    *("family", "genus", "infraspecificEpithet", "taxonRank", "datasetKey", "lastInterpreted", "issue", "mediaType"),
    *("taxonKey", "speciesKey", "species"),
]
"""The columns of an archive's `occurrence.txt`, in GBIF's order: what is interpreted, then what only GBIF has."""

META = """<?xml version="1.0" encoding="UTF-8"?>
<archive xmlns="http://rs.tdwg.org/dwc/text/" metadata="eml.xml">
  <core encoding="UTF-8" linesTerminatedBy="\\n" fieldsTerminatedBy="\\t" fieldsEnclosedBy="" ignoreHeaderLines="1" \
rowType="http://rs.tdwg.org/dwc/terms/Occurrence">
    <files><location>occurrence.txt</location></files>
    <id index="0"/>
{fields}
  </core>
</archive>
"""
EML = """<?xml version="1.0" encoding="UTF-8"?>
<eml:eml xmlns:eml="eml://ecoinformatics.org/eml-2.1.1" packageId="made-up" system="GBIF" xml:lang="en">
  <dataset>
    <title>Made-up occurrences in the shape of a GBIF download</title>
    <intellectualRights><para>CC0 1.0</para></intellectualRights>
  </dataset>
</eml:eml>
"""


def write(form: str, out: Path, count: int, seed: int, world: World | None = None) -> None:
    """Write a file, or a folder of Parquet, whole or not at all."""
    being_made = out.with_name(f"{out.name}.part")
    tables = chunks(world or make_world(seed), seed, count)
    if form == "csv":
        with being_made.open("wb") as file:
            file.writelines(text(tables, COLUMNS))
    elif form == "parquet":
        _write_parquet(being_made, tables)
    else:
        _write_zip(being_made, form, out.stem, tables)
    os.replace(being_made, out)


def chunks(world: World, seed: int, count: int) -> Iterator[pl.DataFrame]:
    """All rows, a few chunks of them ahead."""
    sizes = [min(CHUNK, count - start) for start in range(0, count, CHUNK)]
    return _ahead(partial(rows, world, seed, number, size) for number, size in enumerate(sizes))


def text(tables: Iterable[pl.DataFrame], columns: Sequence[str]) -> Iterator[bytes]:
    """The lines of a table, the header first."""
    yield "\t".join(columns).encode() + b"\n"
    for table in tables:
        lines = io.BytesIO()
        table.select(columns).write_csv(lines, separator="\t", quote_style="never", include_header=False)
        yield lines.getvalue()


def _ahead(works: Iterable[partial[pl.DataFrame]]) -> Iterator[pl.DataFrame]:
    """The results in their order."""
    with ThreadPoolExecutor(AHEAD) as pool:
        waiting: deque[Future[pl.DataFrame]] = deque()
        for work in works:
            waiting.append(pool.submit(work))
            if len(waiting) > AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _write_zip(out: Path, form: str, name: str, tables: Iterable[pl.DataFrame]) -> None:
    member, columns = ("occurrence.txt", ARCHIVED) if form == "darwin-core" else (f"{name}.csv", COLUMNS)
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        if form == "darwin-core":
            fields = "\n".join(map(_field, range(len(columns)), columns))
            archive.writestr(_member("meta.xml"), META.format(fields=fields))
            archive.writestr(_member("eml.xml"), EML)
        with archive.open(_member(member), "w", force_zip64=True) as file:
            file.writelines(text(tables, columns))


def _member(name: str) -> zipfile.ZipInfo:
    """A compressed member that says nothing of when it was made."""
    member = zipfile.ZipInfo(name)
    member.compress_type = zipfile.ZIP_DEFLATED
    return member


def _field(index: int, column: str) -> str:
    space = GBIF if column in OF_GBIF else "http://purl.org/dc/terms/" if column in {"license", "rightsHolder"} else DWC
    return f'    <field index="{index}" term="{space}{column}"/>'


def _write_parquet(folder: Path, tables: Iterable[pl.DataFrame]) -> None:
    folder.mkdir()
    part: list[pl.DataFrame] = []
    number = 0
    for table in tables:
        part.append(table)
        if len(part) == KEPT:
            _write_part(folder / f"{number:06}", part)
            part, number = [], number + 1
    if part:
        _write_part(folder / f"{number:06}", part)


def _write_part(path: Path, tables: Sequence[pl.DataFrame]) -> None:
    lists = pl.col(*LISTS).str.split(";").fill_null([])
    table = pl.concat(tables).with_columns(lists).rename(str.lower)
    table.write_parquet(path, compression="snappy", row_group_size=CHUNK)


def main() -> None:
    """Make a file."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--form", choices=FORMS, default="csv")
    parser.add_argument("out", type=Path)
    given = parser.parse_args()
    write(given.form, given.out, given.rows, given.seed)


if __name__ == "__main__":
    main()
