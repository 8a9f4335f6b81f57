"""`geoid seed SOURCE…` around the engine: where a release goes, what stops it, and what is said of it."""

from __future__ import annotations

import dataclasses
import json
import signal
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from geoid import wiring
from geoid.adapters.pack_files import write_pack, write_rows
from geoid.adapters.packs import PackFolder
from geoid.adapters.sqlite import AreaPack
from geoid.cli import app, seed_options
from geoid.core.features import Features, encode, records_of
from geoid.core.ports import Pack
from geoid.core.releases import Contents, Kind, ReleaseTaxon
from geoid.errors import AreaDataError, UnavailableError
from geoid.seeding.reports import NamesReport, SeedReport, SourceReport, UnmatchedTaxon, ValuesReport
from geoid.seeding.requests import SINCE, Moment, Request
from geoid.seeding.sources import BrokenLine

VALUE = encode(Features(3, records_of([(0, 255, bytes([255] * 12), 32)]))).value
LION = ReleaseTaxon(0, "wn:lion", "Panthera leo", "lion", "species", {"class": "Mammalia"})
CONTENTS = Contents(
    "kenya", Kind.RANGES, (LION,), ((0x837A6EFFFFFFFFF,),), {0x837A6EFFFFFFFFF: VALUE}, {}, "made by hand", "CC0"
)
BROKEN = (BrokenLine("records.csv", 7, "2 columns, expected 4"),)
SOURCE = SourceReport("records.csv", "table", "CC0", 200, 150, 1, {"no-position": 50}, 9000, BROKEN)
NAMES = NamesReport(2, {"name": 1}, (UnmatchedTaxon("Aus bus", 30, 1, "unknown-name"),), 120, 30, 398, ("Pica pica",))
REPORT = SeedReport((SOURCE,), NAMES, ValuesReport({3: 1}, 44, 44, 44, 0), 0.5, 90_000_000)


class Built(NamedTuple):
    """What the engine yields."""

    pack: Pack
    report: SeedReport

    def write(self, path: Path) -> None:
        write_rows(self.pack, path)


