"""The `geoid` command as a process."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

GEOID = Path(sys.executable).with_name("geoid.exe" if os.name == "nt" else "geoid")
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
