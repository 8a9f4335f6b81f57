"""Evidence: what area data says of each taxon that a model knows, at one place and in one month. Pure functions.

Ranges are complete for the taxa they cover, so absence counts as absence. Occurrences are not, so their counts are
shrunk from coarse cells to fine ones. Where both exist they are united per taxon, never intersected.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geoid.core.features import COUNTS, Features, Flag, Records
from geoid.core.predictions import LocalStatus
from geoid.core.releases import ReleaseTaxon, TaxonFlag
from geoid.core.values import taxon_key

Floats = NDArray[np.float64]
STATUSES = tuple(LocalStatus)
CODES = {status: np.int8(code) for code, status in enumerate(STATUSES)}
EXPECTED, SEASON, NEAR = (CODES[LocalStatus(name)] for name in ("expected", "out-of-season", "near"))
ABSENT, INTRODUCED, UNKNOWN = (CODES[LocalStatus(name)] for name in ("not-recorded", "introduced", "unknown"))

BESIDE = 0.3
"""The geo score of a migrant out of its months, and of a taxon whose range only touches the cell."""

SHRINKAGE = {2: 2400.0, 3: 1200.0, 4: 600.0, 5: 300.0}
"""K_r: how many records of the parent cell's mix a cell of resolution r is given to start with."""

SEASON_FROM = 12
"""Records that a taxon needs in a cell before its months mean anything."""

OFF_SEASON = 0.1
"""Below this share of its mean month a taxon of an occurrence release is out of season."""

LOCAL = 3
"""A record at this resolution or finer is here; one in the coarse cell only is near."""

AWAY = int(Flag.TOUCHES | Flag.DOUBTFUL)
"""The flags of a record that does not say that the taxon is here."""


class KnownTaxon(NamedTuple):
    """A taxon of a release that a model knows: its number, the model's key, its flags and records world-wide.

    The key is its own, or that of the lowest taxon above it that the model knows: a ladybird is one of Coccinellidae.
    """

    number: int
    key: str
    flags: int
    occurrences: int


class KnownTaxa(NamedTuple):
    """How many taxa a release has, how many records in all, and those of its taxa that a model knows."""

    size: int
    occurrences: int
    taxa: tuple[KnownTaxon, ...]


class Matched(NamedTuple):
    """The taxa of a model among those of a release: n model taxa, m release taxa.

    `model_of` (m) is the place in the model of each release taxon or -1; the others (n) are what holds everywhere.
    """

    model_of: NDArray[np.int32]
    known: NDArray[np.bool_]
    worldwide: NDArray[np.bool_]
    domestic: NDArray[np.bool_]
    shares: Floats


class Evidence(NamedTuple):
    """For each taxon of the model (n): its geo score 0..1 or nan for unknown, and a code of `STATUSES`.

    `neutral` is the score that an unknown taxon is given: the median of those that are here.
    """

    scores: Floats
    statuses: NDArray[np.int8]
    domestic: NDArray[np.bool_]
    neutral: float


def match(keys: Sequence[str], taxa: Sequence[ReleaseTaxon]) -> Matched:
    """Find the taxa of a model, by key, in a release."""
    return place(keys, known_taxa(keys, taxa))


def known_taxa(keys: Sequence[str], taxa: Sequence[ReleaseTaxon]) -> KnownTaxa:
    """What predictions need of the taxa of a release."""
    wanted = frozenset(keys)
    met = ((one, _met(one, wanted)) for one in taxa)
    chosen = (KnownTaxon(one.number, key, one.flags, one.occurrences) for one, key in met if key is not None)
    return KnownTaxa(len(taxa), sum(one.occurrences for one in taxa), tuple(chosen))


def _met(taxon: ReleaseTaxon, wanted: frozenset[str]) -> str | None:
    """The key by which a model knows a taxon, if it does."""
    if taxon.key in wanted:
        return taxon.key
    above = (taxon_key(name) for name in reversed(tuple(taxon.lineage.values())))
    return next((key for key in above if key in wanted), None)


def place(keys: Sequence[str], known: KnownTaxa) -> Matched:
    """Where the taxa of a model are in a release; `keys` are those that `known` was made with."""
    places = {key: index for index, key in enumerate(keys)}
    model_of = np.full(known.size, -1, np.int32)
    flags = np.full(len(keys), int(TaxonFlag.DOUBTFUL), np.int64)
    counts = np.zeros(len(keys))
    for taxon in known.taxa:
        index = places[taxon.key]
        sure = ~int(TaxonFlag.DOUBTFUL) | flags[index] & taxon.flags  # doubtful only if each of its members is
        model_of[taxon.number] = index
        flags[index] = (flags[index] | taxon.flags) & sure
        counts[index] += taxon.occurrences
    worldwide, domestic = flags & TaxonFlag.WORLDWIDE > 0, flags & TaxonFlag.DOMESTIC > 0
    return Matched(model_of, flags & TaxonFlag.DOUBTFUL == 0, worldwide, domestic, counts / (known.occurrences or 1))


def weigh(features: Sequence[Features], matched: Matched, month: int | None) -> Evidence:
    """The evidence of the cells around a place, any of resolutions 2 to 5; `month` is 1..12 or none for the year."""
    cells = sorted(features, key=lambda one: one.resolution)
    scores, statuses = _ranges(cells, matched, month)
    if any(np.any(one.records["flags"] & Flag.RANGE == 0) for one in cells):
        counted, seen = _occurrences(cells, matched, month)
        recorded = (statuses == NEAR) & ((seen == EXPECTED) | (seen == INTRODUCED))
        statuses = np.where(recorded, seen, statuses)  # what was seen here is here, though its range ends beside it
        better = (counted > scores) | (statuses == ABSENT)
        scores, statuses = np.where(better, counted, scores), np.where(better, seen, statuses)
    scores[matched.worldwide], statuses[matched.worldwide] = 1.0, EXPECTED
    unknown = ~matched.known | (statuses == UNKNOWN)
    scores[unknown], statuses[unknown] = np.nan, UNKNOWN
    here = scores[scores > 0]
    return Evidence(scores, statuses, matched.domestic, float(np.median(here)) if len(here) else 1.0)


