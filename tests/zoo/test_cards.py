from __future__ import annotations

import copy
import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from small_tables import CARD

from geoid.core.models import CARD_FORMAT, InputSpec, ModelCard, OutputSpec
from geoid.errors import ModelError
from geoid.zoo.cards import parse_card, read_card, write_card

DIGEST = "0" * 64
WEIGHTS = {"package": "p", "version": "1", "file": "p/w.pth", "sha256": DIGEST}
BUILD = {"architecture": "efficientnet-lite", "width": 1.0, "depth": 1.0}
CHECK = {"seed": 1, "outputs": {"0": 0.5}, "tolerance": 0.1}
BUILT = {"weights": WEIGHTS, "build": BUILD}


def changed(**values: Any) -> bytes:
    """The card of the tests with keys changed; two underscores stand for the dot, `None` takes a key out."""
    card = copy.deepcopy(CARD)
    for key, value in values.items():
        *parents, last = key.split("__")
        inner = card
        for parent in parents:
            inner = inner[parent]
        if value is None:
            del inner[last]
        else:
            inner[last] = value
    return json.dumps(card).encode()


def refusal(data: bytes) -> str:
    with pytest.raises(ModelError) as caught:
        parse_card(data, "birds.json")
    assert "models/README.md" in caught.value.hint
    return caught.value.message.removeprefix("model card birds.json").removeprefix(": ")


def test_a_card_reads_back_as_it_was_written() -> None:
    card = parse_card(changed(**BUILT, check=CHECK), "birds.json")
    assert parse_card(write_card(card), "birds.json") == card


def test_the_packaged_cards_can_be_read_and_are_called_after_their_models(models: Path) -> None:
    paths = [path for path in models.glob("*.json") if not path.name.endswith(".ranges.json")]
    assert {read_card(path).name for path in paths} == {path.stem for path in paths}
    assert len(paths) >= 4


def test_the_guide_names_every_key_and_every_digest(models: Path) -> None:
    guide = (models / "README.md").read_text(encoding="utf-8")
    parts = {"input": InputSpec, "output": OutputSpec}
    for field in dataclasses.fields(ModelCard):
        inner = dataclasses.fields(parts[field.name]) if field.name in parts else ()
        keys = [f"{field.name}.{part.name}" for part in inner] or [field.name]
        assert [key for key in keys if f"`{key}`" not in guide] == []
    cards = [read_card(path) for path in models.glob("efficientnet-*.json") if ".ranges" not in path.name]
    assert [card.name for card in cards if card.sha256 not in guide or card.weights.sha256 not in guide] == []


def test_what_is_left_out_has_its_documented_default() -> None:
    card = parse_card(changed(), "birds.json")
    assert isinstance(card, ModelCard)
    assert (card.temperature, card.input.layout, card.input.dtype, card.output.kind) == (1.0, "NHWC", "uint8", "logits")


@pytest.mark.parametrize("key", ["name", "title", "licence", "labels", "input", "output", "sha256"])
def test_a_missing_key_is_named(key: str) -> None:
    assert refusal(changed(**{key: None})) == f"key {key} is missing"


def test_a_missing_key_of_an_object_inside_is_named() -> None:
    assert refusal(changed(input__size=None)) == "key input.size is missing"
    assert refusal(changed(check={"seed": 1, "tolerance": 1.0})) == "key check.outputs is missing"


