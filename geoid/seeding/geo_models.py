"""Geo models: `[latitude, longitude, week] -> species`, asked for every cell and every week of the year."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from geoid.core.features import RECORD, Flag, Records
from geoid.errors import AreaDataError
from geoid.seeding.bits import whole
from geoid.seeding.cells import RESOLUTION, world
from geoid.seeding.sources import Ranges, SourceTaxon

GeoModel = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""Takes points (n, 3) of latitude, longitude and week, and gives the probability of each species (n, species)."""

MONTHS, WEEKS_OF_A_MONTH = 12, 4
WEEKS = MONTHS * WEEKS_OF_A_MONTH
"""BirdNET's year: weeks 1 to 48, four a month (BirdNET-Analyzer, `--week`)."""

THRESHOLD = 0.03
"""Below this a species is not there: the default of BirdNET-Analyzer's `--sf_thresh`."""

MOST = 255
AT_ONCE = 32 * 1024 * 1024
"""Bytes of answers that are asked for at once, about."""

LICENCES = {
    "birdnet": (
        "BirdNET's models are under the licence Creative Commons Attribution-NonCommercial-ShareAlike 4.0 International"
        " (CC BY-NC-SA 4.0): name BirdNET as the source, make no commercial use of them nor of what is made of them,"
        " and pass it on under the same licence only; https://creativecommons.org/licenses/by-nc-sa/4.0/"
    )
}
"""What somebody accepts who has geoid read the model of that name."""


def species_of(label: str) -> SourceTaxon:
    """The species of a label: `Scientific name_Common name`, as BirdNET writes it, or a scientific name."""
    name, _, common = label.strip().partition("_")
    return SourceTaxon(name.strip(), common_name=common.strip() or None)


def read_geo_model(  # noqa: PLR0913 - a model does not say its name, nor its licence
    model: GeoModel,
    labels: Sequence[str],
    name: str,
    licence: str,
    *,
    threshold: float = THRESHOLD,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Ranges:
    """Ask a model for all 41,162 cells of resolution 3; `progress` is told of points done, and of how many there are.

    The weight of a month is the greatest probability of its four weeks, that of the year the greatest of all; a species
    is in a cell where that reaches the threshold. Raises `AreaDataError` for a model that does not answer with a
    probability for each label, and for a threshold that is none.
    """
    if not 0 < threshold <= 1:
        raise AreaDataError(f"{name}: the threshold {threshold} is no probability", "give one above 0 and up to 1")
    if not labels:
        raise AreaDataError(f"{name}: there are no labels", "labels are a line for each species of the model")
    cells, records = [], []
    for codes, weights in _answers(model, len(labels), name, progress):
        present, found = _records(weights, threshold)
        cells.append(whole(codes[present].astype(np.uint64), RESOLUTION).astype(np.uint64))
        records.append(found)
    taxa = [species_of(label) for label in labels]
    points = len(world().codes) * WEEKS
    return Ranges(name, "geo-model", licence, taxa, np.concatenate(cells), np.concatenate(records), points)


def _answers(
    model: GeoModel, species: int, name: str, progress: Callable[[int, int], None]
) -> Iterator[tuple[NDArray[np.uint16], NDArray[np.float32]]]:
    """Codes of some cells, and their species' probabilities by month (cells, months, species), until all are done."""
    every = world()
    total = len(every.codes)
    step = max(1, AT_ONCE // (WEEKS * species * 4))
    for start in range(0, total, step):
        end = min(start + step, total)
        points = _points(every.latitudes[start:end, 0], every.longitudes[start:end, 0])
        answer = _checked(model(points), len(points), species, name)
        yield every.codes[start:end], answer.reshape(-1, MONTHS, WEEKS_OF_A_MONTH, species).max(axis=2)
        progress(end * WEEKS, total * WEEKS)


def _points(latitudes: NDArray[np.float64], longitudes: NDArray[np.float64]) -> NDArray[np.float32]:
    """Each place in each week."""
    weeks = np.tile(np.arange(1, WEEKS + 1), len(latitudes))
    places = (np.repeat(values, WEEKS) for values in (latitudes, longitudes))
    return np.stack([*places, weeks], axis=1).astype(np.float32)


def _checked(answer: NDArray[np.float32], points: int, species: int, name: str) -> NDArray[np.float32]:
    if answer.shape != (points, species):
        what = f"{name} answers with shape {answer.shape} to {points} points, its labels name {species} species"
        raise AreaDataError(what, "are these the labels of this model?")
    if not (answer.min() >= 0 and answer.max() <= 1):
        raise AreaDataError(f"{name} answers with what is no probability", "a geo model answers with 0 to 1")
    return answer


def _records(weights: NDArray[np.float32], threshold: float) -> tuple[NDArray[np.intp], Records]:
    """The cells (places among those given) and records of those species that reach the threshold.

    They are no migrants' records, whose months without weight count as nearly there: the weights say it all.
    """
    cells, species = np.nonzero(weights.max(axis=1) >= threshold)
    records = np.zeros(len(cells), RECORD)
    records["taxon"] = species
    records["months"] = np.round(weights[cells, :, species] * MOST)
    records["year"] = np.maximum(records["months"].max(axis=1, initial=0), 1)
    records["flags"] = int(Flag.RANGE)
    return cells, records
