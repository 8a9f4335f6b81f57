"""What seeding a GBIF file costs, end to end: `geoid seed FILE --to postgresql://…` against the floor of any seeding.

Usage: python seed.py [--rows 10_000_000] [--forms csv,parquet,zip] [--rounds 3] [--folder .cache/bench]
       python seed.py --memory [--rows 1_000_000,10_000_000,50_000_000]

The floor is a bare Polars scan, filter and group-by of the same file, then a bare COPY of the same bytes that geoid has
put into PostgreSQL (`bare_seed.py`). Both sides are processes of their own and take turns in one run; shown is the best
round of each, because what else the machine does only ever makes a round slower. Of a zip the floor inflates it into a
file; the goal is for the plain file. The files are made by `gbif.py` and kept in the folder: 5.7 GB for ten million
rows. `--memory` measures geoid alone, on plain files of different sizes: 35 GB for the three above.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
from psycopg import sql

from geoid.core.releases import TABLES
from geoid.stack.accounts import account, reachable
from geoid.stack.postgres import PostgresOptions, PostgresServer

HERE, GEOID = Path(__file__).parent, Path(sys.executable).with_name("geoid")
SEED = 1
SUFFIXES = {"csv": "csv", "zip": "zip", "parquet": "parquet", "darwin-core": "dwca.zip"}
GOAL, GOAL_FORM, MEMORY_GOAL = 1.15, "csv", 3e9
MEGABYTE = 1e6
NAME = "bench"
DATABASE = "geoid_bench"


class Finished(NamedTuple):
    """What a process said in JSON, how long it took, and the most memory it had (bytes)."""

    said: dict[str, Any]
    seconds: float
    memory: int


@dataclass(frozen=True)
class Row:
    """A form of the file: the best rounds of both sides, and what geoid published."""

    form: str
    rows: int
    ours: Finished
    floor: Finished

    @property
    def ratio(self) -> float:
        return self.ours.seconds / self.floor.seconds

    def __str__(self) -> str:
        rate = self.rows / self.ours.seconds / 1000
        floor = f"{self.floor.seconds:7.2f} ({self.floor.said['query']:.2f} + {self.floor.said['copy']:.2f})"
        memory = f"{self.ours.memory / MEGABYTE:7.0f} {self.floor.memory / MEGABYTE:9.0f}"
        front = f"{self.form:<12} {self.rows:>11,} {self.ours.seconds:7.2f} {rate:9.0f} {floor:>22} {self.ratio:6.2f}"
        return f"{front} {memory}  {self.ours.said['digest'][:16]}"


HEAD = (
    f"{'form':<12} {'rows':>11} {'seconds':>7} {'k rows/s':>9} {'floor (count + copy)':>22} {'ratio':>6} "
    f"{'peak MB':>7} {'floor MB':>9}  digest"
)


def run(*command: object) -> Finished:
    """Run a process to its end; its peak memory is its own alone."""
    with tempfile.TemporaryFile() as out:
        start = time.perf_counter()
        process = subprocess.Popen([str(word) for word in command], stdout=out)
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            sys.exit(f"{command[0]} ends with {process.returncode}")
        out.seek(0)
        return Finished(json.load(out), seconds, used.ru_maxrss * _MAXRSS)


_MAXRSS = 1 if sys.platform == "darwin" else 1024
"""Bytes in a unit of `ru_maxrss`."""


def made(folder: Path, form: str, rows: int) -> Path:
    """The file of that form, made if it is not there yet; by another process, so that this one stays small."""
    path = folder / f"gbif-{rows}.{SUFFIXES[form]}"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        print(f"making {path}", file=sys.stderr)
        making = [sys.executable, HERE / "gbif.py", "--rows", str(rows), "--seed", str(SEED), "--form", form, path]
        subprocess.run(making, check=True)
    return path


@contextmanager
def server() -> Iterator[tuple[PostgresServer, Path]]:
    """PostgreSQL of this run only, and a folder for what is copied."""
    with ExitStack() as stack:
        where = next(one for one in (tempfile.gettempdir(), "/var/tmp") if reachable(Path(one), account()))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="geoid-bench-", dir=where)))
        folder.chmod(0o755)
        yield stack.enter_context(PostgresServer(folder / "postgres", PostgresOptions(fsync=False))), folder


@contextmanager
def database(postgres: PostgresServer) -> Iterator[str]:
    """A new, empty database: the same release twice in one would not be written again."""
    with psycopg.connect(postgres.url(), autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))
        yield postgres.url(DATABASE)
        admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(DATABASE)))


def seeded(path: Path, url: str) -> Finished:
    """Seed a file into a database."""
    return run(GEOID, "seed", path, "--to", url, "--name", NAME, "--json")


def kept(url: str, folder: Path) -> None:
    """Write the tables of the release that a database has to files, as binary COPY."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    with psycopg.connect(url) as reading:
        (digest,) = reading.execute("SELECT digest FROM geoid.releases").fetchone() or ("",)
        for table, columns in TABLES.items():
            name = f"{table}_{digest[:16]}"
            listed = sql.SQL(", ").join(map(sql.Identifier, columns))
            query = sql.SQL("COPY {} ({}) TO STDOUT (FORMAT binary)").format(sql.Identifier("geoid", name), listed)
            with (folder / name).open("wb") as file, reading.cursor() as cursor, cursor.copy(query) as pipe:
                file.writelines(pipe)


