"""`geoid model`, `doctor`, `licences` and the manners that all commands share."""

import json
import re
import shutil

import pytest

COMMANDS = [
    (),
    ("predict",),
    ("model",),
    ("model", "list"),
    ("model", "show"),
    ("model", "add"),
    ("model", "verify"),
    ("doctor",),
    ("licences",),
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_help_ends_with_examples(geoid, command) -> None:
    done = geoid(*command, "--help")
    assert done.returncode == 0
    assert re.search(r"Examples: geoid .* · geoid ", " ".join(done.stdout.split()))


def test_the_version_is_the_distributions(geoid) -> None:
    from importlib.metadata import version

    assert geoid("--version").stdout == f"geoid {version('geoid')}\n"


def test_the_models_are_listed_default_first(geoid) -> None:
    models = json.loads(geoid("model", "list", "--json").stdout)["models"]
    assert [model["name"] for model in models] == [
        "efficientnet-lite2",
        "efficientnet-lite0",
        "efficientnet-lite0-int8",
        "efficientnet-lite2-int8",
    ]
    assert all(model["licence"] == "Apache-2.0" for model in models)


def test_a_card_is_shown_with_the_path_of_the_built_file(geoid) -> None:
    card = json.loads(geoid("model", "show", "efficientnet-lite2", "--json").stdout)
    assert card["path"].endswith(f"efficientnet-lite2-{card['sha256'][:16]}.onnx")
    assert "path" in geoid("model", "show", "efficientnet-lite2").stdout


def test_every_model_verifies(geoid) -> None:
    for name in ("efficientnet-lite2", "efficientnet-lite0", "efficientnet-lite2-int8", "efficientnet-lite0-int8"):
        found = json.loads(geoid("model", "verify", name, "--json").stdout)
        assert found["name"] == name
        assert found["difference"] is not None


def test_a_model_can_be_added_and_used(geoid, photos, tmp_path) -> None:
    shown = json.loads(geoid("model", "show", "efficientnet-lite0", "--json").stdout)
    shutil.copy(shown.pop("path"), tmp_path / "mine.onnx")
    labels = [f"Panthera leo{'' if index == 0 else index}" for index in range(1000)]
    (tmp_path / "labels.txt").write_text("\n".join(labels), encoding="utf-8")
    card = {**shown, "name": "mine", "labels": "labels.txt", "weights": None, "build": None, "check": None}
    (tmp_path / "mine.json").write_text(json.dumps(card), encoding="utf-8")
    environment = {"GEOID_PATHS__MODELS": str(tmp_path / "models"), "GEOID_PATHS__CACHE": str(tmp_path / "cache")}
    done = geoid("model", "add", tmp_path / "mine.onnx", env=environment)
    assert (done.returncode, done.stdout) == (0, "mine\n")
    again = geoid("model", "add", tmp_path / "mine.onnx", env=environment)
    assert again.returncode == 70
    predicted = json.loads(geoid("predict", photos / "koala.webp", "--model", "mine", "--json", env=environment).stdout)
    assert predicted["model"]["name"] == "mine"
    assert [candidate["scientific_name"] for candidate in predicted["candidates"]] == ["Panthera leo"]


def test_a_broken_card_hides_no_other_model(geoid, tmp_path) -> None:
    (tmp_path / "broken.json").write_text('{"format": 1}', encoding="utf-8")
    environment = {"GEOID_PATHS__MODELS": str(tmp_path)}
    done = geoid("model", "list", env=environment)
    assert done.returncode == 0
    assert "efficientnet-lite2" in done.stdout
    assert "broken.json" in done.stderr
    assert geoid("predict", "x.jpg", "--model", "broken", env=environment).returncode == 70


def test_doctor_finds_a_sound_installation(geoid) -> None:
    checks = json.loads(geoid("doctor", "--json").stdout)["checks"]
    assert {check["check"] for check in checks} == {
        "python",
        "packages",
        "formats",
        "cards",
        "model",
        "areas",
        "cache",
        "answer",
    }
    assert not [check for check in checks if check["state"] == "fail"]


def test_doctor_says_what_is_wrong_and_exits_with_its_code(geoid) -> None:
    done = geoid("doctor", env={"GEOID_MODEL__NAME": "nope"})
    assert done.returncode == 70
    assert "fail  model" in done.stdout


def test_doctor_shows_each_setting_and_its_layer(geoid) -> None:
    done = geoid("doctor", "--settings", "--json", env={"GEOID_PREDICT__TOP": "7"})
    settings = json.loads(done.stdout)["settings"]
    assert settings["predict.top"] == {"value": 7, "layer": "environment"}
    assert settings["model.name"]["layer"] == "profile embedded"


SLIPS = (
    "u:s3cret@localhost:5432/d",
    " postgresql://u:s3cret@127.0.0.1:1/d",
    "Postgresql://u:s3cret@127.0.0.1:1/d",
    "postgresql://u:s3cret@127.0.0.1:99999/d",
    "host=localhost password=s3cret dbname=d",
    "//u:s3cret@localhost/d",
    "sqlite:u:s3cret@localhost",
    "sqlite://u:s3cret@localhost/d",
)


@pytest.mark.parametrize("store", SLIPS)
def test_a_slip_in_the_url_of_a_store_shows_no_password_and_makes_no_folder(geoid, tmp_path, store: str) -> None:
    options = {"env": {"GEOID_AREAS__STORE": store}, "cwd": tmp_path}
    for arguments in (
        ("species", "--at", "52,13"),
        ("doctor", "--settings"),
        ("seed", "--list"),
        ("seed", "--to", store),
    ):
        done = geoid(*arguments, **options)
        assert "s3cret" not in done.stdout + done.stderr
        assert done.returncode == (0 if "--settings" in arguments else 69 if store.startswith(" ") else 78)
    assert list(tmp_path.iterdir()) == []


def test_doctor_shows_no_password(geoid) -> None:
    secret = {
        "GEOID_AREAS__STORE": "postgresql://u:s3cret@127.0.0.1:1/d",
        "GEOID_CACHE__URL": "redis://:s3cret@127.0.0.1:1",
    }
    for arguments in (("--settings",), ("--settings", "--json"), ("--json",), ()):
        done = geoid("doctor", *arguments, env=secret)
        assert "s3cret" not in done.stdout + done.stderr
        assert "127.0.0.1:1" in done.stdout


def test_doctor_explains_every_problem(geoid) -> None:
    from geoid.core.problems import Problem

    assert set(json.loads(geoid("doctor", "--problems", "--json").stdout)["problems"]) == set(Problem)


def test_licences_name_code_weights_data_and_photos(geoid) -> None:
    terms = json.loads(geoid("licences", "--json").stdout)["licences"]
    assert {term["kind"] for term in terms} == {"code", "weights", "data", "photos"}
    names = {term["name"] for term in terms}
    assert {"geoid", "onnxruntime", "pillow", "efficientnet-lite2"} <= names
    assert not names & {"pytest", "mypy", "ruff"}


def test_no_licence_of_a_default_dependency_is_copyleft(geoid) -> None:
    terms = json.loads(geoid("licences", "--json").stdout)["licences"]
    strong = [term for term in terms if re.search(r"\b(A?GPL|General Public)", term["licence"])]
    assert strong == []


@pytest.mark.parametrize(("key", "value"), [("size", 200), ("dtype", "float32"), ("layout", "NCHW")])
def test_a_card_that_does_not_fit_its_model_is_refused_with_70(geoid, tmp_path, key, value) -> None:
    shown = json.loads(geoid("model", "show", "efficientnet-lite0", "--json").stdout)
    shutil.copy(shown.pop("path"), tmp_path / "mine.onnx")
    (tmp_path / "labels.txt").write_text("\n".join(f"thing {index}" for index in range(1000)), encoding="utf-8")
    card = {**shown, "name": "mine", "labels": "labels.txt", "weights": None, "build": None, "check": None}
    card["input"] = {**card["input"], key: value, "mean": [0, 0, 0], "scale": [1, 1, 1]}
    (tmp_path / "mine.json").write_text(json.dumps(card), encoding="utf-8")
    models = tmp_path / "models"
    done = geoid("model", "add", tmp_path / "mine.onnx", env={"GEOID_PATHS__MODELS": str(models)})
    assert done.returncode == 70
    assert "hint: correct `input` in the card" in done.stderr
    assert not models.exists() or not list(models.iterdir())


def test_a_setting_of_few_values_names_them(geoid) -> None:
    done = geoid("doctor", env={"GEOID_LOG__LEVEL": "loud"})
    assert done.returncode == 78
    assert "choose one of: debug, info, warning, error" in done.stderr
