"""Tables of Parquet: a file, a folder of parts, or parts in an archive."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import polars as pl

from geoid.errors import AreaDataError
from geoid.seeding.archives import Member
from geoid.seeding.scratch import PREFIX, writing
from geoid.seeding.sources import Broken, Part

MAGIC = b"PAR1"
HINT = "fetch it again; all parts must be of one download"


class ParquetTable:
    """Parts of one table, with the columns of the first; each is scanned at once."""

    remarks: Sequence[str] = ()

    def __init__(self, name: str, parts: Sequence[Path | Member]) -> None:
        self.name = name
        self.broken = Broken()
        self._parts = parts
        with _on_disk(parts[0]) as path:
            self.schema: Mapping[str, pl.DataType] = _schema(path, _shown(parts[0]))

    @property
    def columns(self) -> Sequence[str]:
        """The columns."""
        return tuple(self.schema)

    @property
    def size(self) -> int:
        """The bytes of all parts."""
        return sum(map(_size, self._parts))

    def parts(self) -> Iterator[Part]:
        """Its rows; raises `AreaDataError` for a part that is damaged or has other columns."""
        for part in self._parts:
            with _on_disk(part) as path:
                found = _schema(path, _shown(part))
                other = [name for name, dtype in self.schema.items() if found.get(name) != dtype]
                if other:
                    what = f"{self.name}: part {_shown(part)} has another column {other[0]} than the first"
                    raise AreaDataError(what, HINT)
                frame = pl.scan_parquet(path, glob=False)
                yield Part(frame, _size(part), rows=frame.select(pl.len()).collect().item())


def _schema(path: Path, name: str) -> Mapping[str, pl.DataType]:
    try:
        return dict(pl.read_parquet_schema(path))
    except (pl.exceptions.PolarsError, OSError) as error:
        raise AreaDataError(f"{name} is a damaged Parquet file: {str(error).splitlines()[0]}", HINT) from error


def _shown(part: Path | Member) -> str:
    return part.shown if isinstance(part, Member) else part.name


def _size(part: Path | Member) -> int:
    return part.info.file_size if isinstance(part, Member) else part.stat().st_size


@contextmanager
def _on_disk(part: Path | Member) -> Iterator[Path]:
    """A part as a file; one in an archive is a temporary file meanwhile."""
    if not isinstance(part, Member):
        yield part
        return
    with tempfile.NamedTemporaryFile(prefix=PREFIX) as file:
        with writing(), part.opened() as stream:
            shutil.copyfileobj(stream, file, 1 << 20)
            file.flush()
        yield Path(file.name)
