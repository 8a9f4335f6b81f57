"""PostgreSQL as a child process."""

from __future__ import annotations

import contextlib
import secrets
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from geoid.errors import UnavailableError
from geoid.stack.accounts import drop, own_file
from geoid.stack.certificates import Tls
from geoid.stack.loopback import HOST
from geoid.stack.owners import read_owner, started
from geoid.stack.programs import Program, postgres_program
from geoid.stack.servers import NotReadyError, Server

if TYPE_CHECKING:
    import psycopg

SUPERUSER = "geoid_admin"
DATABASE = "geoid"
INITDB_SECONDS = 60
NO_FSYNC = {"fsync": "off", "full_page_writes": "off"}
"""Both matter when the machine crashes, neither when only the server does."""


@dataclass(frozen=True)
class PostgresOptions:
    """How a PostgreSQL server runs.

    Without `fsync` a crash of the machine, though not of the server, may cost all data: for tests. With `tls` it
    speaks TLS too, and in `strict` mode nothing else. `settings` go over ours.
    """

    fsync: bool = True
    settings: Mapping[str, str] = field(default_factory=dict)
    tls: Tls | None = None
    strict: bool = False


class PostgresServer(Server):
    """PostgreSQL on loopback, with a superuser whose password only the state folder knows, and an empty database."""

    name = "PostgreSQL"
    stops = ((signal.SIGINT, 10.0), (signal.SIGQUIT, 5.0))

    def __init__(
        self,
        state: Path,
        options: PostgresOptions = PostgresOptions(),
        *,
        program: Program | None = None,
        port: int = 0,
        lingering: bool = False,
    ) -> None:
        super().__init__(
            state, program or postgres_program(tls=options.tls is not None), port=port, lingering=lingering
        )
        self.options = options

    def url(self, database: str = DATABASE, user: str = SUPERUSER, password: str = "", *, port: int = 0) -> str:
        """The URL of a database, the superuser's password in it unless another user is named.

        `port` is that of a proxy before it. With TLS, clients check the server's certificate.
        """
        word = password or (self._password if user == SUPERUSER else "")
        login = quote(user, safe="") + (f":{quote(word, safe='')}" if word else "")
        query = {"sslmode": "verify-full", "sslrootcert": str(self.options.tls.authority)} if self.options.tls else {}
        return f"postgresql://{login}@{HOST}:{port or self.port}/{quote(database, safe='')}" + (
            f"?{urlencode(query)}" if query else ""
        )

    @property
    def _data(self) -> Path:
        return self.state / "data"

    @property
    def _password(self) -> str:
        return (self.state / "password").read_text(encoding="ascii")

    def _settings(self) -> Sequence[str]:
        wanted = {"listen_addresses": HOST, "unix_socket_directories": "", "logging_collector": "off"}
        if not self.options.fsync:
            wanted |= NO_FSYNC
        if self.options.tls:
            wanted |= {"ssl": "on"}
            wanted |= {"ssl_cert_file": "../server.crt", "ssl_key_file": "../server.key"}
        return [f"{key}={value}" for key, value in (wanted | dict(self.options.settings)).items()] + [
            f"strict={self.options.strict}"
        ]

    def _command(self) -> Sequence[str | Path]:
        settings = [word for setting in self._settings()[:-1] for word in ("-c", setting)]
        return [self.program.path, "-D", self._data, "-p", str(self.port), *settings]

    def _prepare(self) -> None:
        if self.options.tls:
            self.options.tls.within(self.state, self.account)
        if not self._data.exists():
            self._initialise()
        made_by = (self._data / "PG_VERSION").read_text(encoding="ascii").strip()
        if made_by != self.version.partition(".")[0]:
            what = f"the data in {self.state} were made by PostgreSQL {made_by}, this is {self.version}"
            raise UnavailableError(what, "choose another state folder, or that PostgreSQL")
        kind = "hostssl" if self.options.strict else "host"
        own_file(self._data / "pg_hba.conf", f"{kind} all all {HOST}/32 scram-sha-256\n", self.account)
        self._unlock()

    def _initialise(self) -> None:
        """Make the data folder, whole or not at all."""
        fresh = self.state / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        password = own_file(self.state / "password", secrets.token_urlsafe(24), self.account)
        who = ["-U", SUPERUSER, "--pwfile", str(password), "--auth-local=reject", "--auth-host=scram-sha-256"]
        manner = ["-E", "UTF8", "--locale=C"] + ([] if self.options.fsync else ["--no-sync"])
        done = subprocess.run(  # noqa: S603
            [self.program.tool("initdb"), "-D", fresh, *who, *manner],
            cwd=self.state,
            env={"LC_ALL": "C", "PATH": str(self.program.path.parent)},
            capture_output=True,
            timeout=INITDB_SECONDS,
            check=False,
            **_typed(drop(self.account)),
        )
        if done.returncode:
            words = done.stderr.decode(errors="replace").strip().splitlines()
            raise UnavailableError(f"initdb fails: {'; '.join(words[-2:])}", f"does {self.state} have space?")
        fresh.rename(self._data)

    def _unlock(self) -> None:
        """Take away the lock of our crashed server if its process number now belongs to another process.

        PostgreSQL would take that one for itself; it still looks for shared memory in use by its own leftovers.
        """
        owner = read_owner(self._record_path)
        if owner and owner.server.pid == self._locked_by() and not owner.server.alive() and started(owner.server.pid):
            (self._data / "postmaster.pid").unlink()

    def _locked_by(self) -> int | None:
        """The process that PostgreSQL's lock file names."""
        with contextlib.suppress(OSError, ValueError, IndexError):
            return int((self._data / "postmaster.pid").read_text(encoding="utf-8").splitlines()[0])
        return None

    def _check(self, pid: int) -> None:
        import psycopg

        if self._locked_by() != pid:
            raise NotReadyError
        try:
            with self._connect("postgres") as connection:
                found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone()
                if found is None:
                    connection.execute(f"CREATE DATABASE {DATABASE}")
        except psycopg.OperationalError as error:
            raise NotReadyError from error

    def _connect(self, database: str) -> psycopg.Connection[tuple[Any, ...]]:
        import psycopg

        return psycopg.connect(self.url(database), autocommit=True, connect_timeout=2)


def _typed(arguments: dict[str, object]) -> dict[str, Any]:
    return arguments
