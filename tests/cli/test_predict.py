"""`geoid predict` as its user meets it."""

import csv
import io
import json
import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest


@pytest.fixture(name="koala")
def _koala(photos: Path) -> Path:
    return photos / "koala.webp"


def test_a_photo_is_named_and_nothing_else_is_said(geoid, koala) -> None:
    done = geoid("predict", koala, "--top", 1)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Phascolarctos cinereus" in done.stdout
    assert len(done.stdout.splitlines()) == 1


def test_one_photo_as_json_is_one_document_with_every_key(geoid, koala, document_keys) -> None:
    document = json.loads(geoid("predict", koala, "--json").stdout)
    assert list(document) == document_keys
    assert document["answer"]["scientific_name"] == "Phascolarctos cinereus"
    assert document["answer_status"] == "species"
    assert document["narrowing"]["status"] == "no-location"


def test_json_short_and_long_are_the_same_option(geoid, koala) -> None:
    short, long = (json.loads(geoid("predict", koala, *flags).stdout) for flags in (["--json"], ["--format", "json"]))
    del short["timings_ms"], long["timings_ms"]
    assert short == long


def test_place_and_date_given_go_into_the_answer(geoid, koala) -> None:
    document = json.loads(geoid("predict", koala, "--json", "--at", "-33.86,151.2", "--on", "2024-01-31").stdout)
    assert document["location"] == {"latitude": -33.86, "longitude": 151.2, "uncertainty_m": None, "source": "argument"}
    assert document["date"] == {"value": "2024-01-31", "source": "argument"}
    assert document["cell"].startswith("85")
    assert document["narrowing"]["status"] == "applied"
    assert document["candidates"][0]["local_status"] == "expected"


def test_a_hidden_location_is_rounded_to_the_large_cell(geoid, koala) -> None:
    arguments = ("predict", koala, "--json", "--hide-location", "--at", "-33.86543,151.20987")
    done = geoid(*arguments)
    document = json.loads(done.stdout)
    assert document["cell"].startswith("83")
    assert document["location"]["uncertainty_m"] > 50_000
    assert "33.86" not in done.stdout
    assert "151.20" not in done.stdout


def test_a_folder_as_json_is_an_array_in_order(geoid, photos) -> None:
    documents = json.loads(geoid("predict", photos, "--json", "--top", 1).stdout)
    names = [document["photo"]["path"] for document in documents]
    assert names == sorted(names)
    assert len(names) == len(list(photos.iterdir()))


def test_an_empty_list_of_answers_is_still_json(geoid, tmp_path) -> None:
    done = geoid("predict", tmp_path, "--json")
    assert done.returncode == 65
    assert [document["error"]["kind"] for document in json.loads(done.stdout)] == ["no-photos"]


def test_json_lines_are_one_object_a_line_with_failures_in_their_place(geoid, koala, tmp_path) -> None:
    bad = tmp_path / "bad.jpg"
    bad.write_text("hello", encoding="utf-8")
    done = geoid("predict", koala, bad, koala.with_name("cheetah.webp"), "--format", "jsonl")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 65
    assert [line["photo"]["path"] for line in lines] == [str(koala), str(bad), str(koala.with_name("cheetah.webp"))]
    assert lines[1] == {
        "format": 1,
        "photo": {"path": str(bad)},
        "error": {"kind": "not-a-photo", "message": f"{bad}: not an image but text"},
    }


