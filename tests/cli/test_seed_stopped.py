"""`geoid seed` into folders of packs, beside others and stopped: full disks, waits, interruptions and kills."""

from __future__ import annotations

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

from geoid.adapters.packs import PackFolder
from geoid.adapters.sqlite import AreaPack
from geoid.adapters.whole_files import UNFINISHED, locked
from geoid.core.releases import Pointer

STARTER = Path(__file__).resolve().parents[2] / "fixtures" / "areas" / "starter.areas"
MOMENTS = 20


def files(store: Path) -> set[str]:
    return {path.name for path in store.iterdir()}


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
