"""Photos from files, folders, patterns and standard input: in order, each once, and never waiting for ever."""

from __future__ import annotations

import io
import os
import sys
import threading
import types
from pathlib import Path

import pytest

from geoid.adapters.files import STDIN, find, is_single
from geoid.core.sources import PhotoSource
from geoid.errors import BadInputError, NoPhotos, UnreadablePhoto

LIMIT = 1000


@pytest.fixture(name="here")
def _here(tmp_path: Path, monkeypatch) -> Path:
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def make(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode("utf-8"))


def names(*arguments: str) -> list[str]:
    """What is found, with `/` whatever the platform."""
    return [source.name.replace(os.sep, "/") for source in find(arguments, LIMIT)]


def failure(source: PhotoSource) -> BadInputError:
    with pytest.raises(BadInputError) as caught:
        source.load()
    return caught.value


def link(target: str, place: Path, *, folder: bool = False) -> None:
    try:
        place.symlink_to(target, target_is_directory=folder)
    except (OSError, NotImplementedError):
        pytest.skip("platform: no symbolic links for this user")


def test_files_come_in_the_order_given_and_are_read_as_they_are(here: Path) -> None:
    make(here, "b.jpg", "a.jpg")
    sources = list(find(["b.jpg", "a.jpg"], LIMIT))
    assert [(source.name, source.load()) for source in sources] == [("b.jpg", b"b.jpg"), ("a.jpg", b"a.jpg")]


def test_a_photo_named_twice_comes_once_where_it_was_first(here: Path) -> None:
    make(here, "b.jpg", "a.jpg", "folder/c.jpg")
    assert names("b.jpg", "*.jpg", "folder", "folder/c.jpg", "a.jpg") == ["b.jpg", "a.jpg", "folder/c.jpg"]


def test_a_named_file_needs_no_suffix(here: Path) -> None:
    make(here, "photo", ".hidden.jpg", "notes.txt")
    assert names("photo", ".hidden.jpg", "notes.txt") == ["photo", ".hidden.jpg", "notes.txt"]


def test_a_folder_is_searched_through_and_sorted(here: Path) -> None:
    make(here, "in/z.jpg", "in/a/2.png", "in/a/10.webp", "in/b/deep/er/x.tiff", "in/a.jpg")
    assert names("in") == ["in/a.jpg", "in/z.jpg", "in/a/10.webp", "in/a/2.png", "in/b/deep/er/x.tiff"]


def test_hidden_files_and_folders_and_the_doubles_of_macos_are_passed_over(here: Path) -> None:
    make(here, "in/a.jpg", "in/.a.jpg", "in/._a.jpg", "in/.cache/b.jpg", "in/@eaDir/a.jpg", "in/sub/._b.JPG")
    assert names("in") == ["in/a.jpg"]
    assert names("in/*.jpg", "in/**/*.jpg") == ["in/a.jpg"]


def test_a_hidden_folder_that_is_named_is_searched(here: Path) -> None:
    make(here, ".trip/a.jpg")
    assert names(".trip") == [".trip/a.jpg"]


def test_in_a_folder_only_photos_count_whatever_the_case_of_their_suffix(here: Path) -> None:
    make(here, "in/a.JPG", "in/b.JpEg", "in/c.HEIC", "in/d.txt", "in/e.jpg.xmp", "in/f", "in/g.mp4", "in/h.AVIF")
    assert names("in") == ["in/a.JPG", "in/b.JpEg", "in/c.HEIC", "in/h.AVIF"]


def test_a_folder_without_photos_fails_in_its_place(here: Path) -> None:
    make(here, "a.jpg", "empty/notes.txt", "b.jpg")
    first, empty, last = find(["a.jpg", "empty", "b.jpg"], LIMIT)
    assert (first.load(), last.load()) == (b"a.jpg", b"b.jpg")
    error = failure(empty)
    assert isinstance(error, NoPhotos)
    assert error.message == "empty: no photo in this folder"
    assert ".jpg" in error.hint


def test_a_folder_called_like_a_photo_is_a_folder(here: Path) -> None:
    make(here, "trip.jpg/a.png")
    assert names("trip.jpg") == ["trip.jpg/a.png"]
    assert names("*.jpg") == ["*.jpg"]
    assert not is_single(["trip.jpg"])


