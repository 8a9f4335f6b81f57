"""The world that `gbif.py` draws records from: species with names and ranges, places that people look at, who is there.

Invented, but shaped like the real one: abundances are log-normal, ranges are discs around one to three centres on real
land, most records come from few towns, and a place has some hundred species out of thirty thousand. The species of
`models/taxa.tsv` are among them under their own names; the others have names and genera of their own in the families
of that table.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from geoid import packaged
from geoid.seeding.cells import world as cells_of_the_world
from geoid.seeding.regions import INLAND

SPECIES, INVENTED_GENERA = 30_000, 6_000
TOWNS, SPOTS, TAIL = 40_000, 4_000, 80_000
"""Places: towns by Zipf's law, spots that all visitors go to, and a long tail of anywhere on land."""

TOWN_SHARE, SPOT_SHARE = 0.65, 0.20
ZIPF = 1.0
RADIUS, RADIUS_SPREAD, SMALLEST_RADIUS = 450.0, 0.7, 30.0
"""Of ranges, in kilometres: median and sigma of a log-normal distribution, and the least."""

EARTH = 6371.0
EVERYWHERE, BLURRED, BROUGHT, MIGRANTS = 0.002, 0.02, 0.05, 0.3
"""Shares of the species: without a range, too rare to be placed exactly, introduced by people, and gone in winter."""

NORTH = 60
"""Degrees beyond which few people look."""

CLASSES = {"Aves": 0.45, "Insecta": 0.25, "Mammalia": 0.1, "Reptilia": 0.06, "Amphibia": 0.04, "Actinopterygii": 0.04}
"""Shares of the invented species, roughly; other classes have `RARER` each."""

RARER = 0.005

RANKS = ("kingdom", "phylum", "class", "order", "family", "genus")
SYLLABLES = [
    *("ba", "ce", "do", "fi", "gu", "la", "me", "ni", "or", "pa", "que", "ri", "so"),
    *("tu", "va", "xe", "zo", "cal", "dri", "mon", "tis", "ver", "lin", "gra", "phe"),
]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


class Species(NamedTuple):
    """Kinds of animals. `names` has three rows for each: as species, as identified no further, as subspecies."""

    names: pl.DataFrame
    abundances: Floats
    seasons: NDArray[np.float32]
    """(species, 12), north of the equator: the share of records up to the end of each month."""

    blurred: NDArray[np.bool_]
    brought: NDArray[np.bool_]


class Places(NamedTuple):
    """Where people look, each (n): position, spread in degrees, the cell it is in, and the sum of weights so far."""

    latitudes: Floats
    longitudes: Floats
    spreads: Floats
    cells: Integers
    weights: Floats
    names: pl.DataFrame


class Inhabitants(NamedTuple):
    """Who lives where: those of cell c are `species[starts[c]:starts[c + 1]]`, `weights` are summed over all cells."""

    starts: Integers
    species: NDArray[np.int32]
    foreign: NDArray[np.bool_]
    weights: Floats


@dataclass(frozen=True)
class World:
    """Everything that records are drawn from."""

    species: Species
    places: Places
    inhabitants: Inhabitants


def make_world(seed: int) -> World:
    """The world of a seed."""
    random = np.random.default_rng([seed, 0xE0])
    land = _land()
    species = _species(random)
    places, points = _places(random, land)
    return World(species, places, _inhabitants(random, species, points, land))


