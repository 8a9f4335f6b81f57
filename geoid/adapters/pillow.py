"""Photos by Pillow: what the header says, and the pixels a model wants."""

from __future__ import annotations

import hashlib
import io
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
from geoid.core.values import Photo
from geoid.core.views import Box
from geoid.errors import BrokenPhoto, EmptyPhoto, HugePhoto

RESAMPLING = {"bicubic": Image.Resampling.BICUBIC, "bilinear": Image.Resampling.BILINEAR}
DRAFT = 2
"""JPEGs are decoded at the smallest scale that leaves this many pixels for each one the model wants."""

ORIENTATION = 0x0112
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
                f"{name}: {len(data) / 1e6:,.0f} MB is over the limit of {self.max_bytes / 1e6:,.0f} MB",
                "export a smaller copy, or raise photo.max_bytes",
            )
        with _opened(name, data) as image:
            width, height = image.size
            turned = _orientation(image, data) in SWAPPED
        if width * height > self.max_pixels:
            raise HugePhoto(
                f"{name}: {width} x {height} pixels are over the limit of {self.max_pixels / 1e6:,.0f} million",
                "export a smaller copy, or raise photo.max_pixels",
            )
        size = (height, width) if turned else (width, height)
        return Photo(name, data, hashlib.sha256(data).hexdigest(), *size)


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
    picture = _rgb(image)
    if orientation in range(2, 9):
        exif = Image.Exif()
        exif[ORIENTATION] = orientation
        picture.info = {"exif": exif.tobytes()}
        return ImageOps.exif_transpose(picture)
    return picture


def _view(picture: Image.Image, box: Box, spec: InputSpec) -> NDArray[np.uint8]:
    inside = Box(max(box.left, 0), max(box.top, 0), min(box.right, picture.width), min(box.bottom, picture.height))
    return np.asarray(picture.resize((spec.size, spec.size), RESAMPLING[spec.resample], box=inside))


def _rgb(image: Image.Image) -> Image.Image:
    """Any mode as RGB: 16-bit values scaled, not clipped, and see-through pixels laid on white."""
    if image.mode == "RGB" and "transparency" not in image.info:
        image.load()
        return image
    if image.mode.startswith("I") or image.mode == "F":
        return _eight_bits(image).convert("RGB")
    if image.mode in {"RGBA", "LA", "PA", "La", "RGBa"} or "transparency" in image.info:
        see_through = image.convert("RGBA")
        ground = Image.new("RGBA", see_through.size, "white")
        return Image.alpha_composite(ground, see_through).convert("RGB")
    return image.convert("RGB")


def _eight_bits(image: Image.Image) -> Image.Image:
    """Numbers from 0 to the largest of 16 bits, or to the largest there is, as 0 to 255; what is no number is black."""
    values = np.asarray(image).astype(np.float64)
    most = float(values.max(initial=0.0, where=np.isfinite(values)))
    top = max(most, 65535.0 if image.mode.startswith("I") else 1e-9)
    return Image.fromarray((np.nan_to_num(np.clip(values / top, 0, 1)) * 255).astype(np.uint8))


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
