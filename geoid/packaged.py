"""The folders that ship inside the wheel, found installed and in a checkout alike: models, areas, parts of ranges."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
IN_CHECKOUT = {"areas": "fixtures/areas", "ranges": "fixtures/ranges"}
"""Where a folder stands in a checkout, if not beside the package."""


def folder(name: str) -> Path:
    """The packaged folder of that name: `geoid/_data/NAME` when installed, its own place in a checkout."""
    installed = PACKAGE / "_data" / name
    return installed if installed.is_dir() else PACKAGE.parent / IN_CHECKOUT.get(name, name)
