"""The activation ranges of an int8 model: make them from photos, and compare what comes of it with float32.

    python calibrate_int8.py make models/NAME.json models/NAME.ranges.json PHOTO...
    python calibrate_int8.py compare models/NAME.json models/NAME-int8.json PHOTO...

Each photo is seen twice, as the model sees it (centre crop) and squeezed whole into the square. `make` runs the
float32 model with every inner tensor exposed; a range is the smallest and the largest value seen. (On held-out
photos, cutting the tails at 99.99 or 99.9 % agreed with float32 no better.)

Calibrating differs a little by processor and library, so its result is kept beside the card, with the photos' names
and digests in it, and is an input of the build like the weights. Photos for `compare` must be others.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import statistics
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from PIL import Image

from geoid.core.models import InputSpec, ModelCard
from geoid.zoo.building import build_model, read_weights
from geoid.zoo.cards import read_card
from geoid.zoo.checkpoint import read_checkpoint
from geoid.zoo.efficientnet import Classifier, layers
from geoid.zoo.float32 import float_model

ABOUT = "the smallest and largest value of each activation of {name} over these photos (name, start of sha256)"
POOL = "pool"
CONFIDENT = 0.3
ROUNDS = 40


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", choices=["make", "compare"])
    parser.add_argument("card", type=Path, metavar="CARD.json", help="the card of the float32 model")
    parser.add_argument("other", type=Path, metavar="RANGES.json|INT8_CARD.json")
    parser.add_argument("photos", type=Path, metavar="PHOTO", nargs="+")
    chosen = parser.parse_args(arguments)
    if chosen.task == "make":
        make(read_card(chosen.card), chosen.other, chosen.photos)
    else:
        compare(chosen.card, chosen.other, chosen.photos)


def make(card: ModelCard, target: Path, photos: Sequence[Path]) -> None:
    found = calibrate(card, photos)
    document = {
        "about": ABOUT.format(name=card.name),
        "photos": [f"{photo.name} {hashlib.sha256(photo.read_bytes()).hexdigest()[:12]}" for photo in photos],
        "ranges": {name: [float(f"{low:.6g}"), float(f"{high:.6g}")] for name, (low, high) in found.items()},
    }
    target.write_text(_json(document), encoding="utf-8", newline="\n")


def calibrate(card: ModelCard, photos: Sequence[Path]) -> dict[str, tuple[float, float]]:
    """The range of each inner tensor over all views of the photos."""
    names, session = _exposed(card)
    lows, highs = np.full(len(names), np.inf), np.full(len(names), -np.inf)
    for view in (view for photo in photos for view in views(photo, card.input)):
        tensors = session.run(names, {"photo": view})
        lows = np.minimum(lows, [tensor.min() for tensor in tensors])
        highs = np.maximum(highs, [tensor.max() for tensor in tensors])
    return {name: (low, high) for name, low, high in zip(names, lows.tolist(), highs.tolist(), strict=True)}


def compare(exact_card: Path, int8_card: Path, photos: Sequence[Path]) -> None:
    """Print how often both give the same answer, how far their logits are apart, and their times side by side."""
    models = [_session(build_model(read_card(path), path.parent)) for path in (exact_card, int8_card)]
    inputs = [view for photo in photos for view in views(photo, read_card(exact_card).input)]
    exact, coarse = (np.concatenate([model.run(None, {"photo": view})[0] for view in inputs]) for model in models)
    same = exact.argmax(axis=1) == coarse.argmax(axis=1)
    odds = np.exp(exact - exact.max(axis=1, keepdims=True))
    sure = (odds / odds.sum(axis=1, keepdims=True)).max(axis=1) > CONFIDENT
    print(f"{len(inputs)} views of {len(photos)} photos: same answer {same.mean():.1%}")
    print(f"{sure.sum()} of them above {CONFIDENT:g} in float32: same answer {same[sure].mean():.1%}")
    print(f"logits apart by {np.abs(exact - coarse).mean():.3f} on average")
    slow, fast = _times(models, inputs[0])
    print(f"one thread: float32 {slow:.1f} ms, int8 {fast:.1f} ms (medians of {ROUNDS} alternating runs)")


def views(photo: Path, spec: InputSpec) -> Iterator[NDArray[np.uint8]]:
    """The centre crop of a photo and the whole of it, squeezed."""
    with Image.open(photo) as opened:
        image = opened.convert("RGB")
    scale = spec.resize / min(image.size)
    resized = image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.BICUBIC)
    left, top = (resized.width - spec.size) // 2, (resized.height - spec.size) // 2
    yield np.asarray(resized.crop((left, top, left + spec.size, top + spec.size)))[np.newaxis]
    yield np.asarray(image.resize((spec.size, spec.size), Image.Resampling.BICUBIC))[np.newaxis]


def _exposed(card: ModelCard) -> tuple[list[str], ort.InferenceSession]:
    if card.build is None or card.weights is None:
        sys.exit(f"{card.name} is not built from packaged weights")
    tensors = read_checkpoint(read_weights(card.weights), card.weights.file)
    network = list(layers(tensors, card.input.size, card.build.width, card.build.depth))
    names = [layer.output for layer in network if not isinstance(layer, Classifier)] + [POOL]
    return names, _session(float_model(card.name, network, card.input.size, also=names))


def _session(model: bytes) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def _times(models: Sequence[ort.InferenceSession], pixels: NDArray[np.uint8]) -> list[float]:
    taken: list[list[float]] = [[] for _ in models]
    for _ in range(ROUNDS):
        for model, times in zip(models, taken, strict=True):
            start = time.perf_counter()
            model.run(None, {"photo": pixels})
            times.append((time.perf_counter() - start) * 1000)
    return [statistics.median(times) for times in taken]


def _json(document: Mapping[str, object]) -> str:
    """One photo and one range a line, so that a change can be read."""
    return re.sub(r"\[\s+([-\d.e]+),\s+([-\d.e]+)\s+\]", r"[\1, \2]", json.dumps(document, indent=1)) + "\n"


if __name__ == "__main__":
    main(sys.argv[1:])
