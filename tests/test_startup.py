"""What a command loads before it does anything: as little as possible."""

import json
import subprocess
import sys

import pytest

HEAVY = {
    "PIL",
    "boto3",
    "docker",
    "exifread",
    "h3",
    "msgspec",
    "numpy",
    "onnxruntime",
    "psycopg",
    "pydantic",
    "redis",
    "rich",
}


def loaded_by(code: str) -> set[str]:
    """The top-level modules that a fresh interpreter has loaded after running `code`."""
    program = f"{code}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in json.loads(done.stderr.splitlines()[-1])}


def command(*arguments: str) -> str:
    """Code that runs the command line in this process and returns."""
    return f"import sys\nsys.argv = ['geoid', *{list(arguments)}]\nfrom geoid.cli.app import run\nrun()"


@pytest.mark.parametrize(
    "arguments", [("--help",), ("predict", "--help"), ("model", "--help"), ("seed", "--help"), ("--version",)]
)
def test_help_loads_nothing_heavy(arguments) -> None:
    assert loaded_by(command(*arguments)) & HEAVY == set()


def test_importing_the_library_loads_nothing_heavy() -> None:
    assert loaded_by("import geoid") & HEAVY == set()


def test_a_usage_error_loads_nothing_heavy() -> None:
    assert loaded_by(command("predict", "photo.jpg", "--frobnicate")) & HEAVY == set()


def test_listing_models_does_not_start_the_model(photos) -> None:
    assert not loaded_by(command("model", "list")) & {"onnxruntime", "PIL", "exifread", "h3", "numpy"}


def test_a_photo_without_place_does_not_load_h3_nor_rich(photos) -> None:
    loaded = loaded_by(command("predict", str(photos / "koala.webp"), "--json"))
    assert not loaded & {"h3", "rich", "pydantic", "redis", "psycopg"}
    assert loaded >= {"PIL", "numpy", "onnxruntime"}
