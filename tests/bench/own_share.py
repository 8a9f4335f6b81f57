"""geoid's own share: each figure is a ratio to the bare libraries, measured side by side in one run.

Usage: python own_share.py FIXTURE_PHOTOS. Rounds of the two sides alternate and the median of the rounds' ratios is
shown, because on a shared machine the two halves of a second differ more than the two programs.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import bare
import numpy as np
from PIL import Image

from geoid import open_pipeline, open_settings, wiring
from geoid.core.batch import predict_many
from geoid.core.sources import PhotoSource

BARE = Path(__file__).with_name("bare.py")
GEOID = Path(sys.executable).with_name("geoid")
PHOTO_SIZE = (4000, 3000)
COPIES = 48


@dataclass(frozen=True)
class Ratio:
    """One line of the table: ours against theirs, in milliseconds, and the goal for the ratio."""

    what: str
    against: str
    ours: float
    theirs: float
    ratio: float
    goal: str
    met: bool


def seconds(work: Callable[[], object]) -> float:
    """How long a piece of work takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def rounds(ours: Callable[[], object], theirs: Callable[[], object], count: int) -> Iterator[tuple[float, float]]:
    """Time both sides in turn, each first in every other round."""
    ours(), theirs()
    for number in range(count):
        if number % 2:
            other, own = seconds(theirs), seconds(ours)
        else:
            own, other = seconds(ours), seconds(theirs)
        yield own, other


def compare(what: str, against: str, goal: float, sides: Sequence[Callable[[], object]], count: int) -> Ratio:
    """The median ratio of times; at most `goal`."""
    pairs = list(rounds(*sides, count))
    own, other = (statistics.median(side) * 1000 for side in zip(*pairs, strict=True))
    ratio = statistics.median(mine / bare_time for mine, bare_time in pairs)
    return Ratio(what, against, own, other, ratio, f"at most {goal:g}", ratio <= goal)


def run(*command: object) -> Callable[[], object]:
    """A process, as work."""
    return lambda: subprocess.run([str(part) for part in command], check=True, capture_output=True)


def large_photos(folder: Path, target: Path) -> list[Path]:
    """Twelve-megapixel JPEGs out of the fixture photos, so that decoding weighs what it weighs in life."""
    target.mkdir()
    for number, path in enumerate(sorted(folder.glob("*.*"))):
        with Image.open(path) as image:
            image.convert("RGB").resize(PHOTO_SIZE, Image.Resampling.BICUBIC).save(target / f"{number}.jpg", quality=92)
    return sorted(target.iterdir())


def help_text() -> Ratio:
    """`geoid --help` against `import typer`."""
    sides = run(GEOID, "--help"), run(sys.executable, "-c", "import typer")
    return compare("geoid --help", "import typer", 1.3, sides, 15)


def cold_photo(model: Path, photo: Path) -> Ratio:
    """One photo in a new process."""
    sides = run(GEOID, "predict", photo, "--json"), run(sys.executable, BARE, model, photo)
    return compare("one photo, cold process", "a script of 30 lines", 1.25, sides, 15)


def many_photos(model: Path, photos: list[Path]) -> Ratio:
    """All cores, many photos; the goal is on the rate."""
    pipeline, cores = open_pipeline(), wiring.cores()
    net = bare.session(str(model))
    wanted = (photos * COPIES)[:COPIES]

    def ours() -> object:
        sources = [PhotoSource(str(path), path.read_bytes) for path in wanted]
        return list(predict_many(pipeline, sources, workers=cores))

    def theirs() -> object:
        with ThreadPoolExecutor(cores) as pool:
            return list(pool.map(lambda path: bare.scores(net, path.read_bytes()), wanted))

    found = compare(f"{COPIES} photos of 12 MP, all cores", "a bare thread pool", 1 / 0.95, (ours, theirs), 15)
    rate = 1 / found.ratio
    return Ratio(found.what, found.against, found.ours, found.theirs, rate, "at least 0.95 (rate)", rate >= 0.95)


def warm_photo(model: Path, photo: Path) -> Ratio:
    """One photo after another in a warm process."""
    pipeline, net, data = open_pipeline(), bare.session(str(model)), photo.read_bytes()
    sides = (lambda: pipeline.predict(photo.name, data)), (lambda: bare.scores(net, data))
    return compare("one photo of 12 MP, warm", "bare decode + inference", 1.05, sides, 60)


def model_ratios(first: str) -> Iterator[tuple[str, float]]:
    """The median time of one inference of each other model, one thread, as a share of the first model's."""
    library = wiring.open_library(open_settings().settings)

    def inference(name: str) -> Callable[[], object]:
        net, size = bare.session(str(library.path(name))), library.card(name).input.size
        pixels = np.random.default_rng(1).integers(0, 256, (1, size, size, 3), dtype=np.uint8)
        return lambda: net.run(None, {net.get_inputs()[0].name: pixels})

    for card in library.cards():
        if card.name != first:
            pairs = list(rounds(inference(card.name), inference(first), 60))
            yield card.name, statistics.median(other / base for other, base in pairs)


def main() -> None:
    """Measure all, print the table."""
    settings = open_settings().settings
    model = wiring.open_library(settings).path(settings.model.name)
    with tempfile.TemporaryDirectory() as folder:
        photos = large_photos(Path(sys.argv[1]), Path(folder) / "photos")
        lines = [help_text(), cold_photo(model, photos[0]), many_photos(model, photos), warm_photo(model, photos[0])]
    print(f"{'what':<32} {'against':<24} {'ours ms':>9} {'bare ms':>9} {'ratio':>6}  goal")
    for line in lines:
        mark = "met" if line.met else "missed"
        times = f"{line.ours:>9.1f} {line.theirs:>9.1f} {line.ratio:>6.3f}"
        print(f"{line.what:<32} {line.against:<24} {times}  {line.goal}: {mark}")

    for name, ratio in model_ratios(settings.model.name):
        print(f"one inference of {name}: {ratio:.2f} of {settings.model.name}'s time")


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
