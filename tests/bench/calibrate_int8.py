"""Make the activation ranges of an int8 model from photos: python calibrate_int8.py CARD.json RANGES.json PHOTO...

Each photo is seen twice, as the model sees it (centre crop) and squeezed whole into the square, by the float32 model
with every inner tensor exposed; a range is the smallest and the largest value seen. (Measured on held-out photos:
cutting the tails at 99.99 or 99.9 % agrees with float32 no better, and with fewer scores.)

Calibrating differs a little by processor and library, so its result is kept beside the card, with the photos' names
and digests in it, and is an input of the build like the weights.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from PIL import Image

from geoid.core.models import InputSpec, ModelCard
from geoid.zoo.building import read_weights
from geoid.zoo.cards import read_card
from geoid.zoo.checkpoint import read_checkpoint
from geoid.zoo.efficientnet import Classifier, layers
from geoid.zoo.float32 import float_model

ABOUT = "the smallest and largest value of each activation of {name} over these photos (name, start of sha256)"
POOL = "pool"


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("card", type=Path, metavar="CARD.json", help="the card of the float32 model")
    parser.add_argument("ranges", type=Path, metavar="RANGES.json", help="the file to write")
    parser.add_argument("photos", type=Path, metavar="PHOTO", nargs="+")
    chosen = parser.parse_args(arguments)
    card = read_card(chosen.card)
    found = calibrate(card, chosen.photos)
    document = {
        "about": ABOUT.format(name=card.name),
        "photos": [f"{photo.name} {hashlib.sha256(photo.read_bytes()).hexdigest()[:12]}" for photo in chosen.photos],
        "ranges": {name: [float(f"{low:.6g}"), float(f"{high:.6g}")] for name, (low, high) in found.items()},
    }
    chosen.ranges.write_text(_json(document), encoding="utf-8", newline="\n")


def calibrate(card: ModelCard, photos: Sequence[Path]) -> dict[str, tuple[float, float]]:
    """The range of each inner tensor over all views of the photos."""
    names, session = _open(card)
    lows, highs = np.full(len(names), np.inf), np.full(len(names), -np.inf)
    for photo in photos:
        for view in views(photo, card.input):
            tensors = session.run(names, {"photo": view})
            lows = np.minimum(lows, [tensor.min() for tensor in tensors])
            highs = np.maximum(highs, [tensor.max() for tensor in tensors])
    return {name: (low, high) for name, low, high in zip(names, lows.tolist(), highs.tolist(), strict=True)}


def views(photo: Path, spec: InputSpec) -> Iterator[NDArray[np.uint8]]:
    """The centre crop of a photo and the whole of it, squeezed."""
    with Image.open(photo) as opened:
        image = opened.convert("RGB")
    scale = spec.resize / min(image.size)
    resized = image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.BICUBIC)
    left, top = (resized.width - spec.size) // 2, (resized.height - spec.size) // 2
    yield np.asarray(resized.crop((left, top, left + spec.size, top + spec.size)))[np.newaxis]
    yield np.asarray(image.resize((spec.size, spec.size), Image.Resampling.BICUBIC))[np.newaxis]


def _open(card: ModelCard) -> tuple[list[str], ort.InferenceSession]:
    if card.build is None or card.weights is None:
        sys.exit(f"{card.name} is not built from packaged weights")
    tensors = read_checkpoint(read_weights(card.weights), card.weights.file)
    network = list(layers(tensors, card.input.size, card.build.width, card.build.depth))
    names = [layer.output for layer in network if not isinstance(layer, Classifier)] + [POOL]
    model = float_model(card.name, network, card.input.size, also=names)
    return names, ort.InferenceSession(model, providers=["CPUExecutionProvider"])


def _json(document: Mapping[str, object]) -> str:
    """One photo and one range a line, so that a change can be read."""
    return re.sub(r"\[\s+([-\d.e]+),\s+([-\d.e]+)\s+\]", r"[\1, \2]", json.dumps(document, indent=1)) + "\n"


if __name__ == "__main__":
    main(sys.argv[1:])
