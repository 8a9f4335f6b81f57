"""Records of the world of `gbif_world.py`, in chunks, with what is wrong with real ones: typed, in 50 columns."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import polars as pl
from gbif_world import Floats, Integers, World
from numpy.typing import NDArray

COLUMNS = [
    *("gbifID", "datasetKey", "occurrenceID", "kingdom", "phylum", "class", "order", "family", "genus", "species"),
    *("infraspecificEpithet", "taxonRank", "scientificName", "verbatimScientificName"),
    *("verbatimScientificNameAuthorship", "countryCode", "locality", "stateProvince", "occurrenceStatus"),
    *("individualCount", "publishingOrgKey", "decimalLatitude", "decimalLongitude", "coordinateUncertaintyInMeters"),
    *("coordinatePrecision", "elevation", "elevationAccuracy", "depth", "depthAccuracy", "eventDate", "day", "month"),
    *("year", "taxonKey", "speciesKey", "basisOfRecord", "institutionCode", "collectionCode", "catalogNumber"),
    *("recordNumber", "identifiedBy", "dateIdentified", "license", "rightsHolder", "recordedBy", "typeStatus"),
    *("establishmentMeans", "lastInterpreted", "mediaType", "issue"),
]
"""GBIF's SIMPLE_CSV, in its order."""

LISTS = ("identifiedBy", "recordedBy", "typeStatus", "mediaType", "issue")
"""Columns with several values: text has semicolons between them, Parquet has lists."""

CHUNK = 250_000
"""Rows drawn at once; the first rows are the same however many follow."""

FIRST_ID, FIRST_YEAR, LAST_YEAR, SINCE = 1_000_000_000, 1850, 2025, 1970
OLD, MONTHLESS, YEARLESS, COARSE, SUBSPECIES, ABSENT = 0.05, 0.03, 0.01, 0.01, 0.03, 0.01
NOWHERE, OUTSIDE, ZERO, DOUBTED, FOSSIL, LIVING, INTRODUCED = 0.01, 0.01, 0.01, 0.01, 0.01, 0.01, 0.5
"""Shares of records; `INTRODUCED` is of those of a species that people brought there."""

BLUR = 0.1
"""Degrees by which a threatened species is moved, at most: a random place in a square of 0.2."""

ACCURACIES = {"unknown": 0.30, "exact": 0.615, "rough": 0.025, "coarse": 0.03, "blurred": 0.02, "default": 0.01}
DEFAULTS = np.array([301.0, 3036.0, 999.0, 9999.0])
"""What software writes where nobody said how exact a position is."""

BASES = ("HUMAN_OBSERVATION", "PRESERVED_SPECIMEN", "MACHINE_OBSERVATION", "FOSSIL_SPECIMEN", "LIVING_SPECIMEN")
ISSUES = (
    *("COORDINATE_ROUNDED;CONTINENT_DERIVED_FROM_COORDINATES", "CONTINENT_DERIVED_FROM_COORDINATES"),
    *("COORDINATE_ROUNDED", None, "GEODETIC_DATUM_ASSUMED_WGS84;TAXON_MATCH_HIGHERRANK"),
    *("ZERO_COORDINATE", "COORDINATE_OUT_OF_RANGE;COORDINATE_ROUNDED", "COORDINATE_INVALID"),
    *("COORDINATE_ROUNDED;COUNTRY_COORDINATE_MISMATCH", "PRESUMED_SWAPPED_COORDINATE"),
    *("PRESUMED_NEGATED_LATITUDE", "GEODETIC_DATUM_ASSUMED_WGS84;PRESUMED_NEGATED_LONGITUDE"),
)
HARMLESS = 5
"""So many of the issues say nothing against the position; the others are GBIF's seven geospatial ones."""

PUBLISHERS = (
    ("iNaturalist", "Observations", "https://www.inaturalist.org/observations/", "CC_BY_NC_4_0", "StillImage"),
    ("CLO", "EBIRD", "URN:catalog:CLO:EBIRD:OBS", "CC_BY_4_0", None),
    ("Artportalen", "Fynddata", "urn:lsid:artportalen.se:sighting:", "CC0_1_0", None),
    ("USNM", "Vertebrate Zoology", "http://n2t.net/ark:/65665/3", "CC0_1_0", "StillImage;StillImage"),
    ("naturgucker", "naturgucker", "urn:naturgucker:beobachtung:", "CC_BY_4_0", None),
)
MUSEUM = 3
"""Which of them keeps specimens."""

