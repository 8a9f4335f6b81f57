"""`geoid seed` as its user meets it, into folders of packs: answers and refusals."""

from __future__ import annotations

import dataclasses
import json
import os
import re
from pathlib import Path

import pytest

from geoid.adapters.pack_files import write_pack
from geoid.adapters.packs import PackFolder
from geoid.adapters.sqlite import AreaPack

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


@pytest.fixture(name="other")
def _other(made, contents_of, tmp_path) -> Path:
    """A pack that goes by the name `one` and holds what `two` holds."""
    write_pack(dataclasses.replace(contents_of(made("two")), name="one"), tmp_path / "other.areas")
    return tmp_path / "other.areas"


@pytest.mark.parametrize("flags", [(), ("--dry-run",)])
def test_a_name_in_use_with_other_contents_exits_with_65(seed, made, other, store, flags) -> None:
    seed(made("one"))
    refused(seed(other, *flags), 65, "holds other contents under the name one")
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
