"""A folder of packs: what is in force, what is left behind by whom, and who may be at it at the same time."""

from __future__ import annotations

import json
import os
import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest

from geoid.adapters.pack_files import write_pack
from geoid.adapters.packs import KEPT_OPEN, PackFolder
from geoid.adapters.sqlite import AreaPack
from geoid.adapters.whole_files import locked, whole_file
from geoid.core.features import Features, Flag, encode, records_of
from geoid.core.releases import Contents, Kind, Pointer, ReleaseTaxon
from geoid.errors import (
    AreaDataError,
    NewerFormatError,
    NoReleaseError,
    ReleaseGone,
    SettingsError,
    StorageError,
    ThrottledError,
    UnavailableError,
    UnknownRelease,
    UsageError,
)

CELL = 0x831F1DFFFFFFFFF
CELLS = [f"{CELL:x}"]


def contents(name: str, flags: int = 0) -> Contents:
    jay = ReleaseTaxon(0, "garrulus-glandarius", "Garrulus glandarius", None, "species", {"genus": "Garrulus"}, flags)
    value = encode(Features(3, records_of([(0, 255, b"\xff" * 12, Flag.RANGE)]))).value
    return Contents(name, Kind.RANGES, (jay,), ((CELL,),), {CELL: value}, {}, "tests", "CC0-1.0")


@pytest.fixture(name="made")
def _made(tmp_path):
    """A pack of that name; each number gives other contents."""
    packs = tmp_path / "made"
    packs.mkdir()

    def made(name: str, number: int = 0) -> AreaPack:
        path = packs / f"{name}-{number}.areas"
        write_pack(contents(name, number), path)
        return AreaPack(path)

    return made


@pytest.fixture(name="starter")
def _starter(made) -> AreaPack:
    return made("starter", 9)


@pytest.fixture(name="folder")
def _folder(tmp_path, starter) -> PackFolder:
    """A folder that is not there yet, with a starter release."""
    return PackFolder(tmp_path / "data" / "areas", starter.path)


def files(folder: PackFolder) -> set[str]:
    return {path.name for path in folder.folder.iterdir()}


def seeded(folder: PackFolder, *packs: AreaPack) -> None:
    """Publish and put in force, one after the other, each a second later."""
    for second, pack in enumerate(packs, start=1_700_000_000):
        folder.publish(pack)
        os.utime(folder.folder / f"{pack.release.name}.areas", (second, second))
        folder.switch(pack.release.name)


def test_a_folder_that_is_not_there_has_the_starter_in_force_and_stays_away(folder, starter) -> None:
    assert folder.pointer() == Pointer(starter.release)
    assert [one.release for one in folder.list()] == [starter.release]
    assert folder.features(starter.release, CELLS)
    assert folder.prune(0) == ()
    folder.ping()
    assert not folder.folder.exists()


def test_without_a_starter_nothing_is_in_force(tmp_path) -> None:
    empty = PackFolder(tmp_path / "none")
    assert list(empty.list()) == []
    for question in (empty.pointer, empty.ping):
        with pytest.raises(NoReleaseError, match="no release is in force yet"):
            question()


def test_what_is_published_can_be_read_and_is_not_in_force_before_it_is_put_there(folder, made, starter) -> None:
    first = made("first", 1)
    assert folder.publish(first) is True
    assert folder.features(first.release, CELLS) == first.features(first.release, CELLS)
    assert folder.pointer() == Pointer(starter.release)
    assert folder.switch("first") == folder.pointer() == Pointer(first.release, starter.release)
    assert folder.publish(first) is False


def test_progress_is_told_of_all_rows(folder, made) -> None:
    told = []
    folder.publish(made("first", 1), told.append)
    assert sum(told) == 2


def test_the_starter_is_kept_when_another_one_ships_with_the_next_geoid(folder, made, starter) -> None:
    seeded(folder, made("first", 1))
    after = PackFolder(folder.folder, made("newer-starter", 8).path)
    assert after.pointer().previous == starter.release
    assert after.switch("starter").current == starter.release
    assert after.features(starter.release, CELLS)


def test_a_starter_that_was_seeded_stays_in_force_when_another_one_ships(folder, made, starter) -> None:
    assert folder.publish(starter) is True
    folder.switch("starter")
    assert PackFolder(folder.folder, made("newer-starter", 8).path).pointer() == Pointer(starter.release)


def test_the_starter_is_listed_as_never_published_until_it_is(folder, starter) -> None:
    assert [one.published for one in folder.list()] == [0.0]
    folder.publish(starter)
    assert [one.published > 1e9 for one in folder.list()] == [True]