DATASETS, PEOPLE = 40, 5_000


class Drawn(NamedTuple):
    """What, where and when, each (n): numbers of species and places, degrees, metres."""

    species: Integers
    places: Integers
    foreign: NDArray[np.bool_]
    latitudes: Floats
    longitudes: Floats
    uncertainties: Floats
    years: Integers
    months: Integers
    days: Integers
    """Years, months and days are 0 where nobody knows them."""


def rows(world: World, seed: int, number: int, count: int = CHUNK) -> pl.DataFrame:
    """The first rows of a chunk."""
    random = np.random.default_rng([seed, 0xF0, number])
    drawn = _drawn(world, random)
    ids = pl.int_range(FIRST_ID + number * CHUNK, FIRST_ID + (number + 1) * CHUNK, eager=True)
    parts = (_taxa(world, random, drawn), _sites(world, drawn), _dates(drawn), _sources(random, drawn, ids))
    table = pl.concat(parts, how="horizontal").with_columns(gbifID=ids, **_measures(random, drawn))
    return table.select(COLUMNS).head(count)


def _drawn(world: World, random: np.random.Generator) -> Drawn:
    sites, living = world.places, world.inhabitants
    places = np.searchsorted(sites.weights, random.random(CHUNK) * sites.weights[-1])
    first, last = living.starts[sites.cells[places]], living.starts[sites.cells[places] + 1] - 1
    before = np.where(first, living.weights[first - 1], 0.0)
    wanted = before + random.random(CHUNK) * (living.weights[last] - before)
    entries = np.clip(np.searchsorted(living.weights, wanted, side="right"), first, last)
    species = living.species[entries].astype(np.int64)
    blurred = world.species.blurred[species]
    uncertainties = _uncertainties(random, blurred)
    latitudes, longitudes = _positions(world, random, places, blurred)
    when = _when(world, random, species, sites.latitudes[places] < 0)
    return Drawn(species, places, living.foreign[entries], latitudes, longitudes, uncertainties, *when)


def _positions(world: World, random: np.random.Generator, places: Integers, blurred: NDArray) -> tuple[Floats, Floats]:
    """Around the places, to five decimals; not a number where missing; some of them wrong."""
    sites = world.places
    spreads = sites.spreads[places]
    latitudes = np.clip(sites.latitudes[places] + spreads * random.standard_normal(CHUNK), -89.9, 89.9)
    longitudes = sites.longitudes[places] + spreads * random.standard_normal(CHUNK) * 1.4
    latitudes += blurred * random.uniform(-BLUR, BLUR, CHUNK)
    longitudes = (longitudes + blurred * random.uniform(-BLUR, BLUR, CHUNK) + 540) % 360 - 180
    chance, nearly = random.random(CHUNK), random.uniform(-0.009, 0.009, CHUNK)
    nowhere, outside, zero = (np.flatnonzero((chance >= a) & (chance < b)) for a, b in _steps(NOWHERE, OUTSIDE, ZERO))
    latitudes[nowhere] = longitudes[nowhere] = np.nan
    swapped = outside[np.abs(longitudes[outside]) > 91]
    latitudes[swapped], longitudes[swapped] = longitudes[swapped], latitudes[swapped]
    others = np.setdiff1d(outside, swapped)
    longitudes[others] += np.where(longitudes[others] < 0, -181, 181)
    latitudes[zero] = np.where(chance[zero] * 1e6 % 1 < 0.5, 0.0, nearly[zero])
    longitudes[zero] = latitudes[zero]
    return np.round(latitudes, 5), np.round(longitudes, 5)


def _steps(*shares: float) -> list[tuple[float, float]]:
    """Intervals of these lengths, one after the other from 0."""
    ends = np.cumsum((0.0, *shares))
    return list(pairwise(ends))