def test_an_unknown_key_is_named_with_those_there_are() -> None:
    assert refusal(changed(lables="a.tsv")).startswith("key lables is unknown, expected one of: format, name, title")
    assert refusal(changed(input__colour="RGB")).startswith("key input.colour is unknown, expected one of: size, res")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": 3}, "key name: expected `str`, got `int`"),
        ({"output": 3}, "key output: expected `object`, got `int`"),
        ({"input__size": "8"}, "key input.size: expected `int`, got `str`"),
        ({"input__mean": [1, 2]}, "key input.mean: expected `array` of length 3, got 2"),
        ({"input__layout": "CHW"}, "key input.layout: invalid enum value 'CHW', expected one of: NHWC, NCHW"),
        ({"output__kind": "odds"}, "key output.kind: invalid enum value 'odds', expected one of: logits, probab"),
        ({"temperature": "warm"}, "key temperature: expected `float`, got `str`"),
    ],
)
def test_a_wrong_type_is_named_with_what_was_expected(change: dict[str, Any], message: str) -> None:
    assert refusal(changed(**change)).startswith(message)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "../birds"}, "key name must be of lower-case letters"),
        ({"name": "Birds"}, "key name must be of lower-case letters"),
        ({"labels": "../../secret"}, "key labels must be the plain name of a file beside the card"),
        ({"labels": "/etc/passwd"}, "key labels must be the plain name of a file beside the card"),
        ({"sha256": "abc"}, "key sha256 must be 64 lower-case hexadecimal digits"),
        ({"input__size": 0}, "key input.size must be above 0"),
        ({"input__resize": 7}, "key input.resize must be from input.size"),
        ({"input__resize": 10**9}, "key input.resize must be from input.size"),
        ({"input__mean": [1, 2, 3]}, "key input.mean must be 0 (and input.scale 1) where input.dtype is uint8"),
        ({"input__dtype": "float32", "input__scale": [1, 0, 1]}, "key input.scale must be without zeros"),
        ({"output__classes": 0}, "key output.classes must be above 0"),
        ({"temperature": 0}, "key temperature must be above 0"),
        ({"build": BUILD}, "key build must be there exactly where weights is"),
        ({"weights": WEIGHTS}, "key build must be there exactly where weights is"),
        (BUILT | {"weights": WEIGHTS | {"sha256": "x"}}, "key weights.sha256 must be 64 lower-case"),
        (BUILT | {"weights": WEIGHTS | {"file": "../x"}}, "key weights.file must be a path inside"),
        (BUILT | {"build": BUILD | {"width": 0}}, "key build.width must be above 0"),
        (BUILT | {"build": BUILD | {"precision": "int8"}}, "key build.ranges must be the plain name of a file"),
        (BUILT | {"build": BUILD | {"ranges": "r.json"}}, "key build.ranges must be the plain name of a file"),
        (BUILT | {"build": BUILD | {"precision": "int8", "ranges": "../r"}}, "key build.ranges must be the plain"),
        ({"check": CHECK | {"outputs": {"3": 0.5}}}, "key check.outputs must be logits by the number of a class"),
        ({"check": CHECK | {"outputs": {"one": 0.5}}}, "key check.outputs must be logits by the number of a class"),
        ({"check": CHECK | {"outputs": {}}}, "key check.outputs must be logits by the number of a class"),
        ({"check": CHECK | {"tolerance": 0}}, "key check.tolerance must be above 0"),
    ],
)
def test_a_value_that_cannot_be_is_named_with_what_it_must_be(change: dict[str, Any], message: str) -> None:
    assert refusal(changed(**change)).startswith(message)


def test_a_card_of_a_newer_format_is_refused_before_its_keys_are_looked_at() -> None:
    message = refusal(changed(format=CARD_FORMAT + 1, wisdom="new"))
    assert message == f"key format is {CARD_FORMAT + 1}, but this geoid reads up to {CARD_FORMAT}: update geoid"


@pytest.mark.parametrize(("format_", "message"), [(0, "key format must be 1"), ("1", "key format: expected `int`")])
def test_a_card_of_no_format_is_refused(format_: object, message: str) -> None:
    assert refusal(changed(format=format_)).startswith(message)


@pytest.mark.parametrize("data", [b"", b"{", b"\xff", b'{"format": NaN}'])
def test_what_is_not_json_is_refused(data: bytes) -> None:
    assert "is not JSON: " in refusal(data)


def test_json_that_is_no_object_is_refused() -> None:
    assert "is not a JSON object" in refusal(b"[]")


def test_a_card_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"none\.json cannot be read: No such file"):
        read_card(tmp_path / "none.json")