def test_csv_has_a_row_a_candidate(geoid, koala) -> None:
    rows = list(csv.DictReader(io.StringIO(geoid("predict", koala, "--format", "csv", "--top", 3).stdout)))
    assert [row["position"] for row in rows] == ["1", "2", "3"]
    assert rows[0]["scientific_name"] == "Phascolarctos cinereus"


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (("--at", "91,0"), 2, "latitude 91 is outside -90..90"),
        (("--at", "0,181"), 2, "longitude 181 is outside -180..180"),
        (("--at", "0,0"), 2, "--at 0,0 is what a device without a position says"),
        (("--at", "nan,1"), 2, "latitude nan is outside"),
        (("--at", "here"), 2, "--at 'here' is not a latitude and a longitude"),
        (("--on", "2024-02-30"), 2, "--on '2024-02-30' is not a date"),
        (("--on", "yesterday"), 2, "--on 'yesterday' is not a date"),
        (("--model", "efficientnet-lite3"), 70, "model 'efficientnet-lite3' is unknown"),
        (("--require-location",), 66, "no usable location"),
        (("--top", "0"), 2, "--top"),
        (("--frobnicate",), 2, "No such option"),
    ],
)
def test_bad_arguments_get_one_sentence_and_their_exit_code(geoid, koala, arguments, code, sentence) -> None:
    done = geoid("predict", koala, *arguments)
    assert done.returncode == code
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_a_hint_follows_the_error_after_a_blank_line(geoid, koala) -> None:
    error, blank, hint, *_ = geoid("predict", koala, "--at", "91,0").stderr.splitlines()
    assert error.startswith("error: ")
    assert not blank
    assert hint.startswith("hint: ")


def test_a_required_location_may_be_given(geoid, koala) -> None:
    assert geoid("predict", koala, "--require-location", "--at", "-27,153").returncode == 0


def test_a_photo_without_location_is_still_answered_when_one_is_required(geoid, koala) -> None:
    done = geoid("predict", koala, "--require-location", "--json")
    assert done.returncode == 66
    assert json.loads(done.stdout)["answer"]["common_name"] == "koala"


def test_standard_input_is_a_photo(geoid, koala) -> None:
    done = geoid("predict", "-", "--json", input=koala.read_bytes(), text=False, encoding=None)
    assert json.loads(done.stdout)["answer"]["common_name"] == "koala"


def test_a_file_name_cannot_command_the_terminal(geoid, koala, tmp_path) -> None:
    if os.name == "nt":
        pytest.skip("platform: Windows forbids control characters in names")
    evil = tmp_path / "a\x1b[31mred\n.webp"
    shutil.copy(koala, evil)
    (tmp_path / "b\x1b]0;title\x07.jpg").write_bytes(b"")
    for form in ("table", "csv", "json", "jsonl"):
        done = geoid("predict", tmp_path, "--format", form)
        assert "\x1b" not in done.stdout + done.stderr
        assert "\x07" not in done.stdout + done.stderr


