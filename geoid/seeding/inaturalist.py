"""iNaturalist: the website's exports, and the open data, whose observations name their taxa by number."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property

import polars as pl

from geoid.errors import AreaDataError
from geoid.seeding.binomials import binomial
from geoid.seeding.columns import Columns, either, matches
from geoid.seeding.darwin import RANKS
from geoid.seeding.eventdates import dated
from geoid.seeding.rules import CASUAL_GRADE
from geoid.seeding.sources import Broken, Fields, Part, Table

LICENCE = "per record: CC0, CC BY, CC BY-NC and others, or all rights reserved; see its license column"
NAMES = ("taxonspeciesname", "scientificname")
ITS_OWN = (
    "qualitygrade",
    "iconictaxonname",
    "captivecultivated",
    "coordinatesobscured",
    "publicpositionalaccuracy",
    "positionalaccuracy",
)

BLUR = 28_000.0
"""Metres: iNaturalist moves an obscured position within a square of 0.2 degrees, which is about so long from corner to
corner at the equator."""

ICONIC_CLASSES = ("Actinopterygii", "Amphibia", "Arachnida", "Aves", "Insecta", "Mammalia", "Reptilia")
"""The groups with an icon that are classes; the others are kingdoms and a phylum."""

OBSERVATIONS = ("observation_uuid", "latitude", "longitude", "taxon_id", "quality_grade")
TAXA = ("taxon_id", "ancestry", "rank", "name")
SPECIES = "species"


def is_inaturalist(columns: Columns) -> bool:
    """Whether they are of an export."""
    placed = "latitude" in columns and "longitude" in columns
    return placed and columns.first(NAMES) is not None and columns.first(ITS_OWN) is not None


def inaturalist_fields(columns: Columns) -> Fields:
    """What an export says; people choose its columns, so that any but the needed ones may be missing."""
    name = columns.text("taxonspeciesname")
    if name is None:
        name = binomial(columns.written("scientificname"))
    casual = matches(columns.text("qualitygrade"), "(?i-u)^casual$")
    return Fields(
        name,
        columns.measured("latitude"),
        columns.measured("longitude"),
        _of_species(columns, name, "taxonid"),
        _uncertainty(columns),
        *dated(columns, ("observedon", "timeobservedat")),
        captive=columns.true("captivecultivated"),
        lineage=dict(_lineage(columns)),
        common_name=_of_species(columns, name, "commonname"),
        dropped={} if casual is None else {CASUAL_GRADE: casual},
    )


def _of_species(columns: Columns, name: pl.Expr, said: str) -> pl.Expr | None:
    """A column where it is of the species itself, and not of one of its subspecies."""
    taxon, value = columns.text("scientificname"), columns.text(said)
    return None if taxon is None or value is None else pl.when(taxon == name).then(value)


def _uncertainty(columns: Columns) -> pl.Expr | None:
    """That of the position that is shown. The other accuracy is of the true position, which may be hidden."""
    shown, true = columns.number("publicpositionalaccuracy"), columns.number("positionalaccuracy")
    words = (matches(columns.text(name), "(?i-u)^obscured$") for name in ("geoprivacy", "taxongeoprivacy"))
    hidden = either(columns.true("coordinatesobscured"), *words)
    if hidden is not None:
        known = pl.lit(None, pl.Float64) if true is None else true
        true = pl.when(hidden).then(pl.max_horizontal(known, pl.lit(BLUR))).otherwise(known)
    given = [metres for metres in (shown, true) if metres is not None]
    return pl.coalesce(given) if given else None


def _lineage(columns: Columns) -> Iterator[tuple[str, pl.Expr]]:
    for rank in RANKS:
        if (text := columns.text(f"taxon{rank}name")) is not None:
            yield rank, text
        elif rank == "class" and (icon := columns.text("iconictaxonname")) is not None:
            yield rank, pl.when(icon.is_in(ICONIC_CLASSES)).then(icon)


def is_observations(columns: Iterable[str]) -> bool:
    """Whether they are of the open data's `observations.csv`, which needs `taxa.csv`."""
    return set(OBSERVATIONS) <= set(columns)


def is_taxa(columns: Iterable[str]) -> bool:
    """Whether they are of the open data's `taxa.csv`."""
    return set(TAXA) <= set(columns)


