"""The photos that mutations start from: the fixture photos, and small copies in every container and mode.

The copies carry EXIF and XMP, so that a mutation may hit those too.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageSequence
from synthetic_photos import CASES, WHOLE, WHOLE_XMP

PHOTOS = Path(__file__).parents[2] / "fixtures" / "photos"
ORIGINALS = ("samoyed.jpg", "domestic-cat.png", "giant-panda.webp", "honey-bee.jpg", "scarlet-macaw.webp")
SMALL = (320, 240)
CASE_WORDS = ("heic", "tiff", "utf-16 with", "seconds", "laughs", "raw profile", "circle", "4 GB", "thousands")
"""Cases of the metadata suite whose names hold one of these are seeds too."""


@dataclass(frozen=True, slots=True)
class Seed:
    """A photo to start from."""

    name: str
    data: bytes


def all_seeds() -> tuple[Seed, ...]:
    """Every seed photo, in a stable order; the copies depend on Pillow's encoders, so on its version."""
    return (*_originals(), *_copies(), *_cases())


def _originals() -> Iterator[Seed]:
    for name in ORIGINALS:
        yield Seed(name, (PHOTOS / name).read_bytes())


def _cases() -> Iterator[Seed]:
    for case in CASES:
        if any(word in case.name for word in CASE_WORDS) and len(case.data) < 100_000:
            yield Seed(case.name, case.data)


def _copies() -> Iterator[Seed]:
    photo = _small("samoyed.jpg")
    for name, mode, kind, options in RECIPES:
        yield Seed(name, _encoded(_converted(photo, mode), kind, options))
    deep = Image.frombytes("I;16", SMALL, b"\x10\xf0" * (SMALL[0] * SMALL[1]))
    yield Seed("png, 16 bits", _encoded(deep, "PNG", {}))
    yield Seed("tiff, 16 bits", _encoded(deep, "TIFF", {"compression": "tiff_lzw"}))
    frames = [photo.convert("P"), _small("honey-bee.jpg").convert("P")]
    for kind in ("GIF", "WEBP", "PNG", "TIFF", "AVIF"):
        yield Seed(f"{kind.lower()}, frames", _frames(frames, kind))


def _small(name: str) -> Image.Image:
    with Image.open(PHOTOS / name) as image:
        return image.convert("RGB").resize(SMALL)


def _converted(photo: Image.Image, mode: str) -> Image.Image:
    """The photo in another mode, with a gradient where that one has an alpha channel."""
    if mode not in {"RGBA", "LA"}:
        return photo.convert(mode)
    converted = photo.convert(mode)
    converted.putalpha(Image.linear_gradient("L").resize(photo.size))
    return converted


def _encoded(image: Image.Image, kind: str, options: dict[str, object]) -> bytes:
    described = {} if kind in {"GIF", "BMP"} or "compression" in options else {"exif": WHOLE}
    if kind in {"JPEG", "WEBP", "AVIF"}:
        described["xmp"] = WHOLE_XMP
    file = io.BytesIO()
    image.save(file, kind, **described, **options)
    return file.getvalue()


def _frames(frames: list[Image.Image], kind: str) -> bytes:
    file = io.BytesIO()
    first, *others = (frame for image in frames for frame in ImageSequence.Iterator(image))
    first.save(file, kind, save_all=True, append_images=others)
    return file.getvalue()


RECIPES: tuple[tuple[str, str, str, dict[str, object]], ...] = (
    ("jpeg, baseline", "RGB", "JPEG", {}),
    ("jpeg, progressive", "RGB", "JPEG", {"progressive": True}),
    ("jpeg, grey", "L", "JPEG", {}),
    ("jpeg, cmyk", "CMYK", "JPEG", {}),
    ("jpeg, restarts", "RGB", "JPEG", {"restart_marker_rows": 1}),
    ("png, rgb", "RGB", "PNG", {}),
    ("png, palette", "P", "PNG", {"transparency": 0}),
    ("png, grey and alpha", "LA", "PNG", {}),
    ("png, one bit", "1", "PNG", {}),
    ("png, rgba", "RGBA", "PNG", {}),
    ("webp, lossy", "RGB", "WEBP", {}),
    ("webp, lossless", "RGBA", "WEBP", {"lossless": True}),
    ("tiff, raw", "RGB", "TIFF", {}),
    ("tiff, lzw", "RGB", "TIFF", {"compression": "tiff_lzw"}),
    ("tiff, deflate", "RGB", "TIFF", {"compression": "tiff_adobe_deflate"}),
    ("tiff, packbits", "P", "TIFF", {"compression": "packbits"}),
    ("tiff, jpeg", "RGB", "TIFF", {"compression": "jpeg"}),
    ("tiff, fax", "1", "TIFF", {"compression": "group4"}),
    ("tiff, zstd", "RGBA", "TIFF", {"compression": "zstd"}),
    ("tiff, floats", "F", "TIFF", {}),
    ("tiff, cmyk", "CMYK", "TIFF", {"compression": "tiff_lzw"}),
    ("tiff, lab", "LAB", "TIFF", {}),
    ("tiff, ycbcr", "YCbCr", "TIFF", {}),
    ("bigtiff", "RGB", "TIFF", {"big_tiff": True}),
    ("bigtiff, lzw", "RGB", "TIFF", {"big_tiff": True, "compression": "tiff_lzw"}),
    ("avif, lossy", "RGB", "AVIF", {"speed": 10}),
    ("avif, alpha", "RGBA", "AVIF", {"speed": 10}),
    ("gif", "P", "GIF", {}),
    ("bmp", "RGB", "BMP", {}),
    ("bmp, palette", "P", "BMP", {}),
)
"""Name, mode, container and encoder options of each small copy."""
