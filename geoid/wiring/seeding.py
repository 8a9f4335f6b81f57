"""Joins the rooms for `geoid seed`: sources, names, regions, models, and the files that a release goes to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from geoid import packaged, wiring
from geoid.errors import SettingsError, UsageError
from geoid.settings import Settings

if TYPE_CHECKING:
    from geoid.core.ports import Pack
    from geoid.seeding.geo_models import GeoModel
    from geoid.seeding.making import Naming
    from geoid.seeding.opening import OpenModel, Tools
    from geoid.seeding.regions import Regions
    from geoid.seeding.reports import SeedReport
    from geoid.seeding.requests import Request, Watch


class Building(NamedTuple):
    """A release that was built: to be published, or written to a file, and the report on it."""

    pack: Pack
    report: SeedReport

    def write(self, path: Path) -> None:
        """Write it as an area pack; raises `StorageError`."""
        wiring.write_pack(self.pack, path)


@contextmanager
def building(settings: Settings, request: Request, watch: Watch) -> Iterator[Building]:
    """Build a release from sources; what it keeps on the disk is gone when the context ends.

    Raises `UsageError` for what does not make sense, `AreaDataError` for sources that are none, damaged or empty,
    `StorageError` for a full disk, and `UnavailableError` where the packages are missing that read them.
    """
    wiring.need("polars", "geoid[seed]")
    from geoid.core.releases import RELEASE_NAME
    from geoid.seeding.area import wanted
    from geoid.seeding.making import making
    from geoid.seeding.opening import open_sources
    from geoid.seeding.requests import Moment

    if request.name is not None and not RELEASE_NAME.fullmatch(request.name):
        hint = "name it with letters, digits, dots, dashes and underscores"
        raise UsageError(f"--name {request.name!r} cannot be the name of a release", hint)
    tools = _tools(lambda done, total: watch(Moment("asking", done, total, 0)))
    chosen = wanted(request, tools.regions)
    sources = open_sources(request, tools)
    with making(sources, _naming(settings), chosen, request, watch) as made:
        yield Building(made.pack, made.report)


def _tools(progress: Callable[[int, int], None]) -> Tools:
    from geoid.seeding.opening import Tools

    return Tools(wiring.open_pack, _regions, _geo_model, _birdnet, progress)


@cache
def _regions() -> Regions:
    from geoid.seeding.regions import read_regions

    ranges = packaged.folder("ranges")
    return read_regions(packaged.folder("areas") / "regions.tsv", ranges / "groups.txt", ranges / "seas.txt")


def _geo_model(path: Path) -> GeoModel:
    if path.suffix.lower() == ".tflite":
        from geoid.adapters.tflite import TfliteGeoModel

        return TfliteGeoModel(path)
    from geoid.adapters.geo_models import OnnxGeoModel

    return OnnxGeoModel(path)


def _birdnet() -> OpenModel:
    from geoid.adapters.tflite import TfliteGeoModel, installed_birdnet
    from geoid.seeding.opening import OpenModel

    files = installed_birdnet()
    return OpenModel(TfliteGeoModel(files.model), files.labels.read_text(encoding="utf-8").splitlines())


def _naming(settings: Settings) -> Naming:
    """The names that geoid knows, and which of them the model does."""
    from geoid.core.grouping import group
    from geoid.core.releases import TaxonFlag
    from geoid.seeding.making import Naming
    from geoid.seeding.names import names_of, names_report, read_synonyms
    from geoid.zoo.labels import read_taxa

    library, models = wiring.open_library(settings), packaged.folder("models")
    classes = library.classes(library.card(settings.model.name), settings.names.language)
    starter = wiring.open_starter()
    flags = {taxon.key: taxon.flags & TaxonFlag.DOMESTIC for taxon in starter.taxa(starter.release)}
    chosen = settings.names.synonyms
    table = Path(chosen).expanduser() if chosen else models / "synonyms.tsv"
    if not table.is_file():
        raise SettingsError(f"names.synonyms: there is no file {table}", "correct it, or leave it empty")
    synonyms = read_synonyms(table)
    names = names_of(read_taxa(models / "taxa.tsv"), group(classes).keys, flags, synonyms)
    return Naming(names.resolve, tuple(names.domestic()), partial(names_report, names), names.systems())