def _uncertainties(random: np.random.Generator, blurred: NDArray[np.bool_]) -> Floats:
    """In metres; not a number where unknown."""
    kinds = np.searchsorted(np.cumsum([*ACCURACIES.values()])[:-1], random.random(CHUNK), side="right")
    kinds[blurred] = list(ACCURACIES).index("blurred")
    chance = random.random(CHUNK)
    exact = np.clip(np.exp(np.log(30) + 1.3 * random.standard_normal(CHUNK)), 5, 1000)
    blur = np.where(chance < 0.9, 28_000 + 3_000 * chance, 28_000 / (1.0001 - chance) ** 0.5)
    choices = [np.full(CHUNK, np.nan), exact, 1_000 + 4_000 * chance, 5_000 + 25_000 * chance, blur]
    return np.round(np.choose(kinds, [*choices, DEFAULTS[(chance * len(DEFAULTS)).astype(int)]]))


def _when(
    world: World, random: np.random.Generator, species: Integers, south: NDArray[np.bool_]
) -> tuple[Integers, Integers, Integers]:
    months = np.zeros(CHUNK, np.int64)
    season = random.random(CHUNK, np.float32)
    for month in range(11):
        months += season > world.species.seasons[species, month]
    months = (months + 6 * south) % 12 + 1
    recent = np.maximum(LAST_YEAR - random.exponential(9, CHUNK).astype(np.int64), SINCE)
    chance = random.random(CHUNK)
    years = np.where(chance < OLD, random.integers(FIRST_YEAR, SINCE, CHUNK), recent)
    days = random.integers(1, 29, CHUNK)
    years[chance > 1 - YEARLESS] = 0
    monthless = (random.random(CHUNK) < MONTHLESS) | (years == 0)
    months[monthless] = days[monthless] = 0
    return years, months, days


