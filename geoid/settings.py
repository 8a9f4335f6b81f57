"""Settings: one frozen structure from four layers, profile < file < environment < flags. Unknown keys are errors.

The profile is TOML that ships with geoid, the file is `geoid.toml` in the working folder (or the one `GEOID_SETTINGS`
names), the environment is `GEOID_SECTION__KEY=value`, and flags are those of the command line.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import msgspec

from geoid.errors import SettingsError

FILE_NAME = "geoid.toml"
PREFIX = "GEOID_"
NOT_KEYS = {"GEOID_PROFILE", "GEOID_SETTINGS"}
"""Variables of the environment that choose layers and are no settings themselves."""

Count = Annotated[int, msgspec.Meta(ge=0)]
Positive = Annotated[int, msgspec.Meta(ge=1)]
Seconds = Annotated[float, msgspec.Meta(gt=0)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]


class ModelSettings(msgspec.Struct, frozen=True):
    """Which model answers, and whether it looks at tiles."""

    name: str
    tiles: bool


class PredictSettings(msgspec.Struct, frozen=True):
    """How many candidates are shown, and how many threads work (0: one for each core)."""

    top: Positive
    workers: Count


class RankingSettings(msgspec.Struct, frozen=True):
    """How the place takes part (`core.predictions.Mode`), and the numbers of `core.ranking.RankingRules`."""

    mode: Literal["boost", "filter", "annotate", "off"]
    answer_bar: Share
    animal_bar: Share
    power: Share
    absent: Share


class AreaSettings(msgspec.Struct, frozen=True):
    """The URL of the store of area data, the one `geoid seed` publishes to, and the seconds that a lookup may take."""

    store: str
    publish: str
    deadline: Seconds


class CacheSettings(msgspec.Struct, frozen=True):
    """The URL of the cache that processes share, the bytes that each keeps itself, and times in seconds."""

    url: str
    bytes: Positive
    ttl: Positive
    timeout: Seconds


class PhotoSettings(msgspec.Struct, frozen=True):
    """Limits on what is read, in bytes and pixels."""

    max_bytes: Positive
    max_pixels: Positive


class NameSettings(msgspec.Struct, frozen=True):
    """The language of common names (ISO 639-1)."""

    language: Annotated[str, msgspec.Meta(pattern="^[a-z]{2}$")]
    synonyms: str
    """The file of synonyms that `geoid seed` matches names with; empty: the one that ships with geoid."""


class PathSettings(msgspec.Struct, frozen=True):
    """Folders; an empty one is the platform's own."""

    models: str
    cache: str


class LogSettings(msgspec.Struct, frozen=True):
    """What is logged to stderr, and how."""

    level: Literal["debug", "info", "warning", "error"]
    format: Literal["text", "json"]


class Settings(msgspec.Struct, frozen=True):
    """All settings."""

    model: ModelSettings
    predict: PredictSettings
    ranking: RankingSettings
    areas: AreaSettings
    cache: CacheSettings
    photo: PhotoSettings
    names: NameSettings
    paths: PathSettings
    log: LogSettings


@dataclass(frozen=True, slots=True)
class Layer:
    """Values of one origin by dotted key: `{"predict.top": 3}`."""

    name: str
    values: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Loaded:
    """The settings, and for each dotted key its value and the layer that set it."""

    settings: Settings
    origins: Mapping[str, tuple[object, str]]


def load(profile: str, *, file: Path | None = None, environ: Mapping[str, str], flags: Mapping[str, object]) -> Loaded:
    """Merge the layers; raises `SettingsError` that names the layer and the key for anything unknown or misshapen."""
    layers = [profile_layer(profile)]
    if file is not None:
        layers.append(file_layer(file))
    layers += [environment_layer(environ), Layer("flags", {key: v for key, v in flags.items() if v is not None})]
    merged: dict[str, tuple[object, str]] = {}
    for layer in layers:
        for key, value in layer.values.items():
            merged[key] = (_converted(layer.name, key, value), layer.name)
    return Loaded(_assembled(merged), merged)


