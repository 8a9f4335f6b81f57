"""Photos by Pillow: what the header says, and the pixels a model wants."""

from __future__ import annotations

import hashlib
import io
import math
import struct
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from geoid.adapters.containers import plugin_for
from geoid.core.blocks import blocks
from geoid.core.models import InputSpec
from geoid.core.scans import MAX_SCANS, too_many_scans
from geoid.core.values import Photo
from geoid.core.views import Box
from geoid.errors import BrokenPhoto, EmptyPhoto, HugePhoto

RESAMPLING = {"bicubic": Image.Resampling.BICUBIC, "bilinear": Image.Resampling.BILINEAR}
DRAFT = 2
"""Pixels that are left for each one the model wants: JPEGs are decoded at the smallest scale that leaves so many, and
other pictures shrunk by a whole number before anything else is done with them (Pillow's `reducing_gap`)."""

BAND = 4_000_000
"""Pixels that are converted at a time: what that takes does not grow with the picture."""

WEIGHTS = {"WEBP": 3, "AVIF": 3}
"""How much heavier a pixel weighs in containers whose decoders hold the picture more than once.

At the default limit (measured): PNG and TIFF 0.9 GB, a TIFF on its side and a progressive JPEG in CMYK 1.7 GB,
other progressive JPEGs 1.3 GB; and at a third of it WebP 1.1 GB, AVIF 0.9 GB.
"""

ORIENTATION = 0x0112
TILE_WIDTH, TILE_LENGTH = 322, 323
SWAPPED = {5, 6, 7, 8}
"""EXIF orientations that lay the photo on its side."""

DAMAGE = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    IndexError,
    struct.error,
    zlib.error,
    OverflowError,
    RuntimeError,
    TypeError,
    UserWarning,
)
"""What Pillow's decoders raise for damaged files (seen on mutated photos), beside its own errors.

It warns of some damage, which is an error where the caller has made errors of warnings.
"""

DAMAGED_HINT = "copy the photo again from the camera or the card"
RAW_HINT = "if this is a camera's raw file, export it as JPEG"
"""Most raw formats are TIFF inside."""

# The limit is ours, by the header and with a clear sentence; Pillow's would be a warning first.
Image.MAX_IMAGE_PIXELS = None


@dataclass(frozen=True, slots=True)
class PhotoReader:
    """Reads a photo's header within limits: bytes of the file, pixels of the picture."""

    max_bytes: int
    max_pixels: int

    def __call__(self, name: str, data: bytes) -> Photo:
        """Check the header and measure the picture; no pixels are decoded yet."""
        if not data:
            raise EmptyPhoto(f"{name}: the file is empty", DAMAGED_HINT)
        if len(data) > self.max_bytes:
            raise HugePhoto(
                f"{name}: the file is larger than the limit of {self.max_bytes:,} bytes",
                "export a smaller copy, or raise photo.max_bytes",
            )
        with _opened(name, data) as image:
            self._check(name, data, image)
            width, height = image.size
            size = (height, width) if _orientation(image, data) in SWAPPED else (width, height)
        return Photo(name, data, hashlib.sha256(data).hexdigest(), *size)

    def _check(self, name: str, data: bytes, image: Image.Image) -> None:
        """Raise an error for a picture that would take too much memory or time to decode."""
        width, height = max(image.size, _tile(image), key=math.prod)
        limit = self.max_pixels // WEIGHTS.get(image.format or "", 1)
        if width * height > limit:
            raise HugePhoto(
                f"{name}: {width} x {height} pixels are over the limit of {limit:,}",
                "export a smaller copy, or raise photo.max_pixels",
            )
        if image.format == "JPEG" and too_many_scans(data):
            raise BrokenPhoto(f"{name}: the picture has more than {MAX_SCANS} scans", "export a copy")


def decode(photo: Photo, spec: InputSpec, boxes: Sequence[Box]) -> NDArray[np.uint8]:
    """Cut boxes out of the upright photo, each scaled to the model's size: shape (boxes, size, size, 3), RGB.

    Raises `BrokenPhoto` for a truncated or damaged picture.
    """
    with _opened(photo.name, photo.data) as image, _damage(photo.name):
        picture = _upright(image, _orientation(image, photo.data), _draft_side(photo, spec, boxes))
        scale = picture.width / photo.width
        views = [_view(picture, Box(*(edge * scale for edge in box)), spec) for box in boxes]
    return np.stack(views)


def _draft_side(photo: Photo, spec: InputSpec, boxes: Sequence[Box]) -> int:
    """The shortest side to decode at so that the smallest box still holds `DRAFT` x `size` pixels a side."""
    smallest = min(box.right - box.left for box in boxes)
    return round(min(photo.width, photo.height) * DRAFT * spec.size / smallest)