def has_data(features: Sequence[Features]) -> bool:
    """Whether any cell holds a record other than of a domestic animal."""
    return any(np.any(one.records["flags"] & Flag.DOMESTIC == 0) for one in features)


def taxa_here(features: Sequence[Features]) -> NDArray[np.intp]:
    """The numbers of the taxa that occur here, in any month; those that are only near are left out.

    Of a taxon's range records the finest counts. Of its occurrence records any does that is of this place.
    """
    size = max((int(one.records["taxon"][-1]) + 1 for one in features if len(one.records)), default=0)
    inside, seen = np.zeros((2, size), np.bool_)
    for one in sorted(features, key=lambda one: one.resolution):
        taxa, flags = one.records["taxon"], one.records["flags"]
        here, of_range = (one.records["year"] > 0) & (flags & AWAY == 0), flags & Flag.RANGE > 0
        inside[taxa[of_range]] = here[of_range]
        if one.resolution >= LOCAL:
            seen[taxa[here & ~of_range]] = True
    return np.flatnonzero(inside | seen)


def _of_model(records: Records, matched: Matched) -> tuple[Records, NDArray[np.int32]]:
    """The records of taxa that the model knows, and their places in it."""
    places = matched.model_of[records["taxon"]]
    return records[places >= 0], places[places >= 0]


def _month_weights(records: Records, month: int | None) -> NDArray[np.uint8]:
    weights: NDArray[np.uint8] = records["year"] if month is None else records["months"][:, month - 1]
    return weights


def _ranges(cells: Sequence[Features], matched: Matched, month: int | None) -> tuple[Floats, NDArray[np.int8]]:
    """Of a taxon's range records the finest counts."""
    scores = np.zeros(len(matched.known))
    statuses = np.full(len(matched.known), ABSENT, np.int8)
    for one in cells:
        records, places = _of_model(one.records[one.records["flags"] & Flag.RANGE > 0], matched)
        flags, weights = records["flags"], _month_weights(records, month) / 255.0
        away, touches, doubtful = weights == 0, flags & Flag.TOUCHES > 0, flags & Flag.DOUBTFUL > 0
        beside = np.where(flags & Flag.MIGRANT > 0, BESIDE, 0.0)
        here = np.where(away, beside, np.where(touches, np.minimum(weights, BESIDE), weights))
        codes = np.where(flags & Flag.INTRODUCED > 0, INTRODUCED, EXPECTED)
        codes = np.where(touches, NEAR, np.where(away, SEASON, codes))
        best_last = np.argsort(np.where(doubtful, -1.0, here), kind="stable")  # of several members of one taxon
        scores[places[best_last]] = np.where(doubtful, 0.0, here)[best_last]
        statuses[places[best_last]] = np.where(doubtful, UNKNOWN, codes)[best_last]
    return scores, statuses


def _occurrences(cells: Sequence[Features], matched: Matched, month: int | None) -> tuple[Floats, NDArray[np.int8]]:
    """q_r = (n_r + K_r q_(r-1)) / (N_r + K_r) from coarse to fine, then the season, then the share of the best."""
    shares = matched.shares.copy()
    season = np.ones(len(shares))
    statuses = np.full(len(shares), ABSENT, np.int8)
    kept = np.zeros(len(shares), np.bool_)
    for one in cells:
        records, places = _of_model(one.records[one.records["flags"] & Flag.RANGE == 0], matched)
        counts, coarse, introduced = (_sums(records, places, flag, len(shares)) for flag in SUMMED)
        constant = SHRINKAGE[one.resolution]
        finer = (counts + constant * shares) / (one.weight + constant)
        finer[kept] = shares[kept]
        kept[places] = 2 * coarse[places] > counts[places]  # for the cells below; without a record there, further
        shares = finer
        _season(season, records, places, month)
        seen = np.where(2 * introduced > counts, INTRODUCED, EXPECTED) if one.resolution >= LOCAL else NEAR
        statuses = np.where(counts > 0, seen, statuses)
    shares = shares * season
    statuses[(season < OFF_SEASON) & (statuses != ABSENT)] = SEASON
    return shares / (shares.max(initial=0.0) or 1.0), statuses


SUMMED = (0, int(Flag.TOO_COARSE), int(Flag.INTRODUCED))
"""The flags by which records are counted: all of them, and those that are mostly one or the other."""


def _sums(records: Records, places: NDArray[np.int32], flag: int, taxa: int) -> Floats:
    """How many records each taxon has, of its members that have a flag."""
    counted = np.where(records["flags"] & flag == flag, COUNTS[records["year"]], 0.0)
    sums: Floats = np.bincount(places, counted, taxa).astype(np.float64)
    return sums


def _season(season: Floats, records: Records, places: NDArray[np.int32], month: int | None) -> None:
    """The month's share of the mean month, smoothed over its neighbours by 1:2:1, of the finest cell with enough."""
    if month is None:
        return
    months = np.zeros((len(season), 12))
    np.add.at(months, places, COUNTS[records["months"]])
    enough = np.bincount(places, COUNTS[records["year"]], len(season)) >= SEASON_FROM
    smooth = (np.roll(months, 1, axis=1) + 2 * months + np.roll(months, -1, axis=1)) / 4
    mean = smooth.mean(axis=1)
    dated = enough & (mean > 0)
    season[dated] = smooth[dated, month - 1] / mean[dated]
