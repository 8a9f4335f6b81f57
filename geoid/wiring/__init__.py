"""The composition root: the one place that picks adapters, which are imported inside the functions that need them."""

from __future__ import annotations

import importlib.util
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import platformdirs

from geoid import packaged
from geoid.core.text import redacted
from geoid.errors import SettingsError, UnavailableError
from geoid.settings import Loaded, Settings, load

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from geoid.adapters.onnx import OnnxModel
    from geoid.adapters.packs import PackFolder
    from geoid.adapters.sqlite import AreaPack
    from geoid.core.areas import Areas
    from geoid.core.models import ModelCard
    from geoid.core.pipeline import Pipeline
    from geoid.core.ports import AreaStore, FeatureCache, Pack, ReleaseStore
    from geoid.core.sources import PhotoSource
    from geoid.core.values import Taxon
    from geoid.seeding.requests import Request, Watch
    from geoid.wiring.seeding import Building
    from geoid.zoo.library import Library
    from geoid.zoo.licences import Terms


PACK_SUFFIX = ".areas"
NO_FOLDER = re.compile(r"^\w{2,}:|^//|@|://|password", re.IGNORECASE)
"""What a folder is not called: most likely it was meant as a URL. One letter and a colon are a drive of Windows."""

STORES = "write sqlite:, sqlite:FOLDER, sqlite:PATH/NAME.areas or postgresql://USER@HOST/DATABASE"


def open_settings(flags: Mapping[str, object] = MappingProxyType({})) -> Loaded:
    """The settings of this process: `GEOID_PROFILE`, `geoid.toml` or `GEOID_SETTINGS`, the environment, and flags.

    Flags go by dotted key, `{"predict.top": 3}`; one that is none was not given.
    """
    named = os.environ.get("GEOID_SETTINGS")
    file = Path(named) if named else Path("geoid.toml")
    return load(
        os.environ.get("GEOID_PROFILE") or "embedded",
        file=file if named or file.is_file() else None,
        environ=os.environ,
        flags=flags,
    )


def open_library(settings: Settings) -> Library:
    """The models that ship with geoid and those the user added."""
    from geoid.zoo.library import Library

    models = settings.paths.models or platformdirs.user_data_path("geoid", appauthor=False) / "models"
    cache = settings.paths.cache or platformdirs.user_cache_path("geoid", appauthor=False)
    return Library((packaged.folder("models"), Path(models).expanduser()), Path(cache).expanduser())


def open_pipeline(settings: Settings | None = None, *, wait: bool = True) -> Pipeline:
    """The five steps, ready to predict; the model is built on first use. Safe to share between threads.

    Without `wait`, the model is still being loaded on return: the first photo waits for it, and its errors come then.
    """
    chosen = settings or open_settings().settings
    library = open_library(chosen)
    card = library.card(chosen.model.name)
    # onnxruntime loads a model without Python's lock, so everything else is got ready meanwhile
    aside = ThreadPoolExecutor(1)
    model = aside.submit(_open_model, library, card)
    aside.shutdown(wait=False)
    pipeline = _pipeline(chosen, library, card, model)
    if wait:
        model.result()
    return pipeline


def _open_model(library: Library, card: ModelCard) -> OnnxModel:
    from geoid.adapters.onnx import OnnxModel

    return OnnxModel(library.path(card.name, run_model), card)


def _pipeline(chosen: Settings, library: Library, card: ModelCard, model: Future[OnnxModel]) -> Pipeline:
    from geoid.adapters.metadata import PhotoMetadata
    from geoid.adapters.pillow import PhotoReader, decode
    from geoid.adapters.sidecars import sidecar_of
    from geoid.core.grouping import group
    from geoid.core.pipeline import Pipeline
    from geoid.core.predictions import ModelReference
    from geoid.core.ranking import RankingRules

    grouping = group(library.classes(card, chosen.names.language))
    tiled_for = grouping.classes if chosen.model.tiles else None
    from geoid.adapters.onnx import OnnxClassifier  # last, because the other thread is still importing onnxruntime

    return Pipeline(
        read=PhotoReader(chosen.photo.max_bytes, chosen.photo.max_pixels),
        metadata=PhotoMetadata(sidecar=sidecar_of),
        areas=open_areas(chosen, grouping.keys),
        classifier=OnnxClassifier(card, model.result, decode, tiled_for),
        grouping=grouping,
        rules=RankingRules(
            chosen.ranking.answer_bar,
            chosen.ranking.animal_bar,
            chosen.predict.top,
            chosen.ranking.power,
            chosen.ranking.absent,
        ),
        model=ModelReference(card.name, card.sha256),
    )


def open_areas(settings: Settings, keys: Sequence[str] = (), *, cached: bool = True) -> Areas:
    """The area data that the settings name; `keys` are the taxa that a model knows. No server is asked yet.

    Unless `cached`, only the store is asked, and not the cache that processes share.

    Raises `AreaDataError` for a pack that is damaged or none, `NewerFormatError` for one of a newer geoid.
    """
    from geoid.adapters.memory import MemoryCache
    from geoid.core import areas
    from geoid.core.predictions import Mode

    store = open_store(settings)
    deadline, cache = settings.areas.deadline, settings.cache
    shared = open_cache(settings) if cached else None
    behind = areas.Behind(store, store, MemoryCache(cache.bytes), shared, store.scope)
    limits = areas.Limits(deadline, min(cache.timeout, deadline), cache.ttl)
    return areas.open_areas(behind, keys, limits, Mode(settings.ranking.mode))


