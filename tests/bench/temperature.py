"""The temperature of the models: fitted on labelled photos, then checked on those that accuracy is reported on.

    python tests/bench/temperature.py CACHE_FOLDER [MODEL...]

It is fitted on the photos of `temperature_photos.csv` that have a right class: the mean negative log likelihood of
the groups of right classes among all animal classes is least. The interval is the middle 95 % of that temperature
over photos drawn anew with replacement. None of these photos is in `accuracy_photos.csv`, where 1 and the fitted
temperature are compared, by vision alone.

The animal score is checked on all animals of both sets against photos of no animal. Only the logits are used and the
temperature that a card holds is not, so that a second run gives the same. Unpacking needs `dpkg-deb`.
"""

from __future__ import annotations

import csv
import hashlib
import io
import subprocess
import sys
import tarfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from accuracy import MANIFEST, MODELS, Sample, samples
from accuracy_photos import rcc_files, read_manifest
from numpy.typing import NDArray

from geoid import open_settings, wiring
from geoid.adapters.onnx import probabilities
from geoid.core.grouping import Grouping
from geoid.core.models import ModelCard
from geoid.core.pipeline import Pipeline
from geoid.core.predictions import Answer, AnswerStatus, Ranking
from geoid.core.ranking import rank

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

PHOTOS = Path(__file__).with_name("temperature_photos.csv")
FIXTURES = Path(__file__).parents[2] / "fixtures"
FIXTURE_PACKAGE = "fixtures/photos"
NO_ANIMAL = "no animal"
"""The note of a photo of something else, animals without a class have another."""
ACTIVITIES = "/gcompris/src/activities/"
NO_ANIMAL_FOLDERS = tuple(
    f"{ACTIVITIES}{folder}/"
    for folder in (
        *(f"categorization/resource/images/{name}" for name in ("monuments", "others", "renewable", "tools")),
        *(f"explore_monuments/resource/{name}" for name in ("egypt", "france", "germany", "india", "usa", "wonders")),
    )
)
"""Photos of gcompris-qt-data without an animal in sight: buildings, tools, power plants, things of a household."""
GRID = np.arange(0.30, 2.001, 0.01)
DRAWS = 2000
MIDDLE = (2.5, 97.5)
BINS = 10
SEED = 1


@dataclass(frozen=True)
class Shown:
    """A photo that is no part of the accuracy set: its bytes and right classes; none for an animal without a class."""

    name: str
    data: bytes
    right: frozenset[int]
    animal: bool


@dataclass(frozen=True)
class Model:
    """A model ready to be asked for logits, and what ranks them."""

    card: ModelCard
    pipeline: Pipeline

    @property
    def grouping(self) -> Grouping:
        """The animal classes and their groups."""
        return self.pipeline.grouping

    def logits(self, photos: Iterable[bytes]) -> NDArray[np.float32]:
        """Raw outputs, shape (photos, classes), decoded and cropped as every photo is."""
        read = [self.pipeline.read("photo", data) for data in photos]
        return self.pipeline.classifier.classify(read).logits

    def rankings(self, logits: NDArray[np.float32], temperature: float) -> list[Ranking]:
        """What geoid makes of logits at a temperature, by vision alone."""
        shares = probabilities(logits, replace(self.card, temperature=temperature))
        return [rank(self.grouping, row, self.pipeline.rules) for row in shares]

    def group_scores(self, logits: NDArray[np.float32], right: Sequence[frozenset[int]]) -> tuple[Floats, Flags]:
        """The logits of the animal classes, and which of them are of a group that holds a right class."""
        classes, group_of = self.grouping.classes, self.grouping.group_of
        groups = [set(group_of[np.isin(classes, list(accepted))].tolist()) for accepted in right]
        return logits[:, classes].astype(np.float64), np.array([np.isin(group_of, list(held)) for held in groups])


def open_model(name: str) -> Model:
    """A packaged model with all its candidates kept."""
    settings = open_settings({"model.name": name, "predict.top": 400}).settings
    return Model(wiring.open_library(settings).card(name), wiring.open_pipeline(settings))