def test_going_back_and_forth_swaps_the_two(folder, made) -> None:
    first, second = made("first", 1), made("second", 2)
    seeded(folder, first, second)
    assert folder.switch("first") == Pointer(first.release, second.release)
    assert folder.switch("second") == Pointer(second.release, first.release)


def test_switching_to_what_is_in_force_changes_nothing(folder, made) -> None:
    seeded(folder, made("first", 1), made("second", 2))
    before = (folder.folder / "current").stat().st_ino
    assert folder.switch("second").previous.name == "first"
    assert (folder.folder / "current").stat().st_ino == before


def test_an_unknown_release_cannot_be_put_in_force(folder, made) -> None:
    seeded(folder, made("first", 1))
    with pytest.raises(UnknownRelease, match="holds no release 'second'"):
        folder.switch("second")
    assert folder.pointer().current.name == "first"


def test_a_name_in_use_with_other_contents_is_refused(folder, made) -> None:
    seeded(folder, made("first", 1))
    for taken in (made("first", 2), made("starter", 3)):
        with pytest.raises(AreaDataError, match="holds other contents under the name"):
            folder.publish(taken)


@pytest.mark.parametrize("name", ["../first", "a/b", "", ".hidden", "a b", "ä", "C:x", "x\n", "n" * 101, "\x1b[2J"])
def test_a_name_that_is_no_file_name_is_refused(folder, made, tmp_path, name) -> None:
    path = tmp_path / "odd.areas"
    write_pack(contents(name), path)
    with pytest.raises(UsageError, match="cannot be stored under that name"):
        folder.publish(AreaPack(path))
    assert not folder.folder.exists()


def test_a_damaged_pack_is_refused_and_leaves_nothing(folder, made) -> None:
    pack = made("first", 1)
    data = bytearray(pack.path.read_bytes())
    at = data.index(b"Garrulus glandarius")
    data[at : at + 8] = b"Garrulos"
    pack.path.write_bytes(data)
    with pytest.raises(AreaDataError, match="is damaged"):
        folder.publish(pack)
    assert files(folder) == {".lock"}


def test_a_pack_that_goes_while_it_is_published_is_said_by_name(folder, made) -> None:
    pack = made("first", 1)
    pack.path.unlink()
    with pytest.raises((StorageError, UnavailableError), match=r"first-1\.areas"):
        folder.publish(pack)
    assert files(folder) == {".lock"}


def test_pruning_keeps_the_newest_and_what_is_in_force_before_and_shipped(folder, made, starter) -> None:
    seeded(folder, starter, *(made(name, number) for number, name in enumerate(["one", "two", "three", "four"], 1)))
    folder.switch("one")
    assert folder.pointer() == Pointer(made("one", 1).release, made("four", 4).release)
    assert folder.prune(2) == ["two"]
    assert folder.prune(0) == ["three"]
    assert [one.release.name for one in folder.list()] == ["four", "one", "starter"]
    assert folder.prune(0) == []


def test_what_is_pruned_is_gone_for_new_readers_and_goes_on_for_old_ones(folder, made) -> None:
    first = made("first", 1)
    seeded(folder, first, made("second", 2), made("third", 3))
    reader = PackFolder(folder.folder)
    assert reader.features(first.release, CELLS)
    assert folder.prune(1) == ["first"]
    if os.name == "posix":
        assert reader.features(first.release, CELLS)
    with pytest.raises(ReleaseGone, match="release first is not in"):
        PackFolder(folder.folder).features(first.release, CELLS)


def test_the_former_release_is_left_out_of_the_pointer_when_its_file_is_gone(folder, made) -> None:
    seeded(folder, made("first", 1), made("second", 2))
    (folder.folder / "first.areas").unlink()
    assert PackFolder(folder.folder).pointer() == Pointer(made("second", 2).release)


def test_a_reader_on_the_former_release_is_undisturbed_by_a_switch(folder, made) -> None:
    first = made("first", 1)
    seeded(folder, first)
    reader = PackFolder(folder.folder)
    held = reader.pointer().current
    with ThreadPoolExecutor(4) as pool:
        before = pool.map(lambda _: reader.features(held, CELLS), range(200))
        seeded(folder, made("second", 2))
        after = pool.map(lambda _: reader.features(held, CELLS), range(200))
    assert all([*before, *after])
    assert reader.pointer().current.name == "second"


def test_a_release_that_is_published_later_by_somebody_else_is_found(folder, made) -> None:
    second = made("second", 2)
    with pytest.raises(ReleaseGone, match="second"):
        folder.taxa(second.release)
    PackFolder(folder.folder).publish(second)
    assert len(folder.taxa(second.release)) == 1


