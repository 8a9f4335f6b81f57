"""Which file beside a photo is its sidecar, and what happens to those that cannot be used."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from geoid.adapters.sidecars import sidecar_of
from geoid.core.xmp import MAX_BYTES
from geoid.errors import BadInputError


@pytest.mark.parametrize("name", ["photo.jpg.xmp", "photo.xmp", "photo.jpg.XMP", "photo.XMP"])
def test_each_customary_name_is_found(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"<x/>")
    assert sidecar_of(str(tmp_path / "photo.jpg")) == b"<x/>"


def test_the_full_name_comes_first(tmp_path: Path) -> None:
    (tmp_path / "photo.xmp").write_bytes(b"short")
    (tmp_path / "photo.jpg.xmp").write_bytes(b"full")
    assert sidecar_of(str(tmp_path / "photo.jpg")) == b"full"


def test_names_outside_ascii_and_with_many_dots_are_found(tmp_path: Path) -> None:
    (tmp_path / "Lüchs.2019.05 ひ.xmp").write_bytes(b"<x/>")
    assert sidecar_of(str(tmp_path / "Lüchs.2019.05 ひ.jpg")) == b"<x/>"


@pytest.mark.parametrize("name", ["", "-", "<stdin>", "s3://bucket/photo.jpg", "nul\0.jpg", "n" * 300 + ".jpg"])
def test_a_name_that_is_no_path_has_no_sidecar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    Path("-.xmp").write_bytes(b"<x/>")
    Path("<stdin>.xmp".translate({60: None, 62: None})).write_bytes(b"<x/>")
    assert sidecar_of(name) is None


def test_no_sidecar_is_nothing(tmp_path: Path) -> None:
    (tmp_path / "other.xmp").write_bytes(b"<x/>")
    assert sidecar_of(str(tmp_path / "photo.jpg")) is None
    assert sidecar_of(str(tmp_path / "missing" / "photo.jpg")) is None


def test_a_folder_is_no_sidecar(tmp_path: Path) -> None:
    (tmp_path / "photo.xmp").mkdir()
    assert sidecar_of(str(tmp_path / "photo.jpg")) is None


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no named pipes in folders")
def test_a_pipe_is_no_sidecar(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "photo.xmp")
    assert sidecar_of(str(tmp_path / "photo.jpg")) is None


def test_a_sidecar_of_4_mb_is_read_and_one_byte_more_is_not(tmp_path: Path) -> None:
    sidecar = tmp_path / "photo.xmp"
    sidecar.write_bytes(bytes(MAX_BYTES))
    assert len(sidecar_of(str(tmp_path / "photo.jpg")) or b"") == MAX_BYTES
    sidecar.write_bytes(bytes(MAX_BYTES + 1))
    with pytest.raises(BadInputError, match=r"photo\.xmp is over 4 MB"):
        sidecar_of(str(tmp_path / "photo.jpg"))


def test_a_sidecar_that_cannot_be_opened_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "photo.xmp").write_bytes(b"<x/>")

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(BadInputError, match=r"photo\.xmp cannot be read: Permission denied"):
        sidecar_of(str(tmp_path / "photo.jpg"))
