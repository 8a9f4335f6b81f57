"""The `geoid` command as a process."""

import dataclasses
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from geoid.adapters.pack_files import write_pack
from geoid.adapters.sqlite import AreaPack
from geoid.core.releases import Contents, TaxonFlag

GEOID = Path(sys.executable).with_name("geoid.exe" if os.name == "nt" else "geoid")
STARTER = Path(__file__).resolve().parents[2] / "fixtures" / "areas" / "starter.areas"
Geoid = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(name="command", scope="session")
def _command() -> Path:
    """Where the installed command is."""
    return GEOID


@pytest.fixture(name="geoid", scope="session")
def _geoid() -> Geoid:
    """Run the installed command; keyword arguments go to `subprocess.run`."""

    def run(*arguments: object, env: dict[str, str] | None = None, **options) -> subprocess.CompletedProcess[str]:
        command = [str(GEOID), *map(str, arguments)]
        options = {"capture_output": True, "text": True, "encoding": "utf-8", "timeout": 120, **options}
        return subprocess.run(command, env={**os.environ, **(env or {})}, check=False, **options)

    return run


@pytest.fixture(name="contents_of", scope="session")
def _contents_of() -> Callable[[Path], Contents]:
    """All that an area pack holds, to make others of it."""

    def read(path: Path) -> Contents:
        pack = AreaPack(path)
        taxa = tuple(pack.taxa(pack.release))
        cells = tuple(tuple(int(cell, 16) for cell in pack.taxon_cells(pack.release, taxon.key)) for taxon in taxa)
        values, overflow = (dict(pack.rows(table)) for table in ("cells", "overflow"))
        name, kind, _ = pack.release
        return Contents(name, kind, taxa, cells, values, overflow, pack.meta["sources"], pack.meta["licences"])

    return read


@pytest.fixture(name="made", scope="session")
def _made(tmp_path_factory, contents_of):
    """Packs `one` to `four`: parts of the starter release, and so of different contents."""
    folder = tmp_path_factory.mktemp("packs")
    whole = contents_of(STARTER)
    cells = dict(sorted(whole.cells.items())[:4000])
    for number, name in enumerate(["one", "two", "three", "four"]):
        first = whole.taxa[0]._replace(flags=TaxonFlag.DOUBTFUL, occurrences=number)
        part = dataclasses.replace(whole, name=name, cells=cells, taxa=(first, *whole.taxa[1:]))
        write_pack(part, folder / f"{name}.areas")
    return lambda name: folder / f"{name}.areas"


@pytest.fixture(name="store")
def _store(tmp_path, monkeypatch) -> Path:
    """The folder of the user, where the starter release is in force until another one is."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    return tmp_path / "geoid" / "areas"


@pytest.fixture(name="seed")
def _seed(geoid, store):
    """Run `geoid seed` on the store."""
    return lambda *arguments, **options: geoid("seed", *arguments, **options)


@pytest.fixture(name="start")
def _start(command, store):
    """Start `geoid seed` on the store as a process; what still runs at the end is killed."""
    started = []

    def start(*arguments: object) -> subprocess.Popen[str]:
        line = [str(command), "seed", *map(str, arguments)]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        started.append(subprocess.Popen(line, text=True, encoding="utf-8", **pipes))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()