def test_a_slash_behind_a_folder_changes_nothing(here: Path) -> None:
    make(here, "in/a.jpg")
    assert names("in/", "in") == ["in/a.jpg"]


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("*.jpg", ["a.jpg"]),
        ("?.jpg", ["a.jpg"]),
        ("[ab].*", ["a.jpg", "b.png"]),
        ("**/*.jpg", ["a.jpg", "in/c.jpg", "in/deep/d.jpg"]),
        ("**/d.jpg", ["in/deep/d.jpg"]),
        ("in/**", ["in/c.jpg", "in/deep/d.jpg"]),
        ("in/**/*.jpg", ["in/c.jpg", "in/deep/d.jpg"]),
        ("i*/**/deep/**/*.jpg", ["in/deep/d.jpg"]),
        ("**/**/c.jpg", ["in/c.jpg"]),
        ("in/*/*.jpg", ["in/deep/d.jpg"]),
        ("**/deep/*", ["in/deep/d.jpg"]),
    ],
)
def test_patterns_match_files_sorted_and_two_stars_cross_folders(here: Path, pattern: str, found: list[str]) -> None:
    make(here, "a.jpg", "b.png", "in/c.jpg", "in/deep/d.jpg")
    assert names(pattern) == found


def test_a_pattern_with_an_absolute_path_gives_absolute_names(here: Path) -> None:
    make(here, "in/c.jpg", "in/deep/d.jpg")
    root = here.as_posix()
    assert names(f"{root}/**/*.jpg") == [f"{root}/in/c.jpg", f"{root}/in/deep/d.jpg"]


def test_folders_with_wildcards_in_their_names_are_crossed(here: Path) -> None:
    make(here, "in/[1]/a.jpg")
    assert names("in/**/*.jpg") == ["in/[1]/a.jpg"]


def test_a_file_whose_name_is_a_pattern_is_that_file(here: Path) -> None:
    make(here, "photo[1].jpg", "photo1.jpg")
    assert names("photo[1].jpg") == ["photo[1].jpg"]
    assert is_single(["photo[1].jpg"])


def test_a_pattern_without_a_match_fails_in_its_place(here: Path) -> None:
    make(here, "a.jpg")
    _, nothing = find(["a.jpg", "*.heic"], LIMIT)
    error = failure(nothing)
    assert (type(error), error.message) == (NoPhotos, "*.heic: no file matches this pattern")


def test_a_file_that_is_not_there_fails_in_its_place(here: Path) -> None:
    make(here, "a.jpg", "b.jpg")
    first, missing, last = find(["a.jpg", "gone.jpg", "b.jpg"], LIMIT)
    error = failure(missing)
    assert (type(error), error.message) == (UnreadablePhoto, "gone.jpg: there is no such file")
    assert (first.load(), last.load()) == (b"a.jpg", b"b.jpg")