def profiles() -> tuple[str, ...]:
    """The names of the profiles that ship with geoid."""
    names = (entry.name for entry in resources.files("geoid.profiles").iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml")))


def profile_layer(name: str) -> Layer:
    """The layer of a packaged profile."""
    if name not in profiles():
        raise SettingsError(f"there is no profile {name!r}", f"profiles: {', '.join(profiles())}")
    text = resources.files("geoid.profiles").joinpath(f"{name}.toml").read_text(encoding="utf-8")
    return Layer(f"profile {name}", _flat(tomllib.loads(text), "profile"))


def file_layer(path: Path) -> Layer:
    """The layer of a settings file."""
    try:
        text = path.read_text(encoding="utf-8")
        return Layer(str(path), _flat(tomllib.loads(text), str(path)))
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror}", "check GEOID_SETTINGS") from error
    except (ValueError, RecursionError) as error:  # tomllib raises more than its own error, which is a ValueError
        raise SettingsError(
            f"{path}: not valid TOML: {error}",
            "write [section], and key = value below it, as the README shows",
        ) from error


def environment_layer(environ: Mapping[str, str]) -> Layer:
    """The layer of the environment: `GEOID_PREDICT__TOP=3` is `predict.top`."""
    named = {name: value for name, value in environ.items() if name.startswith(PREFIX) and name not in NOT_KEYS}
    return Layer(
        "environment", {name.removeprefix(PREFIX).lower().replace("__", "."): value for name, value in named.items()}
    )


def _flat(table: Mapping[str, object], where: str) -> dict[str, object]:
    values: dict[str, object] = {}
    for section, content in table.items():
        if not isinstance(content, dict):
            raise SettingsError(f"{where}: {section!r} stands outside a section", "put it below its [section]")
        values |= {f"{section}.{key}": value for key, value in content.items()}
    return values


@cache
def _kinds() -> dict[str, Any]:
    """The type of every setting by dotted key."""
    return {
        f"{section}.{key}": kind
        for section, owner in get_type_hints(Settings).items()
        for key, kind in get_type_hints(owner, include_extras=True).items()
    }


def _converted(layer: str, key: str, value: object) -> object:
    kinds = _kinds()
    if key not in kinds:
        raise SettingsError(f"unknown setting {key} ({layer})", _meant(key))
    try:
        return msgspec.convert(value, type=kinds[key], strict=not isinstance(value, str))
    except msgspec.ValidationError as error:
        raise SettingsError(
            f"setting {key} cannot be {value!r} ({layer}): {_plain(error)}", _allowed(kinds[key])
        ) from error


def _meant(key: str) -> str:
    """Which setting was probably meant, for the hint."""
    plain = {known.replace(".", "_"): known for known in _kinds()}
    if key in plain:
        section, _, name = plain[key].upper().partition(".")
        return f"did you mean {plain[key]}? write two underscores: {PREFIX}{section}__{name}"
    near = difflib.get_close_matches(key, _kinds(), n=3, cutoff=0.5)
    return f"did you mean {' or '.join(near)}?" if near else "geoid doctor --settings lists every setting"


def _allowed(kind: object) -> str:
    """What a setting may be, for the hint."""
    choices = get_args(kind) if get_origin(kind) is Literal else ()
    return f"choose one of: {', '.join(choices)}" if choices else "the README lists the settings with their defaults"


def _plain(error: msgspec.ValidationError) -> str:
    text = str(error)
    return text[:1].lower() + text[1:].replace("`", "")


def _assembled(merged: Mapping[str, tuple[object, str]]) -> Settings:
    sections: dict[str, Any] = {}
    for section, owner in get_type_hints(Settings).items():
        sections[section] = owner(**{name: merged[f"{section}.{name}"][0] for name in owner.__struct_fields__})
    return Settings(**sections)
