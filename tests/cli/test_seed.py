"""`geoid seed` as its user meets it, into folders of packs: answers, refusals, and what a kill leaves."""

from __future__ import annotations

import dataclasses
import json
import os
import random
import re
import shutil
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest

from geoid.adapters.pack_files import write_pack
from geoid.adapters.packs import PackFolder
from geoid.adapters.sqlite import AreaPack
from geoid.adapters.whole_files import UNFINISHED, locked
from geoid.core.releases import Pointer, TaxonFlag

STARTER = Path(__file__).resolve().parents[2] / "fixtures" / "areas" / "starter.areas"
KEYS = [
    "format",
    "action",
    "target",
    "release",
    "digest",
    "published",
    "in_force",
    "previous",
    "rows",
    "bytes",
    "seconds",
    "dropped",
    "remarks",
    "file",
    "sources",
    "names",
    "values",
    "build_seconds",
    "peak_memory",
]
LISTED = ["name", "kind", "digest", "taxa", "cells", "published", "state"]
MOMENTS = 20


@pytest.fixture(name="made", scope="module")
def _made(tmp_path_factory, contents_of):
    """Packs `one` to `four`: parts of the starter release, and so of different contents."""
    folder = tmp_path_factory.mktemp("packs")
    whole = contents_of(STARTER)
    cells = dict(sorted(whole.cells.items())[:4000])
    for number, name in enumerate(["one", "two", "three", "four"]):
        first = whole.taxa[0]._replace(flags=TaxonFlag.DOUBTFUL, occurrences=number)
        part = dataclasses.replace(whole, name=name, cells=cells, taxa=(first, *whole.taxa[1:]))
        write_pack(part, folder / f"{name}.areas")
    return lambda name: folder / f"{name}.areas"


