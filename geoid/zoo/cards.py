"""Model cards: JSON in, `ModelCard` out, and a sentence about the first thing that is wrong."""

from __future__ import annotations

import dataclasses
import re
import typing
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

import msgspec

from geoid.core.models import CARD_FORMAT, BuildSpec, CheckSpec, InputSpec, ModelCard, OutputSpec, WeightsSpec
from geoid.errors import ModelError

GUIDE = "models/README.md describes the card key by key"

LARGEST_SIDE = 4096
"""No classifier looks at more pixels; a typing error in a card must not ask for gigabytes."""

_PARTS: Mapping[str, type] = {
    "input": InputSpec,
    "output": OutputSpec,
    "weights": WeightsSpec,
    "build": BuildSpec,
    "check": CheckSpec,
}

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_PLACE = re.compile(r"^(?P<what>.*?)(?: - at `\$\.?(?P<key>.*?)`)?$", re.DOTALL)


def read_card(path: Path) -> ModelCard:
    """The card in a file.

    Raises `ModelError` naming the file, the key and what was expected.
    """
    return parse_card(_read(path), str(path))


def parse_card(data: bytes, name: str) -> ModelCard:
    """The card in JSON bytes; `name` says whose, for errors. An empty `sha256` passes: `add` computes it."""
    try:
        raw: object = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ModelError(f"model card {name} is not JSON: {error}", GUIDE) from error
    if not isinstance(raw, dict):
        raise ModelError(f"model card {name} is not a JSON object", GUIDE)
    try:
        return _card(raw)
    except ValueError as error:
        raise ModelError(f"model card {name}: {error}", GUIDE) from error


def write_card(card: ModelCard) -> bytes:
    """The card as JSON that `parse_card` reads back; keys at their default of nothing are left out."""
    raw = {key: value for key, value in dataclasses.asdict(card).items() if value is not None}
    return msgspec.json.format(msgspec.json.encode(raw), indent=2) + b"\n"


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelError(f"model card {path} cannot be read: {error.strerror}") from error


def _card(raw: dict[str, object]) -> ModelCard:
    version = raw.get("format")
    if isinstance(version, int) and version > CARD_FORMAT:
        raise ValueError(f"key format is {version}, but this geoid reads up to {CARD_FORMAT}: update geoid")
    _check_keys(raw, ModelCard, "")
    card = _convert(raw)
    for key, fine, expected in _rules(card):
        if not fine:
            raise ValueError(f"key {key} must be {expected}")
    return card


def _convert(raw: dict[str, object]) -> ModelCard:
    try:
        return msgspec.convert(raw, ModelCard)
    except msgspec.ValidationError as error:
        match = _PLACE.match(str(error))
        what, key = (match["what"], match["key"] or "?") if match else (str(error), "?")
        raise ValueError(f"key {key}: {what[:1].lower()}{what[1:]}{_choices(key)}") from error


def _choices(key: str) -> str:
    """What `key` may be, where it is one of a few words."""
    kind: type = ModelCard
    *parents, last = key.split(".")
    for parent in parents:
        kind = _PARTS.get(parent, kind)
    words = typing.get_args(typing.get_type_hints(kind).get(last))
    return f", expected one of: {', '.join(words)}" if words and all(isinstance(word, str) for word in words) else ""


def _check_keys(raw: Mapping[str, object], kind: type, prefix: str) -> None:
    """Refuse keys that `kind` does not have and miss those it needs, here and in the objects inside."""
    fields = {field.name: field for field in dataclasses.fields(kind)}
    for key in raw:
        if key not in fields:
            raise ValueError(f"key {prefix}{key} is unknown, expected one of: {', '.join(fields)}")
    for key, field in fields.items():
        if key not in raw and field.default is dataclasses.MISSING:
            raise ValueError(f"key {prefix}{key} is missing")
        inner = raw.get(key)
        if key in _PARTS and isinstance(inner, dict):
            _check_keys(inner, _PARTS[key], f"{prefix}{key}.")


def _rules(card: ModelCard) -> tuple[tuple[str, bool, str], ...]:
    """What the types do not say: key, whether it holds, what it must be."""
    entry = card.input
    raw_bytes = entry.mean == (0.0, 0.0, 0.0) and entry.scale == (1.0, 1.0, 1.0)
    return (
        ("format", card.format == CARD_FORMAT, f"{CARD_FORMAT}"),
        ("name", bool(_NAME.fullmatch(card.name)), "of lower-case letters, digits, dots and hyphens"),
        ("labels", bool(_FILE.fullmatch(card.labels)), "the plain name of a file beside the card"),
        ("sha256", not card.sha256 or bool(_SHA256.fullmatch(card.sha256)), "64 lower-case hexadecimal digits"),
        ("input.size", entry.size > 0, "above 0"),
        ("input.resize", entry.size <= entry.resize <= LARGEST_SIDE, f"from input.size to {LARGEST_SIDE} pixels"),
        ("input.scale", all(entry.scale), "without zeros"),
        ("input.mean", entry.dtype == "float32" or raw_bytes, "0 (and input.scale 1) where input.dtype is uint8"),
        ("output.classes", card.output.classes > 0, "above 0"),
        ("temperature", card.temperature > 0, "above 0"),
        ("build", (card.build is None) == (card.weights is None), "there exactly where weights is"),
        *_build_rules(card),
        *_check_rules(card),
    )


def _build_rules(card: ModelCard) -> tuple[tuple[str, bool, str], ...]:
    if card.build is None or card.weights is None:
        return ()
    file = PurePosixPath(card.weights.file)
    return (
        ("weights.sha256", bool(_SHA256.fullmatch(card.weights.sha256)), "64 lower-case hexadecimal digits"),
        ("weights.file", not file.is_absolute() and ".." not in file.parts, "a path inside the installed package"),
        ("build.width", card.build.width > 0, "above 0"),
        ("build.depth", card.build.depth > 0, "above 0"),
        ("build.ranges", _ranges_fit(card.build), "the plain name of a file beside the card, for int8 and only there"),
    )


def _check_rules(card: ModelCard) -> tuple[tuple[str, bool, str], ...]:
    if card.check is None:
        return ()
    known = all(key.isdecimal() and int(key) < card.output.classes for key in card.check.outputs)
    return (
        ("check.outputs", bool(card.check.outputs) and known, "logits by the number of a class"),
        ("check.tolerance", card.check.tolerance > 0, "above 0"),
    )


def _ranges_fit(build: BuildSpec) -> bool:
    if build.precision == "fp32":
        return build.ranges is None
    return build.ranges is not None and bool(_FILE.fullmatch(build.ranges))
