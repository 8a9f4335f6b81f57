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


class KnownTaxon(NamedTuple):
    """A taxon of a release that a model knows: its number, key, flags and records world-wide."""

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
    wanted = set(keys)
    chosen = (KnownTaxon(one.number, one.key, one.flags, one.occurrences) for one in taxa if one.key in wanted)
    return KnownTaxa(len(taxa), sum(one.occurrences for one in taxa), tuple(chosen))


def place(keys: Sequence[str], known: KnownTaxa) -> Matched:
    """Where the taxa of a model are in a release; `keys` are those that `known` was made with."""
    places = {key: index for index, key in enumerate(keys)}
    model_of = np.full(known.size, -1, np.int32)
    flags = np.full(len(keys), int(TaxonFlag.DOUBTFUL), np.int64)
    counts = np.zeros(len(keys))
    for taxon in known.taxa:
        index = places[taxon.key]
        model_of[taxon.number] = index
        flags[index], counts[index] = taxon.flags, taxon.occurrences
    worldwide, domestic = flags & TaxonFlag.WORLDWIDE > 0, flags & TaxonFlag.DOMESTIC > 0
    return Matched(model_of, flags & TaxonFlag.DOUBTFUL == 0, worldwide, domestic, counts / (known.occurrences or 1))


def weigh(features: Sequence[Features], matched: Matched, month: int | None) -> Evidence:
    """The evidence of the cells around a place, any of resolutions 2 to 5; `month` is 1..12 or none for the year."""
    cells = sorted(features, key=lambda one: one.resolution)
    scores, statuses = _ranges(cells, matched, month)
    if any(np.any(one.records["flags"] & Flag.RANGE == 0) for one in cells):
        counted, seen = _occurrences(cells, matched, month)
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


def taxa_here(features: Sequence[Features]) -> NDArray[np.uint32]:
    """The numbers of the taxa that occur here, in any month; those that are only near are left out."""
    finest_first = sorted(features, key=lambda one: -one.resolution)
    records = np.concatenate([one.records for one in finest_first])
    taxa, first = np.unique(records["taxon"], return_index=True)
    decisive = records[first]
    away = int(Flag.TOUCHES | Flag.DOUBTFUL)
    here: NDArray[np.uint32] = taxa[(decisive["year"] > 0) & (decisive["flags"] & away == 0)]
    return here


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
        scores[places] = np.where(doubtful, 0.0, here)
        codes = np.where(flags & Flag.INTRODUCED > 0, INTRODUCED, EXPECTED)
        codes = np.where(touches, NEAR, np.where(away, SEASON, codes))
        statuses[places] = np.where(doubtful, UNKNOWN, codes)
    return scores, statuses


def _occurrences(cells: Sequence[Features], matched: Matched, month: int | None) -> tuple[Floats, NDArray[np.int8]]:
    """q_r = (n_r + K_r q_(r-1)) / (N_r + K_r) from coarse to fine, then the season, then the share of the best."""
    shares = matched.shares.copy()
    season = np.ones(len(shares))
    statuses = np.full(len(shares), ABSENT, np.int8)
    for one in cells:
        records, places = _of_model(one.records[one.records["flags"] & Flag.RANGE == 0], matched)
        counts = np.zeros(len(shares))
        counts[places] = COUNTS[records["year"]]
        constant = SHRINKAGE[one.resolution]
        finer = (counts + constant * shares) / (one.weight + constant)
        coarse = places[records["flags"] & Flag.TOO_COARSE > 0]
        finer[coarse] = shares[coarse]
        shares = finer
        _season(season, records, places, month)
        here = places[records["year"] > 0]
        introduced = records["flags"][records["year"] > 0] & Flag.INTRODUCED > 0
        statuses[here] = np.where(introduced, INTRODUCED, EXPECTED) if one.resolution >= LOCAL else NEAR
    shares = shares * season
    statuses[(season < OFF_SEASON) & (statuses != ABSENT)] = SEASON
    return shares / (shares.max(initial=0.0) or 1.0), statuses


def _season(season: Floats, records: Records, places: NDArray[np.int32], month: int | None) -> None:
    """The month's share of the mean month, smoothed over its neighbours by 1:2:1, of the finest cell with enough."""
    if month is None:
        return
    enough = COUNTS[records["year"]] >= SEASON_FROM
    months = COUNTS[records["months"][enough]]
    smooth = (np.roll(months, 1, axis=1) + 2 * months + np.roll(months, -1, axis=1)) / 4
    mean = smooth.mean(axis=1)
    dated = mean > 0
    season[places[enough][dated]] = smooth[dated, month - 1] / mean[dated]
