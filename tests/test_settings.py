"""Settings: each layer beats the one before, and whatever is wrong is named with its layer."""

from __future__ import annotations

import itertools
import tomllib
from importlib import resources
from pathlib import Path
from typing import get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoid import open_settings
from geoid.errors import SettingsError
from geoid.settings import Loaded, Settings, environment_layer, file_layer, load, profiles

NO_FILE: Path | None = None


def loaded(*, file: Path | None = NO_FILE, environ=None, flags=None, profile: str = "embedded") -> Loaded:
    return load(profile, file=file, environ=environ or {}, flags=flags or {})


@pytest.fixture(name="write")
def _write(tmp_path: Path):
    def write(text: str | bytes) -> Path:
        path = tmp_path / "geoid.toml"
        path.write_bytes(text.encode("utf-8") if isinstance(text, str) else text)
        return path

    return write


@pytest.fixture(name="bare")
def _bare(monkeypatch, tmp_path: Path) -> Path:
    """A process without any variable of geoid, in an empty folder."""
    import os

    for name in [name for name in os.environ if name.startswith("GEOID_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def keys() -> list[str]:
    return [f"{section}.{key}" for section, kind in get_type_hints(Settings).items() for key in get_type_hints(kind)]


# defaults


def test_the_embedded_profile_sets_every_setting_and_nothing_else() -> None:
    text = resources.files("geoid.profiles").joinpath("embedded.toml").read_text(encoding="utf-8")
    table = tomllib.loads(text)
    assert sorted(f"{section}.{key}" for section, values in table.items() for key in values) == sorted(keys())


def test_the_defaults_are_those_of_the_design() -> None:
    found = loaded().settings
    assert (found.model.name, found.model.tiles) == ("efficientnet-lite2", False)
    assert (found.ranking.answer_bar, found.ranking.animal_bar) == (0.65, 0.2)
    assert (found.predict.top, found.predict.workers) == (5, 0)


def test_every_value_knows_its_layer(write) -> None:
    file = write("[predict]\ntop = 7\n")
    origins = loaded(file=file, environ={"GEOID_LOG__LEVEL": "info"}, flags={"model.tiles": True}).origins
    assert sorted(origins) == sorted(keys())
    assert origins["predict.top"] == (7, str(file))
    assert origins["log.level"] == ("info", "environment")
    assert origins["model.tiles"] == (True, "flags")
    assert origins["names.language"] == ("en", "profile embedded")


def test_settings_are_frozen() -> None:
    with pytest.raises(AttributeError):
        loaded().settings.predict.top = 9


# layers


@pytest.mark.parametrize("given_layers", [pair for n in range(4) for pair in itertools.combinations(range(3), n)])
def test_each_layer_beats_the_ones_before(write, given_layers) -> None:
    file = write("[predict]\ntop = 11\n") if 0 in given_layers else None
    environ = {"GEOID_PREDICT__TOP": "12"} if 1 in given_layers else {}
    flags = {"predict.top": 13} if 2 in given_layers else {}
    wanted = 11 + max(given_layers) if given_layers else 5
    assert loaded(file=file, environ=environ, flags=flags).settings.predict.top == wanted


def test_layers_are_joined_key_by_key(write) -> None:
    file = write("[predict]\ntop = 11\nworkers = 3\n")
    found = loaded(file=file, environ={"GEOID_PREDICT__TOP": "12"}).settings.predict
    assert (found.top, found.workers) == (12, 3)


def test_a_flag_that_was_not_given_changes_nothing() -> None:
    assert loaded(flags={"predict.top": None, "model.tiles": None}).settings == loaded().settings


def test_a_flag_that_says_no_is_given() -> None:
    assert loaded(environ={"GEOID_MODEL__TILES": "true"}, flags={"model.tiles": False}).settings.model.tiles is False


@given(st.integers(1, 10_000), st.integers(0, 64))
def test_numbers_come_from_the_environment_as_they_are(top: int, workers: int) -> None:
    found = loaded(environ={"GEOID_PREDICT__TOP": str(top), "GEOID_PREDICT__WORKERS": str(workers)}).settings.predict
    assert (found.top, found.workers) == (top, workers)


@pytest.mark.parametrize(
    ("text", "value"),
    [("true", True), ("1", True), ("TRUE", True), ("True", True), ("false", False), ("0", False), ("False", False)],
)
def test_yes_and_no_in_the_environment(text: str, value: bool) -> None:
    assert loaded(environ={"GEOID_MODEL__TILES": text}).settings.model.tiles is value


def test_other_variables_of_the_environment_are_none_of_ours() -> None:
    environ = {"PATH": "/bin", "GEOIDS": "1", "MY_GEOID_X": "1", "GEOID_PROFILE": "embedded", "GEOID_SETTINGS": "x"}
    assert environment_layer(environ).values == {}


def test_a_key_of_two_words_keeps_its_underscore() -> None:
    assert loaded(environ={"GEOID_PHOTO__MAX_BYTES": "42"}).settings.photo.max_bytes == 42


def test_a_whole_number_is_good_enough_for_a_share(write) -> None:
    assert loaded(file=write("[ranking]\nanswer_bar = 1\n")).settings.ranking.answer_bar == 1.0


# what is wrong


@pytest.mark.parametrize(
    ("layer", "options"),
    [
        ("environment", {"environ": {"GEOID_PREDICT__TOPP": "3"}}),
        ("flags", {"flags": {"predict.topp": 3}}),
        ("geoid.toml", {"file": "[predict]\ntopp = 3\n"}),
    ],
)
def test_an_unknown_key_is_named_with_its_layer_and_the_nearest_key(write, layer: str, options) -> None:
    if "file" in options:
        options = {"file": write(options["file"])}
    with pytest.raises(SettingsError) as caught:
        loaded(**options)
    assert caught.value.message.startswith("unknown setting predict.topp (")
    assert caught.value.message.endswith(f"{layer})")
    assert caught.value.hint.startswith("did you mean predict.top")
    assert caught.value.exit_code == 78


@pytest.mark.parametrize("name", ["GEOID_PREDICT_TOP", "GEOID_PREDICT__TOP__", "GEOID_PREDICTS__TOP"])
def test_a_variable_with_a_slip_names_what_was_meant(name: str) -> None:
    with pytest.raises(SettingsError) as caught:
        loaded(environ={name: "3"})
    assert "predict.top" in caught.value.hint


def test_a_key_unlike_any_says_where_all_are_listed() -> None:
    with pytest.raises(SettingsError, match=r"^unknown setting zzzzzzzzzz") as caught:
        loaded(environ={"GEOID_ZZZZZZZZZZ": "1"})
    assert caught.value.hint == "geoid doctor --settings lists every setting"


@pytest.mark.parametrize(
    "text",
    [
        "[predict]\ntop = 'many'\n",
        "[predict]\ntop = 0\n",
        "[predict]\ntop = -1\n",
        "[predict]\ntop = 2.5\n",
        "[predict]\ntop = true\n",
        "[predict]\ntop = [5]\n",
        "[predict]\ntop = 2024-05-01\n",
        "[predict]\nworkers = -1\n",
        "[ranking]\nanswer_bar = 1.5\n",
        "[ranking]\nanswer_bar = nan\n",
        "[ranking]\nanimal_bar = -inf\n",
        "[model]\nname = 5\n",
        "[model]\ntiles = 1\n",
        "[model]\ntiles = 'yes'\n",
        "[names]\nlanguage = 'english'\n",
        "[names]\nlanguage = 'EN'\n",
        "[log]\nlevel = 'loud'\n",
        "[photo]\nmax_bytes = 0\n",
    ],
)
def test_a_value_that_does_not_fit_is_named_with_its_key_and_layer(write, text: str) -> None:
    section, key = text.split("]", maxsplit=1)[0][1:], text.split("\n")[1].split(" ", maxsplit=1)[0]
    with pytest.raises(SettingsError) as caught:
        loaded(file=write(text))
    assert caught.value.message.startswith(f"setting {section}.{key} cannot be ")
    assert "geoid.toml): " in caught.value.message
    assert "`" not in caught.value.message


@pytest.mark.parametrize("text", ["", "yes", "on", "2", "tru"])
def test_what_is_neither_yes_nor_no_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match=r"^setting model\.tiles cannot be .* \(environment\): "):
        loaded(environ={"GEOID_MODEL__TILES": text})


@pytest.mark.parametrize(
    "text",
    [
        "[predict\ntop = 3",
        "top = ",
        "[predict]\ntop = 3\ntop = 4\n",
        "[a]\n[a]\n",
        b"[names]\nlanguage = '\xff\xfe'\n",
        "\ufeff[predict]\n",
        "[predict]\ntop = " + "1" * 5000,
        "[predict]\ntop = " + "[" * 3000,
    ],
)
def test_a_file_that_is_no_toml_is_named(write, text) -> None:
    path = write(text)
    with pytest.raises(SettingsError) as caught:
        loaded(file=path)
    assert caught.value.message.startswith(f"{path}: not valid TOML: ")


@pytest.mark.parametrize("text", ["top = 3\n", "predict = 3\n", "[[predict]]\ntop = 3\n"])
def test_a_key_outside_a_section_is_named(write, text: str) -> None:
    with pytest.raises(SettingsError, match=r"stands outside a section$"):
        loaded(file=write(text))


def test_a_section_within_a_section_is_unknown(write) -> None:
    with pytest.raises(SettingsError, match=r"^(unknown setting predict\.deep|setting predict)"):
        loaded(file=write("[predict.deep]\ntop = 3\n"))


def test_an_empty_file_changes_nothing(write) -> None:
    assert loaded(file=write("")).settings == loaded().settings


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    path = tmp_path / "gone.toml"
    with pytest.raises(SettingsError) as caught:
        file_layer(path)
    assert caught.value.message.startswith(f"{path}: cannot be read: ")
    assert caught.value.hint == "check GEOID_SETTINGS"


def test_a_folder_is_no_settings_file(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        file_layer(tmp_path)


@pytest.mark.parametrize("name", ["", "Embedded", "nowhere", "../embedded", "embedded.toml"])
def test_an_unknown_profile_names_those_that_are(name: str) -> None:
    with pytest.raises(SettingsError) as caught:
        loaded(profile=name)
    assert caught.value.message == f"there is no profile {name!r}"
    assert "embedded" in caught.value.hint


@pytest.mark.parametrize("name", profiles())
def test_every_profile_that_ships_loads(name: str) -> None:
    assert loaded(profile="embedded").settings.predict.top > 0
    assert name == "embedded" or loaded(profile=name)


# the process


def test_a_process_without_anything_has_the_defaults(bare: Path) -> None:
    assert open_settings().settings == loaded().settings


def test_the_file_of_the_working_folder_counts(bare: Path) -> None:
    (bare / "geoid.toml").write_text("[predict]\ntop = 9\n", encoding="utf-8")
    assert open_settings().settings.predict.top == 9


def test_a_file_that_is_named_takes_the_place_of_that_of_the_folder(bare: Path, monkeypatch) -> None:
    (bare / "geoid.toml").write_text("[predict]\ntop = 9\n", encoding="utf-8")
    (bare / "other.toml").write_text("[predict]\nworkers = 2\n", encoding="utf-8")
    monkeypatch.setenv("GEOID_SETTINGS", "other.toml")
    found = open_settings({"log.level": "error"}).settings
    assert (found.predict.top, found.predict.workers, found.log.level) == (5, 2, "error")


def test_a_file_that_is_named_must_be_there(bare: Path, monkeypatch) -> None:
    monkeypatch.setenv("GEOID_SETTINGS", "gone.toml")
    with pytest.raises(SettingsError, match=r"^gone\.toml: cannot be read: "):
        open_settings()


@pytest.mark.parametrize(("value", "fine"), [("embedded", True), ("", True), ("nowhere", False)])
def test_the_profile_comes_from_the_environment(bare: Path, monkeypatch, value: str, fine: bool) -> None:
    monkeypatch.setenv("GEOID_PROFILE", value)
    if fine:
        assert open_settings().settings == loaded().settings
    else:
        with pytest.raises(SettingsError, match=r"^there is no profile 'nowhere'$"):
            open_settings()