def _taxa(world: World, random: np.random.Generator, drawn: Drawn) -> pl.DataFrame:
    chance = random.random(CHUNK)
    kind = np.where(chance < COARSE, 1, np.where(chance < COARSE + SUBSPECIES, 2, 0))
    names = world.species.names
    return names.select(pl.all().gather(drawn.species + kind * (names.height // 3)))


def _sites(world: World, drawn: Drawn) -> pl.DataFrame:
    return world.places.names.select(pl.all().gather(drawn.places))


@cache
def _calendar() -> pl.DataFrame:
    """Years, months and days (0 where unknown) in the order of ((year - FIRST_YEAR + 1) * 13 + month) * 32 + day."""
    years = [0, *range(FIRST_YEAR, LAST_YEAR + 1)]
    table = pl.DataFrame({"year": years}, {"year": pl.Int32})
    for name, size in (("month", 13), ("day", 32)):
        table = table.join(
            pl.DataFrame({name: range(size)}, {name: pl.Int32}), how="cross", maintain_order="left_right"
        )
    known = table.select(pl.when(pl.all() > 0).then(pl.all()).name.keep())
    text = [pl.col("year").cast(pl.String), *(pl.col(name).cast(pl.String).str.zfill(2) for name in ("month", "day"))]
    return known.with_columns(eventDate=pl.concat_str(text, separator="-", ignore_nulls=True).replace("", None))


def _dates(drawn: Drawn) -> pl.DataFrame:
    year = np.where(drawn.years > 0, drawn.years - FIRST_YEAR + 1, 0)
    return _calendar().select(pl.all().gather((year * 13 + drawn.months) * 32 + drawn.days))


@cache
def _datasets() -> pl.DataFrame:
    random = np.random.default_rng(DATASETS)
    chosen = [PUBLISHERS[number % len(PUBLISHERS)] for number in range(DATASETS)]
    names = ("institutionCode", "collectionCode", "occurrenceID", "license", "mediaType")
    table = pl.DataFrame(chosen, schema=dict.fromkeys(names, pl.String), orient="row")
    return table.with_columns(datasetKey=_uuids(random), publishingOrgKey=_uuids(random))


def _uuids(random: np.random.Generator) -> pl.Series:
    texts = (random.bytes(16).hex() for _ in range(DATASETS))
    return pl.Series(["-".join((one[:8], one[8:12], one[12:16], one[16:20], one[20:])) for one in texts])


@cache
def _people() -> pl.Series:
    random = np.random.default_rng(PEOPLE)
    first, last = (
        ["Ada", "Ben", "Cleo", "Dan", "Eva", "Finn", "Gro", "Hal", "Ida", "Jan"],
        ["ström", "mann", "smith", "ova", "berg", "sen", "ez", "ić"],
    )
    syllables = ["Lind", "Hol", "Kar", "Mar", "Nov", "Ras", "Tor", "Vel", "Wal", "Zim"]
    picks = random.integers(0, 8, (PEOPLE, 3))
    return pl.Series([f"{first[a]} {syllables[b]}{last[c]}" for a, b, c in picks])


def _sources(random: np.random.Generator, drawn: Drawn, ids: pl.Series) -> pl.DataFrame:
    """Who recorded it, and by what it is known there."""
    number = np.minimum(random.geometric(0.25, CHUNK) - 1, DATASETS - 1)
    table = _datasets().select(pl.all().gather(number))
    who = _people().gather((PEOPLE * random.random(CHUNK) ** 3).astype(np.int64))
    kept = np.where(random.random(CHUNK) < 0.6, random.integers(0, PEOPLE, CHUNK), -1)
    identified = pl.select(pl.when(pl.Series(kept) >= 0).then(_people().gather(np.maximum(kept, 0)))).to_series()
    basis = np.where(number % len(PUBLISHERS) == MUSEUM, 1, np.where(random.random(CHUNK) < 0.02, 2, 0))
    chance = random.random(CHUNK)
    basis[chance < FOSSIL + LIVING] = 4
    basis[chance < FOSSIL] = 3
    return table.with_columns(
        occurrenceID=pl.col("occurrenceID") + ids.cast(pl.String),
        catalogNumber=ids.cast(pl.String),
        recordedBy=who,
        rightsHolder=who,
        identifiedBy=identified,
        basisOfRecord=pl.Series(BASES).gather(basis),
        dateIdentified=pl.when(pl.Series(kept) >= 0).then(_dates(drawn)["eventDate"]),
    )


def _measures(random: np.random.Generator, drawn: Drawn) -> Mapping[str, pl.Series | pl.Expr]:
    """The columns that are numbers, and those of a few words."""
    issue = random.integers(0, HARMLESS, CHUNK)
    doubted = random.random(CHUNK) < DOUBTED
    issue[doubted] = random.integers(HARMLESS, len(ISSUES), CHUNK)[doubted]
    means = np.where(drawn.foreign & (random.random(CHUNK) < INTRODUCED), 2, random.random(CHUNK) < 0.05)
    return {
        "decimalLatitude": _known(drawn.latitudes),
        "decimalLongitude": _known(drawn.longitudes),
        "coordinateUncertaintyInMeters": _known(drawn.uncertainties),
        "coordinatePrecision": _some(random, 0.02, 1e-4 * random.integers(1, 9, CHUNK)),
        "elevation": _some(random, 0.1, random.integers(0, 2_000, CHUNK).astype(float)),
        "elevationAccuracy": _some(random, 0.02, np.full(CHUNK, 50.0)),
        "depth": _some(random, 0.01, random.integers(0, 90, CHUNK).astype(float)),
        "depthAccuracy": _some(random, 0.005, np.full(CHUNK, 5.0)),
        "individualCount": _some(random, 0.5, random.geometric(0.4, CHUNK).astype(float)).cast(pl.Int32),
        "occurrenceStatus": pl.Series(["PRESENT", "ABSENT"]).gather((random.random(CHUNK) < ABSENT).astype(np.uint32)),
        "recordNumber": _some(random, 0.05, random.integers(1, 9_999, CHUNK).astype(float))
        .cast(pl.Int32)
        .cast(pl.String),
        "establishmentMeans": pl.Series([None, "NATIVE", "INTRODUCED"]).gather(means.astype(np.uint32)),
        "typeStatus": pl.Series([None, "PARATYPE"]).gather((random.random(CHUNK) < 0.001).astype(np.uint32)),
        "lastInterpreted": pl.lit("2026-02-10T09:12:42.382Z"),
        "issue": pl.Series(ISSUES).gather(issue),
    }


def _known(values: Floats) -> pl.Series:
    """Null where it is not a number."""
    return pl.Series(values, nan_to_null=True)


def _some(random: np.random.Generator, share: float, values: Floats) -> pl.Series:
    """Null but for a share."""
    return _known(np.where(random.random(CHUNK) < share, values, np.nan))
