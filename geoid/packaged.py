"""The folders that ship inside the wheel (`models/`, later `compose/`), found installed and in a checkout alike."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


def folder(name: str) -> Path:
    """The packaged folder of that name: `geoid/_data/NAME` when installed, `NAME` beside the package in a checkout."""
    installed = PACKAGE / "_data" / name
    return installed if installed.is_dir() else PACKAGE.parent / name