def _land() -> pl.DataFrame:
    """Real land by cells of resolution 3: country, subdivision, and the cell's centre."""
    path = packaged.folder("areas") / "regions.tsv"
    lines = [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    rows = [(code, name, int(cell, 16)) for code, name, cells in lines if code != INLAND for cell in cells.split()]
    table = pl.DataFrame(rows, schema={"code": pl.String, "name": pl.String, "cell": pl.UInt16}, orient="row")
    every = cells_of_the_world()
    centres = {"cell": every.codes, "latitude": every.latitudes[:, 0], "longitude": every.longitudes[:, 0]}
    return table.join(pl.DataFrame(centres), on="cell", maintain_order="left")


def _species(random: np.random.Generator) -> Species:
    real = _real_species()
    lineages, names = [line[:-1] for line in real], [line[-1] for line in real]
    more = _invented(random, sorted({line[:5] for line in lineages}), set(names))
    for *lineage, name in more:
        lineages.append(tuple(lineage))
        names.append(name)
    abundances = np.exp(random.normal(0, 2.0, SPECIES))
    abundances[: len(real)] *= 3
    chances = random.random((3, SPECIES))
    table = _names(random, lineages, names)
    return Species(table, abundances, _seasons(random), chances[0] < BLURRED, chances[1] < BROUGHT)


def _real_species() -> list[tuple[str, ...]]:
    """The species of the table of taxa: names from kingdom to genus, then its own."""
    lines = (packaged.folder("models") / "taxa.tsv").read_text(encoding="utf-8").splitlines()[1:]
    taxa = {name: (rank, parent) for name, rank, parent, *_ in (line.split("\t") for line in lines)}

    def above(name: str) -> Iterator[str]:
        while name:
            yield name
            name = taxa[name][1]

    return [tuple(above(name))[::-1] for name, (rank, _) in taxa.items() if rank == "species"]


def _invented(random: np.random.Generator, families: list[tuple[str, ...]], taken: set[str]) -> list[tuple[str, ...]]:
    """Species with made-up names in real families, some of which have many and most few."""
    sizes = Counter(family[2] for family in families)
    shares = [CLASSES.get(family[2], RARER) / sizes[family[2]] for family in families]
    weights = np.exp(random.normal(0, 1, len(families))) * shares
    homes = random.choice(len(families), INVENTED_GENERA, p=weights / weights.sum())
    genera = _words(random, INVENTED_GENERA, taken)
    count = SPECIES - len(taken)
    epithets = _words(random, count, taken, length=4)
    rich = np.exp(random.normal(0, 1, INVENTED_GENERA))
    parents = random.choice(INVENTED_GENERA, count, p=rich / rich.sum())
    own = (
        (genera[parent].capitalize(), families[homes[parent]], word)
        for parent, word in zip(parents, epithets, strict=True)
    )
    return [(*family, genus, f"{genus} {word}us") for genus, family, word in own]


def _words(random: np.random.Generator, count: int, taken: set[str], length: int = 3) -> list[str]:
    """Different words of so many syllables."""
    found: dict[str, None] = {}
    while len(found) < count:
        for row in random.integers(0, len(SYLLABLES), (count, length)):
            word = "".join(SYLLABLES[one] for one in row)
            if word not in taken and len(found) < count:
                found[word] = None
    return list(found)


def _names(random: np.random.Generator, lineages: list[tuple[str, ...]], names: list[str]) -> pl.DataFrame:
    """What records say of their taxon, by GBIF's columns."""
    base = pl.DataFrame(lineages, schema=dict.fromkeys(RANKS, pl.String), orient="row")
    authors = [
        f"{word.capitalize()}, {year}" for word, year in zip(_words(random, 300, set()), range(1758, 2058), strict=True)
    ]
    author = pl.Series(authors).gather(random.integers(0, 250, SPECIES))
    text, key = pl.col("species"), pl.int_range(2_000_000, 2_000_000 + SPECIES).cast(pl.String)
    base = base.with_columns(species=pl.Series(names), authorship=author, speciesKey=key)
    whole, epithet = pl.col("species") + " " + pl.col("authorship"), text.str.split(" ").list.last() + "ensis"
    return pl.concat(
        [
            _ranked(base, "SPECIES", pl.lit(None), whole, pl.col("speciesKey")),
            _ranked(base, "GENUS", pl.lit(None), pl.col("genus"), "9" + pl.col("speciesKey")).with_columns(
                species=pl.lit(None, pl.String), speciesKey=pl.lit(None, pl.String)
            ),
            _ranked(base, "SUBSPECIES", epithet, text + " " + epithet, "8" + pl.col("speciesKey")),
        ]
    )


def _ranked(base: pl.DataFrame, rank: str, epithet: pl.Expr, name: pl.Expr, key: pl.Expr) -> pl.DataFrame:
    return base.select(
        *RANKS,
        "species",
        infraspecificEpithet=epithet.cast(pl.String),
        taxonRank=pl.lit(rank),
        scientificName=name,
        verbatimScientificName=pl.lit("cf. ") + pl.col("genus") if rank == "GENUS" else pl.col("species"),
        verbatimScientificNameAuthorship=pl.when(pl.lit(rank) == "SPECIES").then(pl.col("authorship")),
        taxonKey=key,
        speciesKey="speciesKey",
    )


def _seasons(random: np.random.Generator) -> NDArray[np.float32]:
    """People look more in summer; migrants are hardly there for half a year."""
    months = np.arange(12)
    looking = 1 + 0.5 * np.cos((months - 5) * np.pi / 6)
    peak, migrant = random.integers(3, 9, SPECIES)[:, None], random.random(SPECIES)[:, None] < MIGRANTS
    distance = np.abs((months - peak + 6) % 12 - 6)
    there = np.where(migrant, np.where(distance <= 2, 1.0, 0.01), 1.0)
    summed = np.cumsum(looking * there, axis=1)
    return (summed / summed[:, -1:]).astype(np.float32)


def _places(random: np.random.Generator, land: pl.DataFrame) -> tuple[Places, Floats]:
    """Places, and the centres (cells, 2) of those cells that have any."""
    codes, number = np.unique(land["code"].to_numpy(), return_inverse=True)
    watched = np.exp(random.normal(0, 1.5, len(codes)))[number]
    watched *= np.where(np.abs(land["latitude"].to_numpy()) > NORTH, 0.1, 1.0)
    count = TOWNS + SPOTS + TAIL
    rows = random.choice(land.height, count, p=watched / watched.sum())
    rows[-TAIL:] = random.integers(0, land.height, TAIL)
    chosen = land.select(pl.all().gather(rows))
    latitudes = np.clip(chosen["latitude"].to_numpy() + random.uniform(-0.45, 0.45, count), -89, 89)
    wide = 0.45 / np.cos(np.radians(latitudes))
    longitudes = (chosen["longitude"].to_numpy() + random.uniform(-wide, wide) + 540) % 360 - 180
    spreads = np.repeat([0.06, 0.02, 0.15], [TOWNS, SPOTS, TAIL]) * random.uniform(0.3, 1.5, count)
    _, first, cells = np.unique(chosen["cell"].to_numpy(), return_index=True, return_inverse=True)
    places = Places(latitudes, longitudes, spreads, cells, np.cumsum(_visits()), _addresses(random, chosen))
    return places, chosen[["latitude", "longitude"]][first].to_numpy()


def _visits() -> Floats:
    """How often each place is looked at."""
    shares = (TOWN_SHARE, SPOT_SHARE, 1 - TOWN_SHARE - SPOT_SHARE)
    laws = (1 / np.arange(1, TOWNS + 1) ** ZIPF, 1 / np.arange(1, SPOTS + 1) ** ZIPF, np.ones(TAIL))
    return np.concatenate([share * law / law.sum() for share, law in zip(shares, laws, strict=True)])


def _addresses(random: np.random.Generator, chosen: pl.DataFrame) -> pl.DataFrame:
    """What records say of their place in words, by GBIF's columns."""
    words = pl.Series([word.capitalize() for word in _words(random, 5_000, set())])
    name = words.gather(random.integers(0, len(words), chosen.height))
    kind = pl.Series([" village, by the river", " nature reserve, loop trail", " town park", ""])
    place = name + kind.gather(random.integers(0, len(kind), chosen.height))
    return chosen.select(
        countryCode=pl.col("code").str.slice(0, 2), locality=place + ", " + pl.col("name"), stateProvince="name"
    )


def _inhabitants(random: np.random.Generator, species: Species, points: Floats, land: pl.DataFrame) -> Inhabitants:
    """Who lives in each of the cells around `points`."""
    of, centres, radii = _ranges(random, land)
    cells = _on_sphere(points)
    pairs = [_within(cells, centres[a:b], radii[a:b], a) for a, b in pairwise([*range(0, len(of), 2_000), len(of)])]
    cell, disc = np.concatenate(pairs).T
    order = np.argsort(cell, kind="stable")
    cell, disc = cell[order], disc[order]
    who = of[disc]
    first = np.concatenate([[True], of[1:] != of[:-1]])
    weights = species.abundances[who] * np.exp(random.normal(0, 1, len(who)))
    starts = np.searchsorted(cell, np.arange(len(points) + 1))
    return Inhabitants(starts, who.astype(np.int32), species.brought[who] & ~first[disc], np.cumsum(weights))


def _ranges(random: np.random.Generator, land: pl.DataFrame) -> tuple[Integers, NDArray[np.float32], Floats]:
    """Discs: of which species, the centre on the unit sphere, and the radius in kilometres."""
    of = np.repeat(np.arange(SPECIES), random.choice([1, 2, 3], SPECIES, p=[0.6, 0.25, 0.15]))
    centres = land[["latitude", "longitude"]][random.integers(0, land.height, len(of))].to_numpy()
    radii = np.maximum(RADIUS * np.exp(random.normal(0, RADIUS_SPREAD, len(of))), SMALLEST_RADIUS)
    radii[random.random(SPECIES)[of] < EVERYWHERE] = EARTH * np.pi
    return of, _on_sphere(centres), radii


def _on_sphere(points: Floats) -> NDArray[np.float32]:
    """Latitudes and longitudes (n, 2) as points of the unit sphere (n, 3)."""
    latitudes, longitudes = np.radians(points).T
    flat = np.cos(latitudes)
    return np.stack([flat * np.cos(longitudes), flat * np.sin(longitudes), np.sin(latitudes)], 1).astype(np.float32)


def _within(cells: NDArray[np.float32], centres: NDArray[np.float32], radii: Floats, first: int) -> Integers:
    """Pairs (n, 2) of a cell and a disc that it lies in; `first` is the number of the first disc."""
    disc, cell = np.nonzero(centres @ cells.T > np.cos(radii / EARTH).astype(np.float32)[:, None] - 1e-6)
    return np.stack([cell, disc + first], 1)