def shown(cache: Path) -> list[Shown]:
    """The labelled photos and those of no animal; needs the archives that `samples` has fetched."""
    rows = list(csv.DictReader(PHOTOS.open(newline="", encoding="utf-8")))
    taken = {row.photo_sha256 for row in read_manifest(MANIFEST)}
    archives = {row.package: cache / row.archive_sha256 for row in read_manifest(MANIFEST)}
    files = {package: dict(_files(archives.get(package))) for package in {row["package"] for row in rows}}
    found = [_labelled(row, files[row["package"]][row["file"]]) for row in rows]
    things = {  # some photos are in two folders
        hashlib.sha256(data).hexdigest(): Shown(name, data, frozenset(), animal=False)
        for name, data in files["gcompris-qt-data"].items()
        if name.partition("!")[2].startswith(NO_ANIMAL_FOLDERS) and name.endswith(".webp")
    }
    labelled = {hashlib.sha256(photo.data).hexdigest() for photo in found}
    if taken & labelled:
        sys.exit("a photo is in both sets")
    return found + [photo for digest, photo in things.items() if digest not in labelled]


def _labelled(row: dict[str, str], data: bytes) -> Shown:
    if not hashlib.sha256(data).hexdigest().startswith(row["sha256"]):
        sys.exit(f"{row['file']} is another photo than the one that was labelled")
    right = frozenset(int(index) for index in row["classes"].split("|")) if row["classes"] != "none" else frozenset()
    return Shown(row["file"], data, right, row["note"] != NO_ANIMAL)


def _files(archive: Path | None) -> Iterator[tuple[str, bytes]]:
    """The photos of a Debian package, `outer!inner` for those in a `.rcc` file; without one those of the fixtures."""
    if archive is None:
        yield from ((file.name, file.read_bytes()) for file in (FIXTURES / "photos").iterdir())
        return
    unpacked = subprocess.run(["dpkg-deb", "--fsys-tarfile", archive], capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(unpacked)) as tar:
        for entry in tar:
            name, content = entry.name.removeprefix("./"), tar.extractfile(entry) if entry.isfile() else None
            if content is None or not name.endswith((".rcc", ".jpg")):
                continue
            data = content.read()
            yield from rcc_photos(name, data) if name.endswith(".rcc") else [(name, data)]


def rcc_photos(name: str, data: bytes) -> Iterator[tuple[str, bytes]]:
    """The files in a `.rcc` file, named as in the manifests."""
    return ((f"{name}!{inner}", photo) for inner, photo in rcc_files(data).items())


def losses(scores: Floats, right: Flags, temperatures: Floats) -> Floats:
    """The negative log likelihood of the right groups, shape (photos, temperatures)."""
    scaled = scores[:, None, :] / temperatures[None, :, None]
    weights = np.exp(scaled - scaled.max(axis=2, keepdims=True))
    found: Floats = np.log(weights.sum(axis=2)) - np.log((weights * right[:, None, :]).sum(axis=2))
    return found


def fit(scores: Floats, right: Flags) -> tuple[float, float, float]:
    """The temperature of the least mean loss, and the ends of its bootstrap interval."""
    table = losses(scores, right, GRID)
    draws = np.random.default_rng(SEED).integers(len(table), size=(DRAWS, len(table)))
    low, high = np.percentile(GRID[table[draws].mean(axis=1).argmin(axis=1)], MIDDLE)
    return float(GRID[table.mean(axis=0).argmin()]), float(low), float(high)


def calibration_error(scores: Floats, hits: Flags) -> float:
    """The expected calibration error in ten bins of equal width (Naeini, Cooper and Hauskrecht 2015)."""
    bins = np.minimum((scores * BINS).astype(int), BINS - 1)
    gaps = [abs((hits[bins == number] - scores[bins == number]).sum()) for number in range(BINS)]
    return float(sum(gaps) / len(scores))


def is_right(answer: Answer, model: Model, accepted: frozenset[int]) -> bool:
    """Whether an answer is, or holds, a taxon of an accepted class."""
    taxa = [taxon for index in accepted for taxon in model.grouping.table.labels[index].taxa]
    return any(answer.taxon.scientific_name in taxon.lineage.values() for taxon in taxa)