@pytest.mark.parametrize(
    ("raised", "reason"),
    [
        (PermissionError(13, "Permission denied"), "Permission denied"),
        (OSError(5, "Input/output error"), "Input/output error"),
        (OSError("no number"), "no number"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(here: Path, monkeypatch, raised: OSError, reason: str) -> None:
    make(here, "a.jpg")
    (source,) = find(["a.jpg"], LIMIT)

    def refuse(*arguments, **options):
        raise raised

    with monkeypatch.context() as patch:
        patch.setattr("builtins.open", refuse)
        error = failure(source)
    assert (type(error), error.message) == (UnreadablePhoto, f"a.jpg: cannot be read: {reason}")


def test_a_folder_that_cannot_be_listed_fails_and_the_others_go_on(here: Path, monkeypatch) -> None:
    make(here, "in/a.jpg", "in/locked/b.jpg", "in/open/c.jpg")
    scandir = os.scandir

    def guarded(path):
        if os.path.basename(path) == "locked":
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", guarded)
        *photos, locked = find(["in"], LIMIT)
    assert [source.load() for source in photos] == [b"in/a.jpg", b"in/open/c.jpg"]
    assert failure(locked).message == f"{os.path.join('in', 'locked')}: cannot be listed: Permission denied"


def test_a_name_with_a_nul_is_unreadable_and_no_crash(here: Path) -> None:
    (source,) = find(["a\0b.jpg"], LIMIT)
    assert isinstance(failure(source), UnreadablePhoto)


def test_a_name_too_long_for_the_system_is_unreadable(here: Path) -> None:
    (source,) = find(["x" * 5000], LIMIT)
    assert isinstance(failure(source), UnreadablePhoto)


@pytest.mark.parametrize("name", ["Löwe.jpg", "狮子.jpg", "🦁.jpg", "a b'c\"d.jpg", "-dash.jpg", " .jpg"])
def test_names_of_every_script_are_found(here: Path, name: str) -> None:
    try:
        make(here, f"in/{name}")
    except OSError:
        pytest.skip("platform: the file system refuses the name")
    (source,) = find(["in"], LIMIT)
    assert source.load() == f"in/{name}".encode()


def test_a_name_that_is_not_utf_8_is_found(here: Path) -> None:
    (here / "in").mkdir()
    raw = os.fsencode(here / "in") + b"/caf\xe9.jpg"
    try:
        with open(raw, "wb") as file:
            file.write(b"latin")
    except OSError:
        pytest.skip("platform: the file system refuses the name")
    (source,) = find(["in"], LIMIT)
    assert (os.fsencode(source.name), source.load()) == (b"in/caf\xe9.jpg", b"latin")


def test_a_name_with_control_characters_is_found(here: Path) -> None:
    try:
        make(here, "in/\x1b[31m\n.jpg")
    except OSError:
        pytest.skip("platform: the file system refuses the name")
    (source,) = find(["in"], LIMIT)
    assert source.load().startswith(b"in/\x1b")


def test_no_more_than_one_byte_over_the_limit_is_read(here: Path) -> None:
    (here / "large.jpg").write_bytes(bytes(10_000))
    (source,) = find(["large.jpg"], LIMIT)
    assert len(source.load()) == LIMIT + 1


# links and pipes


def test_links_to_files_and_folders_are_followed_when_named(here: Path) -> None:
    make(here, "in/a.jpg")
    link("in", here / "trip", folder=True)
    link("in/a.jpg", here / "b.jpg")
    assert names("trip", "b.jpg") == ["trip/a.jpg", "b.jpg"]


def test_a_folder_that_links_to_itself_is_searched_once(here: Path) -> None:
    make(here, "in/a.jpg")
    link(".", here / "in" / "again", folder=True)
    link("..", here / "in" / "up", folder=True)
    assert names("in") == ["in/a.jpg"]
    assert names("in/**/*.jpg") == ["in/a.jpg"]
    assert names("**/*.jpg") == ["in/a.jpg"]


def test_a_link_to_itself_or_to_nothing_is_unreadable(here: Path) -> None:
    link("loop.jpg", here / "loop.jpg")
    link("gone.jpg", here / "nowhere.jpg")
    for source in (*find(["loop.jpg", "nowhere.jpg"], LIMIT), *find([str(here)], LIMIT)):
        assert isinstance(failure(source), UnreadablePhoto)


@pytest.fixture(name="pipe")
def _pipe(here: Path) -> Path:
    if not hasattr(os, "mkfifo"):
        pytest.skip("platform: no named pipes")
    path = here / "in" / "pipe.jpg"
    path.parent.mkdir()
    os.mkfifo(path)
    return path


def test_a_pipe_that_is_named_is_read(pipe: Path) -> None:
    (source,) = find([str(pipe)], LIMIT)
    writer = threading.Thread(target=pipe.write_bytes, args=(b"through the pipe",))
    writer.start()
    assert source.load() == b"through the pipe"
    writer.join(timeout=30)


def test_a_pipe_that_lies_in_a_folder_keeps_no_one_waiting(pipe: Path) -> None:
    make(pipe.parent, "a.jpg")
    assert names("in") == names("in/*") == names("**/*.jpg") == ["in/a.jpg"]


# standard input


def test_a_dash_is_standard_input_read_once(monkeypatch) -> None:
    monkeypatch.setattr(sys, "stdin", types.SimpleNamespace(buffer=io.BytesIO(b"from a pipe")))
    (source,) = find([STDIN, STDIN], LIMIT)
    assert (source.name, source.load()) == ("-", b"from a pipe")


def test_standard_input_is_read_to_the_limit(monkeypatch) -> None:
    monkeypatch.setattr(sys, "stdin", types.SimpleNamespace(buffer=io.BytesIO(bytes(10_000))))
    (source,) = find([STDIN], LIMIT)
    assert len(source.load()) == LIMIT + 1


@pytest.mark.parametrize(
    ("arguments", "single"),
    [
        (["a.jpg"], True),
        (["-"], True),
        (["gone.jpg"], True),
        (["a.jpg", "b.jpg"], False),
        (["in"], False),
        (["*.jpg"], False),
        ([], False),
    ],
)
def test_one_argument_that_is_no_folder_and_no_pattern_is_a_single_photo(here: Path, arguments, single: bool) -> None:
    make(here, "a.jpg", "in/b.jpg")
    assert is_single(arguments) is single


def test_nothing_is_read_before_it_is_asked_for(here: Path, monkeypatch) -> None:
    make(here, "in/a.jpg")
    with monkeypatch.context() as patch:
        patch.setattr("builtins.open", None)
        (source,) = find(["in"], LIMIT)
    assert source.load() == b"in/a.jpg"


@pytest.mark.parametrize(
    "suffix",
    ["jpg", "jpeg", "jpe", "png", "webp", "gif", "bmp", "tif", "tiff", "heic", "heif", "hif", "avif", "JPG", "HEIC"],
)
def test_a_folder_gives_every_format_that_is_read(tmp_path: Path, suffix: str) -> None:
    photo = tmp_path / f"photo.{suffix}"
    photo.write_bytes(b"x")
    assert [source.name for source in find([str(tmp_path)], 10)] == [str(photo)]