def joined(observations: Table, taxa: Table | None) -> Table:
    """The open data as a table like an export; raises `AreaDataError` without the table of taxa."""
    if taxa is None:
        what = f"{observations.name}: names its taxa by number, and there is no taxa.csv beside it"
        raise AreaDataError(what, "put taxa.csv (or taxa.csv.gz) of the same month into the same folder")
    return _Joined(observations, taxa)


class _Joined:
    """Observations with the names of their species, which are worked out when the first part is asked for."""

    def __init__(self, observations: Table, taxa: Table) -> None:
        self._observations, self._taxa = observations, taxa

    @property
    def name(self) -> str:
        return self._observations.name

    @property
    def columns(self) -> Sequence[str]:
        kept = [name for name in self._observations.columns if name != "taxon_id"]
        return (*kept, "taxon_id", *(_column(rank) for rank in (*RANKS, SPECIES)), "scientific_name")

    @property
    def schema(self) -> Mapping[str, pl.DataType]:
        return dict.fromkeys(self.columns, pl.String())

    @property
    def remarks(self) -> Sequence[str]:
        return (*self._observations.remarks, *self._taxa.remarks)

    @property
    def size(self) -> int:
        return self._observations.size

    @property
    def broken(self) -> Broken:
        both = (self._observations.broken, self._taxa.broken)
        return Broken(sum(one.count for one in both), [line for one in both for line in one.examples])

    def parts(self) -> Iterator[Part]:
        return map(self._part, self._observations.parts())

    def _part(self, part: Part) -> Part:
        careful = part.careful
        again = None if careful is None else self._again(careful)
        return part._replace(frame=self._named(part.frame), careful=again)

    def _again(self, careful: Callable[[], Iterator[Part]]) -> Callable[[], Iterator[Part]]:
        return lambda: map(self._part, careful())

    def _named(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        number = pl.col("taxon_id").cast(pl.Int64, strict=False)
        found = frame.with_columns(number.alias("number")).drop("taxon_id").join(self._species, on="number", how="left")
        return found.with_columns(pl.col(_column(SPECIES)).alias("scientific_name")).select(self.columns)

    @cached_property
    def _species(self) -> pl.LazyFrame:
        return _species_of(pl.concat(list(_read(self._taxa)))).lazy()


def _column(rank: str) -> str:
    return f"taxon_{rank}_name"


def _read(table: Table) -> Iterator[pl.DataFrame]:
    """A table that fits into memory, without its broken lines."""
    for part in table.parts():
        try:
            frame = part.frame.select(TAXA).collect(engine="streaming")
        except pl.exceptions.PolarsError as error:
            if part.careful is None:
                what = f"{table.name}: cannot be read as a table: {str(error).splitlines()[0]}"
                raise AreaDataError(what, "is it damaged, or of another format?") from error
            frame = None
        if frame is not None and (part.careful is None or part.verified(frame.height)):
            yield frame
        elif part.careful is not None:
            yield from (careful.frame.select(TAXA).collect(engine="streaming") for careful in part.careful())


def _species_of(taxa: pl.DataFrame) -> pl.DataFrame:
    """By the `number` of each taxon: its species' `taxon_id` and name, and the names of the ranks above it.

    Siblings share their ancestry, so that there are far fewer of these than of taxa.
    """
    number = pl.col("taxon_id").cast(pl.Int64, strict=False)
    known = taxa.select(number.alias("number"), "ancestry", "rank", "name").drop_nulls(["number", "name"])
    known = known.unique("number", keep="first")
    itself = pl.col("rank") == SPECIES
    name = pl.when(itself).then("name").otherwise(_column(SPECIES))
    key = pl.when(itself).then("number").otherwise("species")
    return known.join(_above(known), on="ancestry", how="left").select(
        "number", key.cast(pl.String).alias("taxon_id"), *map(_column, RANKS), name.alias(_column(SPECIES))
    )


def _above(known: pl.DataFrame) -> pl.DataFrame:
    """For each ancestry the names of its ranks, and the number of its species if it goes down to one."""
    steps = known.select(pl.col("ancestry").drop_nulls().unique()).with_columns(
        pl.col("ancestry").str.split("/").cast(pl.List(pl.Int64), strict=False).alias("number")
    )
    found = steps.explode("number").join(known.drop("ancestry"), on="number")
    at = {rank: pl.col("rank") == rank for rank in (*RANKS, SPECIES)}
    names = [pl.col("name").filter(here).first().alias(_column(rank)) for rank, here in at.items()]
    return found.group_by("ancestry").agg(*names, pl.col("number").filter(at[SPECIES]).first().alias("species"))
