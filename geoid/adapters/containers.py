"""Image containers by their first bytes, and the one Pillow plugin that may open each.

Pillow's other plugins, some of which run programs, never see a stranger's bytes.
"""

from __future__ import annotations

import codecs
import importlib

from geoid.errors import NotAPhoto

READABLE = "JPEG, PNG, WebP, TIFF, AVIF, GIF, BMP and, with the extra `heic`, HEIC"

AVIF_BRANDS = {b"avif", b"avis"}
HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}

PLUGINS = {
    "JPEG": "PIL.JpegImagePlugin",
    "PNG": "PIL.PngImagePlugin",
    "WEBP": "PIL.WebPImagePlugin",
    "TIFF": "PIL.TiffImagePlugin",
    "AVIF": "PIL.AvifImagePlugin",
    "GIF": "PIL.GifImagePlugin",
    "BMP": "PIL.BmpImagePlugin",
}


def container(data: bytes) -> str | None:
    """The container of an image by its magic bytes, or none: JPEG, PNG, WEBP, TIFF, AVIF, HEIF, GIF, BMP."""
    for magic, name in MAGIC.items():
        if data.startswith(magic):
            return name
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    return _boxes(data) if data[4:8] == b"ftyp" else None


MAGIC = {
    b"\xff\xd8\xff": "JPEG",
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"II+\0": "TIFF",
    b"MM\0+": "TIFF",
    b"GIF87a": "GIF",
    b"GIF89a": "GIF",
    b"BM": "BMP",
}


def _boxes(data: bytes) -> str | None:
    """AVIF or HEIF, by the brands of an ISO base media file; AVIF files often name `mif1` too, so it goes first."""
    length = min(int.from_bytes(data[:4], "big"), 256)
    brands = {data[8:12]} | {data[at : at + 4] for at in range(16, length, 4)}
    if brands & AVIF_BRANDS:
        return "AVIF"
    return "HEIF" if brands & HEIF_BRANDS else None


def plugin_for(name: str, data: bytes) -> str:
    """The name of the Pillow plugin for these bytes, loaded; raises `NotAPhoto` for anything geoid does not read."""
    found = container(data)
    if found is None:
        raise NotAPhoto(f"{name}: not an image{_looks_like(data)}", f"geoid reads {READABLE}")
    if found == "HEIF":
        _load_heif(name)
    else:
        importlib.import_module(PLUGINS[found])
    return found


def _load_heif(name: str) -> None:
    try:
        pi_heif = importlib.import_module("pi_heif")
    except ImportError:
        raise NotAPhoto(f"{name}: HEIC needs an extra", "pip install pi-heif") from None
    pi_heif.register_heif_opener()


def _looks_like(data: bytes) -> str:
    """What the file seems to be instead, for the message."""
    start = data[:512].removeprefix(codecs.BOM_UTF8)
    if start.startswith(b"%PDF"):
        return " but a PDF"
    if data[4:8] == b"ftyp":
        return " but a video or a camera's raw file"
    if start.lstrip()[:1] in {b"<", b"{", b"["}:
        return " but markup or JSON"
    return " but text" if _is_text(start) else ""


def _is_text(start: bytes) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(start)  # a character cut in two at the end is fine
    except UnicodeDecodeError:
        return False
    return b"\0" not in start


def readable_formats() -> dict[str, bool]:
    """Each format geoid knows, and whether this installation can decode it."""
    found = {name: _importable(module) for name, module in PLUGINS.items()}
    return {**found, "HEIC": _importable("pi_heif")}


def _importable(module: str) -> bool:
    try:
        importlib.import_module(module)
    except ImportError:
        return False
    return True