@pytest.fixture(name="store")
def _store(tmp_path, monkeypatch) -> Path:
    """The folder of the user, where the starter release is in force until another one is."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    return tmp_path / "geoid" / "areas"


@pytest.fixture(name="seed")
def _seed(geoid, store):
    """Run `geoid seed` on the store."""
    return lambda *arguments, **options: geoid("seed", *arguments, **options)


@pytest.fixture(name="start")
def _start(command, store):
    """Start `geoid seed` on the store as a process; what still runs at the end is killed."""
    started = []

    def start(*arguments: object) -> subprocess.Popen[str]:
        line = [str(command), "seed", *map(str, arguments)]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        started.append(subprocess.Popen(line, text=True, encoding="utf-8", **pipes))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def files(store: Path) -> set[str]:
    return {path.name for path in store.iterdir()}


def document(done) -> dict:
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def refused(done, code: int, sentence: str) -> None:
    assert (done.returncode, done.stdout) == (code, "")
    assert sentence in done.stderr
    assert "hint: " in done.stderr
    assert "Traceback" not in done.stderr


def until(condition, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.002)


def until_half_written(process: subprocess.Popen[str], store: Path) -> None:
    until(lambda: any(store.glob(f"{UNFINISHED}*")) or process.poll() is not None)


def test_the_starter_release_is_published_and_put_in_force(seed, store) -> None:
    done = seed()
    name = AreaPack(STARTER).release.name
    assert (done.returncode, done.stdout) == (0, f"{name} is in force\n")
    assert re.match(
        r"published \d+ taxa, \d+ cells, 0 overflow, \d+\.\d MB in \d+\.\d s; before it: none; ", done.stderr
    )
    assert files(store) == {".lock", "current", f"{name}.areas"}
    assert (store / f"{name}.areas").read_bytes() == STARTER.read_bytes()


def test_seeding_twice_says_already_there(seed, made) -> None:
    seed(made("one"))
    done = seed(made("one"))
    assert (done.returncode, done.stdout) == (0, "one is in force\n")
    assert done.stderr.startswith("already there; before it: starter-")


def test_without_a_target_the_release_goes_where_the_settings_say(geoid, store, made, tmp_path) -> None:
    settings = {"GEOID_AREAS__STORE": f"sqlite:{tmp_path / 'elsewhere'}", "GEOID_AREAS__PUBLISH": f"sqlite:{store}"}
    assert geoid("seed", made("one"), env=settings).returncode == 0
    assert "one.areas" in files(store)
    assert not (tmp_path / "elsewhere").exists()


def test_predictions_read_what_was_seeded(geoid, seed, store, made) -> None:
    seed(made("one"))
    done = geoid("species", "--at", "52.5,13.4", "--json", env={"GEOID_AREAS__STORE": f"sqlite:{store}"})
    assert json.loads(done.stdout)["release"] == "one"


def test_the_report_has_every_key_in_its_order(seed, made, store) -> None:
    first, second = document(seed(made("one"), "--json")), document(seed(made("two"), "--format", "json"))
    assert list(first) == list(second) == KEYS
    pack = AreaPack(made("two"))
    assert second == {
        "format": 1,
        "action": "seed",
        "target": "sqlite:",
        "release": "two",
        "digest": pack.release.digest,
        "published": True,
        "in_force": "two",
        "previous": "one",
        "rows": {"taxa": pack.count("taxa"), "cells": 4000, "overflow": 0},
        "bytes": made("two").stat().st_size,
        "seconds": second["seconds"],
        "dropped": [],
        "remarks": [],
        "file": None,
        "sources": [],
        "names": None,
        "values": None,
        "build_seconds": None,
        "peak_memory": None,
    }
    assert second["seconds"] > 0
    again = document(seed(made("two"), "--json"))
    assert again == second | {"published": False, "seconds": again["seconds"]}


def test_rolling_back_puts_the_former_release_in_force_and_back_again(seed, made) -> None:
    seed(made("one"))
    seed(made("two"))
    done = seed("--rollback")
    assert (done.returncode, done.stdout) == (0, "one is in force\n")
    assert done.stderr.startswith("before it: two; ")
    report = document(seed("--rollback", "--json"))
    assert list(report) == KEYS
    assert (report["action"], report["in_force"], report["previous"]) == ("rollback", "two", "one")


def test_there_is_no_rolling_back_from_the_first_release(seed, store) -> None:
    refused(seed("--rollback"), 2, "there is no release before starter-")
    assert not store.exists()


def test_the_list_says_which_release_is_in_force_and_which_was_before(seed, made) -> None:
    for name in ("one", "two", "three"):
        seed(made(name))
    done = seed("--list")
    assert done.returncode == 0
    rows = [re.split(" {2,}", line) for line in done.stdout.splitlines()]
    assert [row[0] for row in rows] == ["one", f"{AreaPack(STARTER).release.name}", "three", "two"]
    assert [row[6] for row in rows if len(row) > 6] == ["in force", "before"]
    assert rows[0][1:5] == ["ranges", AreaPack(made("one")).release.digest[:12], "1424", "4000"]
    listed = document_of_list(seed)
    assert [(one["name"], one["state"]) for one in listed if one["state"]] == [("three", "in force"), ("two", "before")]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", listed[0]["published"])


def document_of_list(seed) -> list[dict]:
    done = seed("--list", "--json")
    listing = json.loads(done.stdout)
    assert (list(listing), listing["format"]) == (["format", "target", "releases"], 1)
    assert all(list(one) == LISTED for one in listing["releases"])
    return listing["releases"]


def test_a_store_that_is_not_there_lists_the_starter_and_stays_away(seed, store) -> None:
    (listed,) = document_of_list(seed)
    assert (listed["state"], listed["published"]) == ("in force", None)
    assert re.search(" ships with geoid +in force$", seed("--list").stdout)
    assert seed("--prune").stderr.startswith("nothing to drop; in force: starter-")
    assert not store.exists()


def test_pruning_drops_the_oldest_and_says_which(seed, made, store) -> None:
    seed()
    for second, name in enumerate(["one", "two", "three", "four"], start=1_900_000_000):
        seed(made(name))
        os.utime(store / f"{name}.areas", (second, second))
    done = seed("--prune", "--keep", "3")
    assert (done.returncode, done.stdout) == (0, "one\n")
    assert done.stderr.startswith("dropped 1 release; in force: four; before it: three; ")
    report = document(seed("--prune", "--json"))
    assert (report["dropped"], report["in_force"]) == (["two"], "four")
    assert {"three.areas", "four.areas"} < files(store)


def test_a_dry_run_says_what_would_happen_and_writes_nothing(seed, made, store) -> None:
    done = seed(made("one"), "--dry-run")
    assert (done.returncode, done.stderr) == (0, "")
    plan = "it would be published; it would be in force in place of starter-"
    assert plan in done.stdout
    assert not store.exists()
    seed(made("one"))
    before = (files(store), PackFolder(store).pointer())
    assert "it is already there; it is in force already" in seed(made("one"), "--dry-run").stdout
    report = document(seed(made("two"), "--dry-run", "--json"))
    assert list(report) == KEYS
    assert (report["action"], report["published"], report["in_force"]) == ("dry-run", True, "one")
    assert (files(store), PackFolder(store).pointer()) == before


def test_a_dry_run_and_a_run_agree_on_the_starter(seed) -> None:
    planned, published = (document(seed(*flags, "--json"))["published"] for flags in (["--dry-run"], []))
    assert planned is published is True
    planned, published = (document(seed(*flags, "--json"))["published"] for flags in (["--dry-run"], []))
    assert planned is published is False


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--list", "--rollback"), "--list and --rollback contradict each other"),
        (("--list", "--rollback", "--prune", "--dry-run"), "contradict each other"),
        (("pack.areas", "--list"), "--list takes no SOURCE"),
        (("pack.areas", "--rollback"), "--rollback takes no SOURCE"),
        (("--list", "--name", "kenya"), "--list takes no --name"),
        (("--prune", "--since", "0"), "--prune takes no --since"),
        (("--rollback", "--fail-if", "rows<1"), "--rollback takes no --fail-if"),
        (("--fail-if", "rows<1"), "--fail-if is about what is built, and starter is published as it is"),
        (("records.csv", "--fail-if", "rows"), "--fail-if 'rows' is not a limit"),
        (("records.csv", "--fail-if", "row<1"), "--fail-if row<1: there is no metric row"),
        (("--keep", "2"), "--keep goes with --prune"),
        (("--wait", "soon"), "--wait 'soon' is not a time"),
        (("--wait", "-1s"), "--wait '-1s' is not a time"),
        (("--wait", "٣s"), "is not a time"),
    ],
)
def test_what_does_not_go_together_is_refused(seed, store, arguments, sentence) -> None:
    refused(seed(*arguments), 2, sentence)
    assert not store.exists()


def test_fewer_than_none_cannot_be_kept(seed) -> None:
    done = seed("--prune", "--keep", "-1")
    assert (done.returncode, done.stdout) == (2, "")


@pytest.mark.parametrize("flags", [(), ("--dry-run",)])
def test_a_damaged_pack_exits_with_65_and_writes_nothing(seed, made, store, tmp_path, flags) -> None:
    data = bytearray(made("one").read_bytes())
    at = data.index(b"Panthera leo")
    data[at : at + 8] = b"Panthere"
    (tmp_path / "damaged.areas").write_bytes(data)
    (tmp_path / "cut.areas").write_bytes(made("one").read_bytes()[:-5000])
    (tmp_path / "text.areas").write_text("hello", encoding="utf-8")
    for name in ("damaged.areas", "cut.areas", "text.areas", "missing.areas"):
        refused(seed(tmp_path / name, *flags), 65, name)
    assert not store.exists() or files(store) == {".lock"}


@pytest.mark.parametrize("flags", [(), ("--dry-run",)])
def test_a_name_in_use_with_other_contents_exits_with_65(seed, made, contents_of, store, tmp_path, flags) -> None:
    seed(made("one"))
    other = dataclasses.replace(contents_of(made("two")), name="one")
    write_pack(other, tmp_path / "other.areas")
    refused(seed(tmp_path / "other.areas", *flags), 65, "holds other contents under the name one")
    assert PackFolder(store).pointer().current == AreaPack(made("one")).release


def test_a_pack_of_a_newer_geoid_exits_with_78(seed, made, tmp_path) -> None:
    data = made("one").read_bytes()
    (tmp_path / "newer.areas").write_bytes(data.replace(b"format1", b"format2"))
    refused(seed(tmp_path / "newer.areas"), 78, "area pack of format 2, this geoid reads 1")


def test_a_store_of_no_kind_exits_with_78_and_shows_no_password(geoid) -> None:
    done = geoid("seed", "--to", "mysql://geoid:s3cret@localhost/geoid")
    assert (done.returncode, done.stdout) == (78, "")
    assert "s3cret" not in done.stderr


def test_a_folder_that_cannot_be_written_exits_with_74(geoid, tmp_path) -> None:
    (tmp_path / "file").write_text("a file", encoding="utf-8")
    refused(geoid("seed", "--to", tmp_path / "file" / "areas"), 74, "file")


def test_a_folder_of_its_own_knows_no_starter_before_it_is_seeded(geoid, tmp_path) -> None:
    listed = geoid("seed", "--list", "--to", tmp_path / "store", "--json")
    assert json.loads(listed.stdout)["releases"] == []
    refused(geoid("species", "--at", "52,13", "--areas", tmp_path / "store"), 78, "no release is in force yet")
    assert geoid("seed", "--to", tmp_path / "store").returncode == 0
    assert geoid("species", "--at", "52,13", "--areas", tmp_path / "store").returncode == 0


def test_a_single_pack_as_store_takes_no_release_and_exits_with_78(geoid, made) -> None:
    for flags in ((), ("--list",), ("--rollback",)):
        refused(geoid("seed", *flags, env={"GEOID_AREAS__STORE": f"sqlite:{made('one')}"}), 78, "one.areas is a file")


@pytest.mark.skipif(os.name == "nt", reason="platform: Windows has no limit on the size of files")
def test_a_full_disk_exits_with_74_and_leaves_nothing(seed, store) -> None:
    import resource

    limit = (1 << 20, 1 << 20)  # the same way for a write to fail as a full disk is
    refused(seed(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit)), 74, "check the")
    assert files(store) == {".lock"}


def test_a_second_seed_is_told_to_come_back(seed, made, store) -> None:
    store.mkdir(parents=True)
    with locked(store / ".lock"):
        refused(seed(made("one")), 75, "another process publishes there")
        refused(seed(made("one"), "--wait", "1s"), 75, "waiting: ")
    assert files(store) == {".lock"}


def test_waiting_ends_when_the_other_is_done(start, made, store) -> None:
    store.mkdir(parents=True)
    with locked(store / ".lock"):
        waiting = start(made("one"), "--wait", "60s")
        assert waiting.stderr.readline().startswith("waiting: ")
    output, _ = waiting.communicate(timeout=60)
    assert (waiting.returncode, output) == (0, "one is in force\n")


def test_of_two_at_once_both_are_published_or_one_is_told_to_come_back(start, made, store) -> None:
    both = [start(made(name)) for name in ("one", "two")]
    codes = {process.wait(timeout=60) for process in both}
    assert codes in ({0}, {0, 75})
    both = [start(made(name), "--wait", "60s") for name in ("one", "two")]
    assert {process.wait(timeout=60) for process in both} == {0}
    pointer = PackFolder(store).pointer()
    assert {pointer.current.name, pointer.previous.name} == {"one", "two"}
    assert files(store) == {".lock", "current", "one.areas", "two.areas", f"{AreaPack(STARTER).release.name}.areas"}


@pytest.mark.skipif(os.name == "nt", reason="platform: Windows has no SIGTERM to send")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_interrupted_seed_exits_with_130_and_leaves_nothing_half_done(start, store, number) -> None:
    for _ in range(4):
        process = start()
        until_half_written(process, store)
        process.send_signal(number)
        process.communicate(timeout=30)
        assert not list(store.glob(f"{UNFINISHED}*"))
        if process.returncode == 130:
            break
        shutil.rmtree(store)
    assert process.returncode == 130
    assert PackFolder(store, STARTER).pointer() == Pointer(AreaPack(STARTER).release)


@pytest.mark.skipif(os.name == "nt", reason="platform: Windows has no SIGTERM to send")
def test_a_seed_that_waits_can_be_stopped(start, store) -> None:
    store.mkdir(parents=True)
    with locked(store / ".lock"):
        waiting = start("--wait", "5m")
        waiting.stderr.readline()
        waiting.send_signal(signal.SIGTERM)
        assert waiting.wait(timeout=30) == 130


@pytest.mark.skipif(os.name == "nt", reason="platform: Windows has no pseudo-terminals")
def test_a_terminal_sees_a_bar_and_stdout_does_not(command, store) -> None:
    import pty

    terminal, stderr = pty.openpty()
    seen = bytearray()

    def read() -> None:
        try:
            while data := os.read(terminal, 4096):
                seen.extend(data)
        except OSError:  # the other end is closed
            pass

    reader = threading.Thread(target=read)
    reader.start()
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "100"}
    line = [command, "seed"]
    done = subprocess.run(line, stdout=subprocess.PIPE, stderr=stderr, env=environment, timeout=60, check=True)
    os.close(stderr)
    reader.join(timeout=20)
    os.close(terminal)
    assert re.fullmatch(rb"starter-\S+ is in force\r?\n", done.stdout)
    assert re.search(rb"rows.*/s", bytes(seen), re.DOTALL)
    assert b"published" in seen


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="platform: what is killed on Windows may still hold its files")
def test_a_seed_that_is_killed_at_any_moment_leaves_one_release_in_force_and_the_next_succeeds(
    start, seed, made, store
) -> None:
    one, two = AreaPack(made("one")), AreaPack(made("two"))
    before, after = Pointer(one.release), Pointer(two.release, one.release)
    began = time.monotonic()
    start(made("two")).communicate()
    whole = time.monotonic() - began
    chance = random.Random(4)
    found = []
    for moment in range(MOMENTS):
        shutil.rmtree(store)
        folder = PackFolder(store)
        folder.publish(one)
        folder.switch("one")
        process = start(made("two"))
        if moment % 2:  # every other time in the middle of writing
            until_half_written(process, store)
        time.sleep(chance.uniform(0, 0.1 if moment % 2 else whole * 1.1))
        process.kill()
        process.communicate()
        left = bool(list(store.glob(f"{UNFINISHED}*")))
        pointer = PackFolder(store).pointer()
        assert pointer in {before, after}
        assert PackFolder(store).taxa(pointer.current)
        found.append((pointer == after, left))
        done = seed(made("two"))
        assert (done.returncode, done.stdout) == (0, "two is in force\n")
        assert files(store) == {".lock", "current", "one.areas", "two.areas"}
    print(
        f"killed {MOMENTS} times: {sum(done for done, _ in found)} done, {sum(left for _, left in found)} half written"
    )
    assert not all(done for done, _ in found)
    assert any(left for _, left in found)
