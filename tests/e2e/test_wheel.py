"""The built wheel alone: an empty environment, the network cut off, and a photo is answered."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
NO_NETWORK = ("unshare", "--net", "--map-root-user")
"""A namespace of its own has no network at all, not even loopback."""


def run(*command: object, **options) -> subprocess.CompletedProcess[str]:
    """Run a command that must succeed."""
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, encoding="utf-8", check=False, **options
    )
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture(name="wheel", scope="module")
def _wheel(tmp_path_factory) -> Path:
    """The wheel, built from the checkout without looking anything up."""
    target = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", target, CHECKOUT)
    (wheel,) = target.glob("*.whl")
    return wheel


@pytest.fixture(name="wheelhouse", scope="module")
def _wheelhouse(wheel, tmp_path_factory) -> Path:
    """The wheel and everything it needs, downloaded while there is a network."""
    house = tmp_path_factory.mktemp("wheelhouse")
    run(sys.executable, "-m", "pip", "download", "--quiet", "--only-binary", ":all:", "--dest", house, wheel)
    return house


def test_the_wheel_holds_the_models_and_no_photo(wheel) -> None:
    names = run(sys.executable, "-m", "zipfile", "--list", wheel).stdout
    for wanted in ("efficientnet-lite2.json", "imagenet-1k.tsv", "taxa.tsv", "embedded.toml", "py.typed"):
        assert wanted in names
    assert "fixtures" not in names
    assert ".webp" not in names


def test_what_a_user_downloads_stays_under_a_hundred_megabytes_and_has_no_torch(wheelhouse) -> None:
    sizes = {path.name: path.stat().st_size for path in wheelhouse.iterdir()}
    print(f"core install: {sum(sizes.values()) / 1e6:.1f} MB in {len(sizes)} wheels")
    assert sum(sizes.values()) < 100e6
    assert not [name for name in sizes if name.startswith(("torch", "onnx-", "tensorflow"))]


@pytest.mark.slow
def test_the_wheel_alone_predicts_a_photo_without_network(wheel, wheelhouse, photos, tmp_path) -> None:
    if shutil.which("unshare") is None:
        pytest.skip("platform: no network namespaces here")
    home, environment = tmp_path / "home", tmp_path / "environment"
    home.mkdir()
    photo = shutil.copy(photos / "koala.webp", tmp_path)
    clean = {"HOME": str(home), "PATH": os.environ["PATH"]}
    run(sys.executable, "-m", "venv", environment)
    pip = [environment / "bin" / "python", "-m", "pip", "install", "--quiet", "--no-index", "--find-links", wheelhouse]
    run(*NO_NETWORK, *pip, "geoid", env=clean)
    asked = [*NO_NETWORK, environment / "bin" / "geoid", "predict", photo, "--json"]
    answer = json.loads(run(*asked, env=clean, cwd=tmp_path).stdout)
    assert answer["answer"]["scientific_name"] == "Phascolarctos cinereus"
    doctor = json.loads(run(*NO_NETWORK, environment / "bin" / "geoid", "doctor", "--json", env=clean).stdout)
    assert not [check for check in doctor["checks"] if check["state"] == "fail"]


def test_a_network_cut_off_is_really_cut_off() -> None:
    if shutil.which("unshare") is None:
        pytest.skip("platform: no network namespaces here")
    code = "import socket; socket.create_connection(('127.0.0.1', 9), 1)"
    done = subprocess.run([*NO_NETWORK, sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "Network is unreachable" in done.stderr
