"""Accuracy of the built models on free photos that were not taken from their training set, beside a bare script.

Usage: python accuracy.py CACHE_FOLDER [MODEL...]. The photos come out of the packages that `accuracy_photos.csv` names.
The bare script is right when its best class is one of those accepted for a photo, geoid when its best candidate is
the taxon of one of those: a Siamese is a cat. Photos and cut-outs (animals on white) are counted apart; the interval
is Wilson's at 95 %.
"""

from __future__ import annotations

import io
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import bare
import numpy as np
from accuracy_photos import Row, as_rgb, fetch

from geoid import open_settings, wiring
from geoid.core.pipeline import Pipeline
from geoid.core.predictions import Prediction
from geoid.core.values import Label

MODELS = ("efficientnet-lite2", "efficientnet-lite0", "efficientnet-lite2-int8", "efficientnet-lite0-int8")
MANIFEST = Path(__file__).with_name("accuracy_photos.csv")
Z = 1.96
TOP = 5

Sample = tuple[Row, bytes]
Taxa = frozenset[str]


@dataclass(frozen=True)
class Score:
    """How one photo went: places of the first right class in the bare script and of the first right candidate."""

    style: str
    truth: str
    bare: int
    ours: int


def samples(cache: Path) -> Iterator[Sample]:
    """The photos, with what only one of the two sides would read written as PNG for both."""
    for row, data in fetch(MANIFEST, cache):
        if row.style == "cutout" or row.member.endswith(".ppm"):
            buffer = io.BytesIO()
            as_rgb(data).save(buffer, "PNG")
            yield row, buffer.getvalue()
        else:
            yield row, data


def place_of_class(scores: np.ndarray, accepted: frozenset[int]) -> int:
    """The place, from 0, of the first accepted class among the animal classes and all others."""
    return next(place for place, index in enumerate(np.argsort(-scores)) if int(index) in accepted)


def place_of_candidate(prediction: Prediction, accepted: set[Taxa]) -> int:
    """The place, from 0, of the first candidate that shows the taxa of an accepted class, or one behind the last."""
    shown = (candidate.covers or (candidate.taxon,) for candidate in prediction.ranking.candidates)
    found = (place for place, taxa in enumerate(shown) if frozenset(taxon.key for taxon in taxa) in accepted)
    return next(found, len(prediction.ranking.candidates))


def measure(name: str, photos: list[Sample]) -> list[Score]:
    """Both sides on every photo."""
    settings = open_settings({"model.name": name, "predict.top": 400}).settings
    library = wiring.open_library(settings)
    card = library.card(name)
    labels = library.classes(card).labels
    pipeline, net = wiring.open_pipeline(settings), bare.session(str(library.path(name)))
    bare.SIZE, bare.RESIZE = card.input.size, card.input.resize
    return [
        Score(
            row.style,
            row.truth,
            place_of_class(bare.scores(net, data), row.imagenet_classes),
            _place(pipeline, data, [labels[index] for index in row.imagenet_classes]),
        )
        for row, data in photos
    ]


def _place(pipeline: Pipeline, data: bytes, labels: list[Label]) -> int:
    accepted = {frozenset(taxon.key for taxon in label.taxa) for label in labels}
    return place_of_candidate(pipeline.predict("photo", data), accepted)


def wilson(right: int, count: int) -> tuple[float, float]:
    """Wilson's score interval at 95 % (Wilson 1927)."""
    share = right / count
    centre = share + Z * Z / (2 * count)
    spread = Z * (share * (1 - share) / count + Z * Z / (4 * count * count)) ** 0.5
    return (centre - spread) / (1 + Z * Z / count), (centre + spread) / (1 + Z * Z / count)


def share(places: list[int], within: int) -> str:
    """A share with its interval."""
    right = sum(place < within for place in places)
    low, high = wilson(right, len(places))
    return f"{right / len(places):.3f} [{low:.2f}, {high:.2f}]"


def by_class(scores: list[Score]) -> float:
    """The mean over truths of the share that is right: zebras are many, and count once."""
    truths = {score.truth for score in scores}
    return float(np.mean([np.mean([s.ours == 0 for s in scores if s.truth == truth]) for truth in truths]))


def main() -> None:
    """Measure and print a table, then what the first model got wrong."""
    cache, *names = sys.argv[1:]
    photos = list(samples(Path(cache)))
    print(f"{len(photos)} photos: {dict(Counter(row.style for row, _ in photos))}")
    print(f"{'model':<24} {'style':<7} {'n':>3}  {'bare top-1':<20} {'geoid top-1':<20} {'geoid top-5':<20} per taxon")
    for name in names or MODELS:
        scores = measure(name, photos)
        for style in ("photo", "cutout"):
            some = [score for score in scores if score.style == style]
            bare_places, places = [score.bare for score in some], [score.ours for score in some]
            columns = (share(bare_places, 1), share(places, 1), share(places, TOP))
            print(f"{name:<24} {style:<7} {len(some):>3}  {'  '.join(columns)}  {by_class(some):.3f}", flush=True)
        if name == (names or MODELS)[0]:
            missed = [(row, score) for (row, _), score in zip(photos, scores, strict=True) if score.ours]
            wrong = [f"{row.member.rpartition('/')[2]} ({score.ours + 1})" for row, score in missed]
    print("place of the right candidate where it is not the first:", ", ".join(wrong))


if __name__ == "__main__":
    main()