def open_store(settings: Settings) -> AreaStore:
    """The store of area data that predictions read."""
    url = settings.areas.store.strip()
    if url.startswith("sqlite:") and url.endswith(PACK_SUFFIX):
        from geoid.adapters.sqlite import AreaPack

        return AreaPack(Path(url.removeprefix("sqlite:")).expanduser())
    if _is_postgres(url):
        from geoid.adapters.postgres import PostgresStore

        return PostgresStore(url)
    return _open_folder(url)


def open_release_store(settings: Settings, to: str | None = None) -> ReleaseStore:
    """The store that releases are published to: `to`, else the one the settings name; a URL or a folder of packs."""
    url = release_url(settings, to)
    if _is_postgres(url):
        from geoid.adapters.postgres_releases import PostgresReleases

        return PostgresReleases(url)
    return _open_folder(url)


def release_url(settings: Settings, to: str | None = None) -> str:
    """Where releases are published to; never show it but `redacted`."""
    return (to or settings.areas.publish or settings.areas.store).strip()


def _is_postgres(url: str) -> bool:
    """Whether a URL is of PostgreSQL; raises `UnavailableError` if it is and the client library is missing."""
    found = url.lower().startswith(("postgresql:", "postgres:"))
    if found:
        need("psycopg", "psycopg[binary]")
    return found


def _open_folder(url: str) -> PackFolder:
    """The packs in the folder of `sqlite:FOLDER`, or of the user where none is named, with the starter release."""
    from geoid.adapters.packs import PackFolder

    path = url.removeprefix("sqlite:")
    if not url or NO_FOLDER.search(path):
        raise SettingsError(f"{redacted(url)!r} is no store of area data that geoid knows", STORES)
    if path:
        return PackFolder(Path(path).expanduser())
    return PackFolder(platformdirs.user_data_path("geoid", appauthor=False) / "areas", _starter())


def open_pack(path: str | None) -> Pack:
    """An area pack, or the starter release where no path is given."""
    from geoid.adapters.sqlite import AreaPack

    return AreaPack(_starter() if path is None else Path(path).expanduser())


def open_starter() -> AreaPack:
    """The starter release as store."""
    from geoid.adapters.sqlite import AreaPack

    return AreaPack(_starter())


def _starter() -> Path:
    return packaged.folder("areas") / "starter.areas"


def open_cache(settings: Settings) -> FeatureCache | None:
    """The cache that processes share, or none where this process is alone."""
    url = settings.cache.url.strip()
    scheme = url.partition(":")[0]
    if scheme == "memory":
        return None
    if scheme in {"redis", "rediss", "valkey", "valkeys"}:
        need("redis", "redis")
        from geoid.adapters.redis import RedisCache

        return RedisCache(url, settings.cache.timeout)
    raise SettingsError(
        f"{redacted(url)!r} is no cache that geoid knows", "write memory:, redis://HOST or rediss://HOST"
    )


def need(module: str, package: str) -> None:
    """Raise `UnavailableError` for a client library that is not installed."""
    if importlib.util.find_spec(module) is None:
        raise UnavailableError(f"the Python package {module} is not installed", f"pip install '{package}'")


def open_species(settings: Settings, *, cached: bool = True) -> Areas:
    """The area data, with the taxa that the model of the settings knows; the model itself is not loaded."""
    from geoid.core.grouping import group

    library = open_library(settings)
    classes = library.classes(library.card(settings.model.name), settings.names.language)
    return open_areas(settings, group(classes).keys, cached=cached)


def open_taxa(settings: Settings) -> Iterable[Taxon]:
    """The taxa that ship with geoid, those that the model has no class for included."""
    from geoid.zoo.labels import read_taxa

    return read_taxa(packaged.folder("models") / "taxa.tsv", settings.names.language)


def find_photos(arguments: Sequence[str], settings: Settings) -> Iterator[PhotoSource]:
    """The photos that files, folders, patterns and `-` name."""
    from geoid.adapters.files import find

    return find(arguments, settings.photo.max_bytes)


def is_single_photo(arguments: Sequence[str]) -> bool:
    """Whether the arguments name just one photo."""
    from geoid.adapters.files import is_single

    return is_single(arguments)


def run_model(path: Path, pixels: NDArray[np.generic]) -> NDArray[np.float32]:
    """One run of a model file on prepared input; how `zoo` checks what it builds."""
    from geoid.adapters.onnx import run_file

    return run_file(path, pixels)


def cores() -> int:
    """The cores this process may use."""
    available = getattr(os, "sched_getaffinity", None)
    return len(available(0)) if available else os.cpu_count() or 1


def licences(settings: Settings) -> tuple[Terms, ...]:
    """The terms of code, weights, data and photos."""
    from geoid.zoo.licences import all_terms

    return all_terms(open_library(settings).cards(), packaged.folder("models") / "NOTICES.toml")


def image_formats() -> dict[str, bool]:
    """Which image formats this installation reads."""
    from geoid.adapters.containers import readable_formats

    return readable_formats()


def grey_picture() -> bytes:
    """A photo of nothing."""
    from geoid.adapters import pillow

    return pillow.grey_picture()


def building(settings: Settings, request: Request, watch: Watch) -> AbstractContextManager[Building]:
    """Build a release from sources of area data; see `wiring.seeding`."""
    from geoid.wiring import seeding

    return seeding.building(settings, request, watch)


def write_pack(pack: Pack, path: Path) -> None:
    """Write a release as an area pack; raises `StorageError`."""
    from geoid.adapters.pack_files import write_rows

    write_rows(pack, path)
