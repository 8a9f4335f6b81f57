"""What a place does to accuracy: each photo of the accuracy set without one, with a right one, and with wrong ones.

Usage: python accuracy_by_place.py CACHE_FOLDER [MODEL]. Right places are written by hand (`accuracy_places.csv`), one
for each taxon, where any field guide has it. Wrong ones are ten cities; a city counts for a photo where the area data
has no taxon of the right class. A photo is right when the first candidate shows a taxon of the right class.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

from accuracy import MANIFEST, Sample, samples, share

from geoid import open_settings, wiring
from geoid.core.pipeline import Pipeline
from geoid.core.predictions import LocalStatus
from geoid.core.values import Capture, Coordinates, Label, Location, Source

PLACES = MANIFEST.with_name("accuracy_places.csv")
WRONG = {
    "London": (51.5, -0.1),
    "Nairobi": (-1.3, 36.8),
    "Tokyo": (35.7, 139.7),
    "Manaus": (-3.1, -60.0),
    "Sydney": (-33.9, 151.2),
    "New York": (40.7, -74.0),
    "Delhi": (28.6, 77.2),
    "Novosibirsk": (55.0, 82.9),
    "Cape Town": (-33.9, 18.4),
    "Auckland": (-36.8, 174.8),
}
NAMED = 3


def given(latitude: float, longitude: float) -> Capture:
    """A capture with that place and no date."""
    return Capture(Location(Coordinates(latitude, longitude), Source.ARGUMENT))


def outcome(pipeline: Pipeline, data: bytes, labels: list[Label], where: Capture) -> tuple[int, bool]:
    """The place, from 0, of the first candidate of a right class, and whether nothing of that class occurs there."""
    right = {taxon.key for label in labels for taxon in label.taxa}
    texts = {label.text for label in labels}
    candidates = pipeline.predict("photo", data, where).ranking.candidates
    for place, candidate in enumerate(candidates):
        shown = {taxon.key for taxon in candidate.covers or (candidate.taxon,)}
        if candidate.label in texts or shown <= right:
            return place, candidate.local_status in {LocalStatus.NOT_RECORDED, LocalStatus.OUT_OF_SEASON}
    return len(candidates), False


def compare(pipeline: Pipeline, labels: tuple[Label, ...], photos: list[Sample]) -> None:
    """Print the three columns, and every photo that a right place made worse."""
    with PLACES.open(encoding="utf-8") as table:
        places = {row["truth"]: (float(row["latitude"]), float(row["longitude"])) for row in csv.DictReader(table)}
    without, with_right, with_wrong, named = [], [], [], []
    for row, data in photos:
        right = [labels[index] for index in row.imagenet_classes]
        without.append(outcome(pipeline, data, right, Capture())[0])
        with_right.append(outcome(pipeline, data, right, given(*places[row.truth]))[0])
        found = {city: outcome(pipeline, data, right, given(*where)) for city, where in WRONG.items()}
        wrong = [place for place, absent in found.values() if absent]
        with_wrong += wrong
        named += [sum(place < NAMED for place in wrong) / len(wrong)] if wrong else []
        missed = [city for city, (place, absent) in found.items() if absent and place >= NAMED]
        if with_right[-1] > without[-1] or missed:
            name = row.member.rpartition("/")[2]
            print(
                f"  {name} ({row.truth}): {without[-1] + 1} -> {with_right[-1] + 1}; not named in {', '.join(missed)}"
            )
    for title, found in (("no place", without), ("right place", with_right), ("wrong place", with_wrong)):
        print(f"{title:<12} {len(found):>4}  first {share(found, 1)}  among {NAMED} {share(found, NAMED)}")

    print(f"wrong place, each of {len(named)} photos counted once: among {NAMED} {sum(named) / len(named):.3f}")


def main() -> None:
    """Measure."""
    cache, *names = sys.argv[1:]
    settings = open_settings({"model.name": names[0] if names else None, "predict.top": 400}).settings
    library = wiring.open_library(settings)
    pipeline = wiring.open_pipeline(settings)
    photos = list(samples(Path(cache)))
    for style in ("photo", "cutout"):
        print(style)
        some = [sample for sample in photos if sample[0].style == style]
        compare(pipeline, library.classes(library.card(settings.model.name)).labels, some)


if __name__ == "__main__":
    main()