def test_a_reader_that_leaves_early_ends_the_run_quietly(command, photos) -> None:
    first = subprocess.Popen(
        [command, "predict", photos, "--format", "jsonl"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert first.stdout.readline().startswith(b'{"format": 1')
    first.stdout.close()
    assert first.wait(60) == 1
    assert first.stderr.read() == b""
    first.stderr.close()


def test_ctrl_c_stops_a_run_with_130_and_no_traceback(command, photos, tmp_path) -> None:
    if os.name == "nt":
        pytest.skip("platform: signals")
    for copy in range(40):
        shutil.copytree(photos, tmp_path / str(copy))
    process = subprocess.Popen(
        [command, "predict", tmp_path, "--format", "jsonl"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    process.stdout.readline()
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    with process.stdout, process.stderr:
        rest, error = process.stdout.read(), process.stderr.read()
    assert process.wait(30) == 130
    assert b"Traceback" not in error
    assert all(json.loads(line) for line in rest.splitlines())


def test_a_full_disk_is_one_sentence(geoid, koala) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("platform: there is no /dev/full")
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = geoid("predict", koala, capture_output=False, stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 74
    assert done.stderr.startswith("error: the answer cannot be written: No space left on device")


def test_verbose_tells_the_steps_on_stderr_and_not_the_place(geoid, koala) -> None:
    done = geoid("predict", koala, "-v", "--at", "-33.86543,151.20987")
    assert "classify_ms=" in done.stderr
    assert "33.86" not in done.stderr


def test_tiles_and_the_small_model_answer_too(geoid, koala) -> None:
    for flags in (["--tiles"], ["--model", "efficientnet-lite0"], ["--model", "efficientnet-lite2-int8"]):
        document = json.loads(geoid("predict", koala, "--json", *flags).stdout)
        assert document["candidates"][0]["common_name"] == "koala"


def test_one_worker_and_many_say_the_same(geoid, photos) -> None:
    runs = [json.loads(geoid("predict", photos, "--json", "--workers", workers).stdout) for workers in (1, 3)]
    for documents in runs:
        for document in documents:
            del document["timings_ms"]
    assert runs[0] == runs[1]


def test_settings_come_from_the_environment_and_a_file(geoid, koala, tmp_path) -> None:
    (tmp_path / "geoid.toml").write_text("[predict]\ntop = 2\n", encoding="utf-8")
    assert len(geoid("predict", koala.resolve(), cwd=tmp_path).stdout.splitlines()) == 2
    environment = {"GEOID_PREDICT__TOP": "3"}
    assert len(geoid("predict", koala.resolve(), cwd=tmp_path, env=environment).stdout.splitlines()) == 3
    assert len(geoid("predict", koala.resolve(), "--top", 1, cwd=tmp_path, env=environment).stdout.splitlines()) == 1


def test_an_unknown_setting_is_an_error_wherever_it_stands(geoid, koala, tmp_path) -> None:
    done = geoid("predict", koala, env={"GEOID_PREDICT__TOPP": "3"})
    assert done.returncode == 78
    assert "unknown setting predict.topp (environment)" in done.stderr
    assert "did you mean predict.top" in done.stderr
    (tmp_path / "geoid.toml").write_text("[cash]\nttl = 600\n", encoding="utf-8")
    assert geoid("predict", koala.resolve(), cwd=tmp_path).returncode == 78


def test_an_unknown_profile_names_the_known_ones(geoid, koala) -> None:
    done = geoid("--profile", "lokal", "predict", koala)
    assert done.returncode == 78
    assert "profiles: embedded" in done.stderr


def test_nothing_is_written_or_queued_but_geoids_own_cache(geoid, koala, tmp_path) -> None:
    """onnxruntime would keep a queue of telemetry events below the home folder, and send it from long runs."""
    if os.name == "nt":
        pytest.skip("platform: HOME is not the home folder")
    folders = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    assert geoid("predict", koala.resolve(), cwd=tmp_path, env=folders).returncode == 0
    files = {path.relative_to(tmp_path).parts[:2] for path in tmp_path.rglob("*") if path.is_file()}
    assert files == {("cache", "geoid")}


def test_a_hidden_location_stays_hidden_in_the_log(geoid, koala) -> None:
    done = geoid("predict", koala, "-v", "--hide-location", "--at", "-33.86543,151.20987")
    assert re.search(r"cell=83\w+", done.stderr)


def test_json_and_another_format_contradict_each_other(geoid, koala) -> None:
    done = geoid("predict", koala, "--json", "--format", "csv")
    assert (done.returncode, done.stdout) == (2, "")


def test_a_closed_standard_output_is_one_sentence(command, koala) -> None:
    if os.name == "nt":
        pytest.skip("platform: shell redirection")
    done = subprocess.run(f"'{command}' predict '{koala}' >&-", shell=True, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.splitlines()[0]) == (74, "error: standard output is closed")


def test_lines_for_pipes_say_when_there_is_no_animal(geoid, photos) -> None:
    line = geoid("predict", photos / "no-animal-castle.webp", "--top", 1).stdout
    assert line.split()[1] == "no-animal"


def test_the_cache_may_be_given_with_a_tilde(geoid, koala, tmp_path) -> None:
    settings = {"GEOID_PATHS__CACHE": "~/models", "HOME": str(tmp_path), "USERPROFILE": str(tmp_path)}
    geoid("predict", koala.resolve(), cwd=tmp_path, env=settings)
    assert list((tmp_path / "models").glob("*.onnx"))