def report(model: Model, samples_of: dict[str, list[Sample]], temperature: float) -> None:
    """Before and after on the photos that accuracy is reported on."""
    print(f"{'style':<7} {'n':>3} {'T':>5} {'NLL':>6} {'ECE':>6} {'Brier':>6}  first >= bar: right  answers: right")
    for style, photos in samples_of.items():
        accepted = [row.imagenet_classes for row, _ in photos]
        logits = model.logits(data for _, data in photos)
        table = losses(*model.group_scores(logits, accepted), np.array([1.0, temperature])).mean(axis=0)
        for heat, loss in zip((1.0, temperature), table, strict=True):
            line = _line(model, model.rankings(logits, heat), accepted)
            print(f"{style:<7} {len(photos):>3} {heat:>5.2f} {loss:>6.3f} {line}", flush=True)


def _line(model: Model, rankings: list[Ranking], accepted: list[frozenset[int]]) -> str:
    scores = np.array([ranking.candidates[0].combined_score for ranking in rankings])
    hits = np.array([_first_is_right(model, *pair) for pair in zip(rankings, accepted, strict=True)])
    passed = scores >= model.pipeline.rules.answer_bar
    answers = [(one.answer, classes) for one, classes in zip(rankings, accepted, strict=True) if one.answer]
    right = sum(is_right(answer, model, classes) for answer, classes in answers)
    return (
        f"{calibration_error(scores, hits):>6.3f} {np.mean((scores - hits) ** 2):>6.3f}"
        f"  {passed.sum():>12}: {(passed & hits).sum():<5}  {len(answers):>7}: {right}"
    )


def _first_is_right(model: Model, ranking: Ranking, accepted: frozenset[int]) -> bool:
    taxa = {frozenset(taxon.key for taxon in model.grouping.table.labels[index].taxa) for index in accepted}
    first = ranking.candidates[0]
    return frozenset(taxon.key for taxon in first.covers or (first.taxon,)) in taxa


def report_animal_score(model: Model, animals: list[bytes], things: list[bytes], temperature: float) -> None:
    """How well the animal score parts photos of animals from others (area under the curve), and what its bar does."""
    logits = [model.logits(photos) for photos in (animals, things)]
    for heat in (1.0, temperature):
        rankings = [model.rankings(some, heat) for some in logits]
        of_animals, of_things = (np.array([one.animal_score for one in some]) for some in rankings)
        below = [sum(one.status is AnswerStatus.NO_ANIMAL for one in some) for some in rankings]
        named = sum(one.answer is not None for one in rankings[1])
        above = (of_animals[:, None] > of_things).mean() + (of_animals[:, None] == of_things).mean() / 2
        print(
            f"animal score at T {heat:.2f}: AUC {above:.4f}; no animal: {below[0]} of {len(animals)} animals,"
            f" {below[1]} of {len(things)} others, {named} of which get an answer"
        )


def report_classless(model: Model, photos: list[bytes], temperature: float) -> None:
    """How many animals without a class get an answer, which can be right above the species at most."""
    logits = model.logits(photos)
    for heat in (1.0, temperature):
        answers = [one.answer for one in model.rankings(logits, heat) if one.answer]
        species = sum(answer.taxon.rank == "species" for answer in answers)
        print(
            f"animals without a class at T {heat:.2f}: {len(answers)} of {len(photos)} answered, {species} as species"
        )


def main() -> None:
    """Fit each model, and say what its temperature changes."""
    cache, *names = sys.argv[1:]
    measured = list(samples(Path(cache)))
    others = shown(Path(cache))
    by_style = {style: [one for one in measured if one[0].style == style] for style in ("photo", "cutout")}
    by_style["both"] = measured
    fitted_on = [photo for photo in others if photo.right]
    animals = [photo.data for photo in others if photo.animal] + [data for _, data in measured]
    things = [photo.data for photo in others if not photo.animal]
    classless = [photo.data for photo in others if photo.animal and not photo.right]
    for name in names or MODELS:
        model = open_model(name)
        logits = model.logits(photo.data for photo in fitted_on)
        found, low, high = fit(*model.group_scores(logits, [photo.right for photo in fitted_on]))
        print(f"\n{name}: T {found:.2f} [{low:.2f}, {high:.2f}], fitted on {len(fitted_on)} photos", flush=True)
        report(model, by_style, found)
        report_animal_score(model, animals, things, found)
        report_classless(model, classless, found)


if __name__ == "__main__":
    main()