def _upright(image: Image.Image, orientation: int, side: int) -> Image.Image:
    image.draft("RGB", (side, side))
    image.load()
    picture = _shrunk(image, max(1, min(image.size) // side))
    if orientation in range(2, 9):
        exif = Image.Exif()
        exif[ORIENTATION] = orientation
        picture.info = {"exif": exif.tobytes()}
        return ImageOps.exif_transpose(picture)
    return picture


def _shrunk(image: Image.Image, factor: int) -> Image.Image:
    """An image as RGB, a whole number of times smaller; band by band, so that no second large picture is needed."""
    top = _brightest(image)
    if factor == 1 and image.width * image.height <= BAND:
        return _rgb(image, top)
    small = Image.new("RGB", (-(-image.width // factor), -(-image.height // factor)))
    rows = factor * max(1, BAND // (image.width * factor))
    for upper, band in _bands(image, rows):
        small.paste(_rgb(band, top).reduce(factor), (0, upper // factor))
    return small


def _bands(image: Image.Image, rows: int) -> Iterator[tuple[int, Image.Image]]:
    """The picture in bands of so many rows, each with the row it starts at."""
    for upper in range(0, image.height, rows):
        yield upper, image.crop((0, upper, image.width, min(upper + rows, image.height)))


def _view(picture: Image.Image, box: Box, spec: InputSpec) -> NDArray[np.uint8]:
    inside = Box(max(box.left, 0), max(box.top, 0), min(box.right, picture.width), min(box.bottom, picture.height))
    return np.asarray(picture.resize((spec.size, spec.size), RESAMPLING[spec.resample], box=inside))


def _rgb(image: Image.Image, top: float) -> Image.Image:
    """Any mode as RGB: numbers of more than 8 bits scaled from 0 to `top`, and see-through pixels laid on white."""
    if image.mode == "RGB" and "transparency" not in image.info:
        return image
    if _is_deep(image):
        return _eight_bits(image, top).convert("RGB")
    if image.mode in {"RGBA", "LA", "PA", "La", "RGBa"} or "transparency" in image.info:
        see_through = image.convert("RGBA")
        ground = Image.new("RGBA", see_through.size, "white")
        return Image.alpha_composite(ground, see_through).convert("RGB")
    return image.convert("RGB")


def _is_deep(image: Image.Image) -> bool:
    """Whether the pixels are numbers of more than 8 bits."""
    return image.mode.startswith("I") or image.mode == "F"


def _brightest(image: Image.Image) -> float:
    """The number that is white: the largest of 16 bits or, of decimals and larger numbers, the largest there is."""
    if not _is_deep(image):
        return 255.0
    least = 65535.0 if image.mode.startswith("I") else 1e-9
    values = (np.asarray(band) for _, band in _bands(image, max(1, BAND // image.width)))
    return max(least, *(float(band.max(initial=0, where=np.isfinite(band))) for band in values))


def _eight_bits(image: Image.Image, top: float) -> Image.Image:
    """Numbers from 0 to `top` as 0 to 255; what is no number is black."""
    with np.errstate(invalid="ignore"):  # a NaN that signals
        values = np.asarray(image).astype(np.float64)
    return Image.fromarray((np.nan_to_num(np.clip(values / top, 0, 1)) * 255).astype(np.uint8))


def _tile(image: Image.Image) -> tuple[int, int]:
    """The size of a TIFF file's tiles, of which libtiff unpacks one at a time; they may be larger than the picture."""
    tags = getattr(image, "tag_v2", {}) if image.format == "TIFF" else {}
    width, height = tags.get(TILE_WIDTH), tags.get(TILE_LENGTH)
    return (width, height) if isinstance(width, int) and isinstance(height, int) else (0, 0)


def _orientation(image: Image.Image, data: bytes) -> int:
    """The EXIF orientation 1..8 to be undone, 1 when there is none or the block is junk; Pillow turns TIFFs itself."""
    if image.format == "TIFF":
        return 1
    try:
        return int(_exif(image, data).get(ORIENTATION, 1))
    except Exception:  # noqa: BLE001 - Pillow's EXIF parser raises many kinds; a photo is upright unless it says
        return 1


def _exif(image: Image.Image, data: bytes) -> Image.Exif:
    """The EXIF block; that of a PNG may stand behind the pixels, and Pillow would decode them all to look there."""
    if image.format != "PNG":
        return image.getexif()
    exif = Image.Exif()
    exif.load(blocks(data).exif or b"")
    return exif


@contextmanager
def _opened(name: str, data: bytes) -> Iterator[Image.Image]:
    plugin = plugin_for(name, data)
    hint = RAW_HINT if plugin == "TIFF" else DAMAGED_HINT
    try:
        image = Image.open(io.BytesIO(data), formats=[plugin])
    except UnidentifiedImageError as error:
        raise BrokenPhoto(f"{name}: the image header is damaged", hint) from error
    except MemoryError as error:
        raise HugePhoto(f"{name}: there is not enough memory to open it", "export a smaller copy") from error
    except (*DAMAGE, Image.DecompressionBombError) as error:
        raise BrokenPhoto(f"{name}: the image header is damaged ({error})", hint) from error
    with image:
        yield image


@contextmanager
def _damage(name: str) -> Iterator[None]:
    """Pillow's many ways to say that pixels are damaged, as one."""
    try:
        yield
    except MemoryError as error:
        raise HugePhoto(f"{name}: there is not enough memory to decode it", "export a smaller copy") from error
    except (*DAMAGE, Image.DecompressionBombError) as error:
        raise BrokenPhoto(f"{name}: the image is truncated or damaged ({error})", DAMAGED_HINT) from error


def grey_picture(side: int = 320) -> bytes:
    """A JPEG with nothing in it, for checking an installation."""
    buffer = io.BytesIO()
    Image.new("RGB", (side, side), "grey").save(buffer, "JPEG")
    return buffer.getvalue()
