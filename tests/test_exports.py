"""The library's face: exactly these names, and nothing loaded before it is asked for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import geoid

NAMES = ["Capture", "GeoidError", "Photo", "Prediction", "open_pipeline", "open_settings"]


def test_these_names_are_exported_and_no_others() -> None:
    assert sorted(geoid.__all__) == NAMES
    assert dir(geoid) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_every_exported_name_is_there(name: str) -> None:
    assert getattr(geoid, name).__name__ == name


def test_a_star_import_gives_the_exported_names() -> None:
    found: dict[str, object] = {}
    exec("from geoid import *", found)
    assert sorted(set(found) - {"__builtins__"}) == NAMES


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match=r"^module 'geoid' has no attribute 'predict'$"):
        _ = geoid.predict


def test_importing_geoid_loads_nothing_of_it() -> None:
    code = "import sys, geoid; print([name for name in sys.modules if name.startswith('geoid.')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, encoding="utf-8")
    assert done.stdout.strip() == "[]"


def test_the_package_says_that_it_is_typed() -> None:
    from importlib import resources

    assert resources.files("geoid").joinpath("py.typed").is_file()


def test_the_installed_package_is_the_one_under_test() -> None:
    assert Path(geoid.__file__).resolve().parent != Path(__file__).resolve().parents[1] / "geoid"