@pytest.fixture(name="pack", scope="module")
def _pack(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("packs") / "kenya.areas"
    write_pack(CONTENTS, path)
    return path


@pytest.fixture(name="engine")
def _engine(monkeypatch, pack):
    """Stands in for the engine: it notes what was asked and whether its context ended, and may have a `fault`."""
    noted = {"requests": [], "ended": 0, "fault": None}

    @contextmanager
    def building(settings, request, watch):
        noted["requests"].append(request)
        for done in range(0, 9001, 3000):
            watch(Moment("reading", done, 9000, done // 45))
        watch(Moment("counting", 1, 1, 200))
        if noted["fault"] is not None:
            raise noted["fault"]
        try:
            yield Built(AreaPack(pack), REPORT)
        finally:
            noted["ended"] += 1

    monkeypatch.setattr(wiring, "building", building, raising=False)
    monkeypatch.setattr(wiring, "write_pack", write_rows, raising=False)
    return noted


class Done(NamedTuple):
    """A command that ran in this process."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture(name="seed")
def _seed(monkeypatch, capsys, engine, tmp_path, store):
    """Run `geoid seed` in a folder of its own, on a store in there that knows no starter release."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GEOID_AREAS__PUBLISH", f"sqlite:{store}")

    def seed(*arguments: object) -> Done:
        monkeypatch.setattr(sys, "argv", ["geoid", "seed", *map(str, arguments)])
        code = app.run()
        return Done(code, *capsys.readouterr())

    return seed


@pytest.fixture(name="store")
def _store(tmp_path) -> Path:
    return tmp_path / "store"


def test_what_is_built_is_put_in_force_and_reported(seed, store, engine) -> None:
    done = seed("records.csv", "ke.csv")
    assert (done.returncode, done.stdout) == (0, "kenya is in force\n")
    report, published = done.stderr.rstrip("\n").rsplit("\n", 1)
    assert report.startswith("records.csv         table, CC0\n  rows              200\n")
    assert "records.csv:7: 2 columns, expected 4" in report
    assert published.startswith("published 1 taxa, 1 cells, 0 overflow, ")
    assert PackFolder(store).pointer().current == AreaPack(store / "kenya.areas").release
    assert engine["requests"] == [Request(("records.csv", "ke.csv"))]
    assert engine["ended"] == 1


def test_options_reach_the_engine(seed, engine) -> None:
    seed("a.csv", "starter", "--name", "x", "--since", 0, "--taxa", "Aves", "--area", "KE TZ", "--accept", "birdnet")
    (request,) = engine["requests"]
    assert request == Request(("a.csv", "starter"), "x", 0, "Aves", "KE TZ", frozenset({"birdnet"}))
    assert seed("a.csv", "--accept", "other").returncode == 2
    assert seed_options.SINCE == SINCE


@pytest.mark.parametrize("filters", [("--name", "x"), ("--since", "1970"), ("--taxa", "Aves"), ("--area", "KE")])
def test_a_pack_of_which_something_is_wanted_is_built_anew(seed, engine, pack, filters) -> None:
    for sources in ((pack,), ()):
        assert seed(*sources, *filters).returncode == 0
    assert [request.sources for request in engine["requests"]] == [(str(pack),), ("starter",)]


def test_a_pack_alone_is_published_as_it_is(seed, engine, pack, store, tmp_path) -> None:
    (tmp_path / "renamed").write_bytes(pack.read_bytes())
    for source in (pack, "renamed"):
        done = seed(source)
        assert (done.returncode, done.stdout) == (0, "kenya is in force\n")
        assert len(done.stderr.splitlines()) == 1
    assert PackFolder(store).pointer().current == AreaPack(pack).release
    assert engine["requests"] == []


def test_the_document_holds_the_report(seed) -> None:
    done = seed("records.csv", "--json")
    document = json.loads(done.stdout)
    assert (done.returncode, done.stderr) == (0, "")
    assert (document["format"], document["release"], document["in_force"]) == (1, "kenya", "kenya")
    assert document["sources"][0]["dropped"] == {"no-position": 50}
    assert document["names"]["unmatched"][0]["scientific_name"] == "Aus bus"
    assert (document["build_seconds"], document["peak_memory"]) == (0.5, 90_000_000)


def test_a_file_is_written_and_nothing_published(seed, store, tmp_path, engine) -> None:
    for to in ("my.areas", f"sqlite:{tmp_path / 'other.areas'}"):
        done = seed("records.csv", "--to", to)
        path = to.removeprefix("sqlite:")
        assert (done.returncode, done.stdout) == (0, f"wrote {path}\n")
        assert done.stderr.splitlines()[-1].startswith("kenya, digest ")
        assert AreaPack(tmp_path / path).release == AreaPack(tmp_path / "my.areas").release
    assert not store.exists()
    assert engine["ended"] == 2


def test_a_pack_can_be_copied_to_a_file(seed, pack, tmp_path) -> None:
    document = json.loads(seed(pack, "--to", "copy.areas", "--json").stdout)
    assert AreaPack(tmp_path / "copy.areas").release == AreaPack(pack).release
    assert (document["file"], document["target"], document["published"]) == ("copy.areas", "copy.areas", False)
    assert (document["in_force"], document["bytes"]) == (None, (tmp_path / "copy.areas").stat().st_size)


def test_a_folder_is_a_store_whatever_its_name(seed, tmp_path) -> None:
    (tmp_path / "store.areas").mkdir()
    assert seed("records.csv", "--to", "store.areas").stdout == "kenya is in force\n"
    assert (tmp_path / "store.areas" / "kenya.areas").is_file()


def test_a_file_in_a_folder_that_is_missing_is_refused_before_anything_is_read(seed, engine) -> None:
    done = seed("records.csv", "--to", "missing/my.areas")
    assert (done.returncode, done.stdout, engine["requests"]) == (74, "", [])
    assert "there is no folder missing" in done.stderr


def test_a_store_that_does_not_answer_is_noticed_before_anything_is_read(seed, engine, monkeypatch) -> None:
    def down(self):
        raise UnavailableError("the store does not answer")

    monkeypatch.setattr(PackFolder, "list", down)
    assert (seed("records.csv").returncode, engine["requests"]) == (69, [])


def test_a_dry_run_builds_and_reports_and_changes_nothing(seed, store, tmp_path, engine) -> None:
    done = seed("records.csv", "--dry-run")
    assert done.returncode == 0
    assert "plan     it would be published; it would be in force in place of none" in done.stdout
    assert done.stderr.startswith("records.csv         table, CC0\n")
    assert not store.exists()
    assert "plan     it would be written; nothing was changed" in seed("a.csv", "--dry-run", "--to", "a.areas").stdout
    (tmp_path / "a.areas").write_text("other", encoding="utf-8")
    document = json.loads(seed("a.csv", "--dry-run", "--to", "a.areas", "--json").stdout)
    assert (document["action"], document["file"], document["sources"][0]["rows"]) == ("dry-run", "a.areas", 200)
    assert "it would take the place of" in seed("a.csv", "--dry-run", "--to", "a.areas").stdout
    assert (tmp_path / "a.areas").read_text(encoding="utf-8") == "other"
    assert engine["ended"] == 4


@pytest.mark.parametrize("flags", [(), ("--dry-run",), ("--to", "my.areas"), ("--json",)])
def test_a_broken_limit_is_reported_and_nothing_published(seed, store, tmp_path, engine, flags) -> None:
    limits = ("--fail-if", "unmatched > 10%", "--fail-if", "no-position>=25%", "--fail-if", "rows<10")
    done = seed("records.csv", *limits, *flags)
    assert (done.returncode, done.stdout) == (99, "")
    assert done.stderr.startswith("records.csv         table, CC0\n")
    error = "error: unmatched is 20%, which breaks unmatched>10%; no-position is 25%, which breaks no-position>=25%; "
    assert f"{error}nothing was changed\n\nhint: " in done.stderr
    assert not store.exists()
    assert not (tmp_path / "my.areas").exists()
    assert engine["ended"] == 1


def test_limits_that_hold_say_nothing(seed) -> None:
    done = seed("records.csv", "--fail-if", "unmatched>20%", "--fail-if", "seconds>1s")
    assert (done.returncode, done.stdout) == (0, "kenya is in force\n")


def test_a_limit_that_is_none_is_refused_before_anything_is_read(seed, engine) -> None:
    done = seed("records.csv", "--fail-if", "unmatched>5s")
    assert (done.returncode, done.stdout, engine["requests"]) == (2, "", [])


def test_a_failure_is_an_error_on_stderr_in_every_form(seed, engine, store) -> None:
    engine["fault"] = AreaDataError("records.csv: is no table", "look at it")
    for flags in ((), ("--json",)):
        done = seed("records.csv", *flags)
        assert (done.returncode, done.stdout) == (65, "")
        assert done.stderr == "error: records.csv: is no table\n\nhint: look at it\n"
    assert not store.exists()


def test_a_name_in_use_for_other_contents_exits_with_65(seed, store, pack) -> None:
    store.mkdir(parents=True)
    other = write_pack(dataclasses.replace(CONTENTS, taxa=(LION._replace(common_name="x"),)), store / "kenya.areas")
    for flags in ((), ("--dry-run",)):
        done = seed("records.csv", *flags)
        assert (done.returncode, done.stdout) == (65, "")
        assert "holds other contents under the name kenya" in done.stderr
    assert AreaPack(store / "kenya.areas").release == other


def test_an_interruption_ends_the_context_of_the_engine(seed, engine, store, monkeypatch) -> None:
    monkeypatch.setattr(PackFolder, "publish", lambda *_: signal.raise_signal(signal.SIGTERM))
    assert seed("records.csv").returncode == 130
    assert engine["ended"] == 1
    assert not (store / "current").exists()


def test_only_so_many_unmatched_taxa_are_listed(seed) -> None:
    assert "Aus bus" in seed("records.csv").stderr
    assert "Aus bus" not in seed("records.csv", "--unmatched", "0").stderr
    assert seed("records.csv", "--unmatched", "-1").returncode == 2