def compared(postgres: PostgresServer, path: Path, folder: Path, form: str, rounds: int) -> Row:
    """Both sides in turn. The floor follows, because it copies what geoid has published, beside it."""
    own, bare = [], []
    for _ in range(rounds):
        with database(postgres) as url:
            own.append(seeded(path, url))
            kept(url, folder)
            bare.append(run(sys.executable, HERE / "bare_seed.py", path, url, folder))
    ours, floor = (min(side, key=lambda one: one.seconds) for side in (own, bare))
    return Row(form, sum(source["rows"] for source in ours.said["sources"]), ours, floor)


def ratios(forms: Sequence[str], rows: int, rounds: int, folder: Path) -> bool:
    """Print a line for each form; whether all forms have given the same release."""
    paths = {form: made(folder, form, rows) for form in forms}
    found = []
    print(HEAD)
    with server() as (postgres, private):
        for form, path in paths.items():
            found.append(compared(postgres, path, private / "copied", form, rounds))
            print(found[-1])
    for row in found:
        if row.form == GOAL_FORM:
            told(f"{row.form}: {row.ratio:.2f} x the floor, goal at most {GOAL}", row.ratio <= GOAL)
    told_of_memory([row.ours for row in found])
    digests = {row.ours.said["digest"] for row in found}
    told(f"digests of {len(found)} forms: {len(digests)}, goal 1", len(digests) == 1)
    return len(digests) == 1


def told_of_memory(found: Sequence[Finished]) -> None:
    """Print the goal of memory and whether it is met."""
    most = max(one.memory for one in found)
    told(f"peak memory {most / MEGABYTE:.0f} MB, goal at most {MEMORY_GOAL / MEGABYTE:.0f}", most <= MEMORY_GOAL)


def told(what: str, met: bool) -> None:
    """Print a goal and whether it is met."""
    print(f"{what}: {'met' if met else 'missed'}")


def memory(sizes: Sequence[int], folder: Path) -> None:
    """Print geoid's peak memory for plain files of these numbers of rows."""
    print(f"{'rows':>11} {'seconds':>8} {'peak MB':>8}")
    found = []
    with server() as (postgres, _):
        for rows in sizes:
            path = made(folder, GOAL_FORM, rows)
            with database(postgres) as url:
                found.append(seeded(path, url))
            print(f"{rows:>11,} {found[-1].seconds:8.2f} {found[-1].memory / MEGABYTE:8.0f}")
    told_of_memory(found)


def main() -> None:
    """Measure; the exit status is 1 if the forms have not given the same release."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", default="", help="10_000_000; with --memory several, with commas between them")
    parser.add_argument("--forms", default="csv,parquet,zip")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=Path(".cache/bench"))
    parser.add_argument("--memory", action="store_true")
    given = parser.parse_args()
    rows = [int(number) for number in given.rows.split(",") if number]
    if given.memory:
        memory(rows or [1_000_000, 10_000_000, 50_000_000], given.folder)
    elif not ratios(given.forms.split(","), rows[0] if rows else 10_000_000, given.rounds, given.folder):
        sys.exit(1)


if __name__ == "__main__":
    main()