def test_only_so_many_releases_are_kept_open(folder, made) -> None:
    for number in range(KEPT_OPEN + 3):
        pack = made(f"r{number}", number + 10)
        folder.publish(pack)
        folder.taxa(pack.release)
    assert len(folder._open) == KEPT_OPEN
    assert f"r{KEPT_OPEN + 2}" in {pack.release.name for pack in folder._open.values()}


def test_one_publisher_at_a_time(folder, made) -> None:
    seeded(folder, made("first", 1))
    with locked(folder.folder / ".lock"):
        for action in (
            lambda: folder.publish(made("second", 2)),
            lambda: folder.switch("starter"),
            lambda: folder.prune(0),
        ):
            with pytest.raises(ThrottledError, match="another process publishes there"):
                action()
        assert folder.publish(made("first", 1)) is False, "what changes nothing needs no lock"
        assert folder.switch("first").current.name == "first"
    assert folder.publish(made("second", 2)) is True


def test_what_a_killed_publisher_left_is_swept_up_by_the_next(folder, made) -> None:
    folder.folder.mkdir(parents=True)
    (folder.folder / ".unfinished-abc").write_bytes(b"half a pack")
    folder.publish(made("first", 1))
    assert files(folder) == {".lock", "first.areas"}


def test_files_that_are_no_packs_are_neither_listed_nor_dropped(folder, made) -> None:
    seeded(folder, made("first", 1))
    (folder.folder / "junk.areas").write_text("junk", encoding="utf-8")
    shutil.copy(made("second", 2).path, folder.folder / "renamed.areas")
    (folder.folder / "a b.areas").mkdir()
    assert [one.release.name for one in folder.list()] == ["first", "starter"]
    assert folder.prune(0) == []
    with pytest.raises(AreaDataError, match="holds other contents under the name renamed"):
        folder.publish(made("renamed", 4))


def test_a_pack_that_was_damaged_in_the_folder_is_mended_by_publishing_it_again(folder, made) -> None:
    first = made("first", 1)
    seeded(folder, first)
    (folder.folder / "first.areas").write_bytes(b"")
    broken = PackFolder(folder.folder)
    assert broken.pointer().current == first.release
    with pytest.raises(ReleaseGone):
        broken.taxa(first.release)
    assert broken.publish(first) is True
    assert len(broken.taxa(first.release)) == 1


@pytest.mark.parametrize("text", ["", "junk", "[]", "{}", '{"format": 1, "current": null, "previous": null}'])
def test_a_damaged_current_is_said_so_and_replaced_by_the_next_switch(folder, made, text) -> None:
    seeded(folder, made("first", 1))
    (folder.folder / "current").write_text(text, encoding="utf-8")
    for question in (folder.pointer, lambda: folder.prune(0)):
        with pytest.raises(UnavailableError, match="current: cannot be read"):
            question()
    assert folder.switch("first").current.name == "first"
    assert folder.pointer().current.name == "first"


def test_a_current_of_a_newer_geoid_is_refused_and_not_overwritten(folder, made) -> None:
    seeded(folder, made("first", 1), made("second", 2))
    path = folder.folder / "current"
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | {"format": 2}), encoding="utf-8")
    for question in (folder.pointer, lambda: folder.switch("first"), lambda: folder.prune(0)):
        with pytest.raises(NewerFormatError, match="of format 2, this geoid reads 1"):
            question()
    assert json.loads(path.read_text(encoding="utf-8"))["format"] == 2


def test_a_folder_that_cannot_be_written_is_a_storage_error(tmp_path, made, starter) -> None:
    (tmp_path / "file").touch()
    folder = PackFolder(tmp_path / "file" / "areas", starter.path)
    assert folder.pointer().current == starter.release
    assert folder.features(starter.release, CELLS)
    with pytest.raises(StorageError, match="file"):
        folder.publish(made("first", 1))


def test_a_file_is_no_folder_of_packs(starter) -> None:
    with pytest.raises(SettingsError, match="is a file, and no folder of area packs"):
        PackFolder(starter.path, starter.path)


def test_a_file_that_cannot_be_finished_leaves_nothing_and_the_former_one(tmp_path) -> None:
    target = tmp_path / "target"
    target.write_bytes(b"former")

    def write() -> None:
        with whole_file(target) as file:
            file.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write()
    assert [path.name for path in tmp_path.iterdir()] == ["target"]
    assert target.read_bytes() == b"former"
