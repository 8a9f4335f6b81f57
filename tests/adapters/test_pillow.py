"""Photos by Pillow: every mode and orientation looks the same upright, and no damage gets past the error tree."""

from __future__ import annotations

import hashlib
import io
import struct
import warnings
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFile

from geoid.adapters import pillow
from geoid.adapters.pillow import PhotoReader, decode, grey_picture
from geoid.core.models import InputSpec
from geoid.core.values import Photo
from geoid.core.views import Box, centre_crop, tiles
from geoid.errors import BadInputError, BrokenPhoto, EmptyPhoto, HugePhoto, NotAPhoto

READ = PhotoReader(max_bytes=10_000_000, max_pixels=220_000_000)
SPEC = InputSpec(size=32, resize=32)
FORMATS = ["JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP", "AVIF"]
ORIENTABLE = ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"]
ORIENTATION = 0x0112
UNDO = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
"""What a camera that is held so does to an upright scene before it writes the orientation."""


def scene(width: int = 96, height: int = 64) -> Image.Image:
    """A smooth picture without any symmetry."""
    across, down = np.meshgrid(np.linspace(0, 1, width), np.linspace(0, 1, height))
    colours = np.stack([across, down, (across * (1 - down)) ** 2], axis=2) * 255
    return Image.fromarray(colours.astype(np.uint8))


def encoded(image: Image.Image, form: str, **options) -> bytes:
    if form in {"JPEG", "WEBP", "AVIF"}:
        options = {"quality": 95, **options}
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def with_orientation(image: Image.Image, form: str, orientation: int) -> bytes:
    if form == "TIFF":
        return encoded(image, form, tiffinfo={ORIENTATION: orientation})
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    return encoded(image, form, exif=exif.tobytes())


def read(data: bytes, name: str = "photo") -> Photo:
    return READ(name, data)


def view(data: bytes, spec: InputSpec = SPEC) -> np.ndarray:
    """The whole photo, pressed into a square."""
    photo = read(data)
    (pixels,) = decode(photo, spec, [Box(0, 0, photo.width, photo.height)])
    assert (pixels.shape, pixels.dtype) == ((spec.size, spec.size, 3), np.uint8)
    return pixels


def difference(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one.astype(float) - other.astype(float)).mean())


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(width: int, height: int, bits: int, colour: int, rows: bytes, *between: bytes, behind: bytes = b"") -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(rows))
    return b"".join([b"\x89PNG\r\n\x1a\n", header, *between, pixels, behind, chunk(b"IEND", b"")])


# the header


@pytest.mark.parametrize("form", FORMATS)
def test_a_photo_is_measured_and_hashed(form: str) -> None:
    data = encoded(scene(), form)
    photo = read(data, "lion.img")
    assert photo == Photo("lion.img", data, hashlib.sha256(data).hexdigest(), 96, 64)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "TIFF", "GIF", "BMP"])
def test_reading_a_header_decodes_no_pixels(form: str, monkeypatch) -> None:
    data = encoded(scene(), form)

    def decoded(self) -> None:
        raise AssertionError("pixels were decoded")

    monkeypatch.setattr(ImageFile.ImageFile, "load", decoded)
    assert read(data).width == 96


def test_a_bomb_is_refused_by_its_header_alone(monkeypatch) -> None:
    bomb = png(30_000, 30_000, 8, 2, bytes(3))
    reserved: list[tuple[int, int]] = []
    monkeypatch.setattr(Image.core, "new", lambda mode, size: reserved.append(size))
    with pytest.raises(HugePhoto, match=r"^photo: 30000 x 30000 pixels are over the limit of 220,000,000$") as caught:
        read(bomb)
    assert "photo.max_pixels" in caught.value.hint
    assert reserved == []


@pytest.mark.parametrize(("pixels", "fits"), [(96 * 64, True), (96 * 64 - 1, False)])
def test_the_pixel_limit_itself_is_allowed(pixels: int, fits: bool) -> None:
    data = encoded(scene(), "PNG")
    reader = PhotoReader(10_000_000, pixels)
    if fits:
        assert reader("photo", data).width == 96
    else:
        with pytest.raises(HugePhoto):
            reader("photo", data)


@pytest.mark.parametrize("less", [0, 1])
def test_the_byte_limit_itself_is_allowed(less: int) -> None:
    data = encoded(scene(), "PNG")
    reader = PhotoReader(len(data) - less, 10_000_000)
    if less:
        with pytest.raises(HugePhoto, match=r"^photo: the file is larger than the limit of [0-9,]+ bytes$"):
            reader("photo", data)
    else:
        assert reader("photo", data).height == 64


def test_too_many_bytes_are_refused_before_they_are_looked_at() -> None:
    with pytest.raises(HugePhoto):
        PhotoReader(10, 10_000_000)("photo", b"not an image at all")


def test_no_bytes_are_an_empty_photo() -> None:
    with pytest.raises(EmptyPhoto, match=r"^photo: the file is empty$"):
        read(b"")


# orientation


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("form", ORIENTABLE)
def test_every_orientation_gives_the_same_upright_photo(form: str, orientation: int) -> None:
    upright = scene()
    held = upright.transpose(UNDO[orientation]) if orientation in UNDO else upright
    data = with_orientation(held, form, orientation)
    photo = read(data)
    assert (photo.width, photo.height) == upright.size
    assert difference(view(data), view(encoded(upright, "PNG"))) < 3


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_crop_of_a_turned_photo_is_the_crop_of_the_upright_one(orientation: int) -> None:
    upright = scene(960, 640)
    held = upright.transpose(UNDO[orientation]) if orientation in UNDO else upright
    box = Box(600, 100, 800, 300)
    turned, straight = (
        decode(read(data), SPEC, [box])[0]
        for data in (with_orientation(held, "JPEG", orientation), encoded(upright, "PNG"))
    )
    assert difference(turned, straight) < 3


@pytest.mark.parametrize("orientation", [0, 9, 200, 65535])
def test_an_orientation_that_is_none_leaves_the_photo_as_it_is(orientation: int) -> None:
    data = with_orientation(scene(), "JPEG", orientation)
    assert read(data).width == 96
    assert difference(view(data), view(encoded(scene(), "JPEG"))) == 0


@pytest.mark.parametrize("junk", [b"", b"Exif\0\0", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0" + bytes(40)])
def test_a_junk_exif_block_leaves_the_photo_as_it_is(junk: bytes) -> None:
    jpeg = encoded(scene(), "JPEG")
    data = jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(junk) + 2) + junk + jpeg[2:]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow mutters about it, and the command line does not listen
        assert read(data).width == 96
        assert difference(view(data), view(jpeg)) == 0


def test_the_orientation_of_a_png_counts_also_behind_its_pixels() -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    block = chunk(b"eXIf", exif.tobytes().removeprefix(b"Exif\0\0"))
    row = b"\0" + bytes(range(12))
    data = png(4, 2, 8, 2, row * 2, behind=block)
    assert (read(data).width, read(data).height) == (2, 4)
    assert view(data).shape == (32, 32, 3)


# modes


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_shows_the_same_picture(form: str) -> None:
    limit = 6 if form == "GIF" else 3
    assert (
        difference(view(encoded(scene(), form)), np.asarray(scene().resize((32, 32), Image.Resampling.BICUBIC))) < limit
    )


@pytest.mark.parametrize("form", ["JPEG", "TIFF"])
def test_cmyk_is_shown_in_its_own_colours(form: str) -> None:
    data = encoded(scene().convert("CMYK"), form)
    assert Image.open(io.BytesIO(data)).mode == "CMYK"
    assert difference(view(data), view(encoded(scene(), "PNG"))) < 3


@pytest.mark.parametrize("form", ["JPEG", "PNG", "TIFF"])
def test_grey_is_the_same_in_all_three_channels(form: str) -> None:
    pixels = view(encoded(scene().convert("L"), form))
    assert np.array_equal(pixels[..., 0], pixels[..., 1])
    assert np.array_equal(pixels[..., 0], pixels[..., 2])
    assert pixels.std() > 10


GRADIENT = np.linspace(0, 65535, 64 * 64).reshape(64, 64)


@pytest.mark.parametrize(
    "image",
    [
        pytest.param(Image.fromarray(GRADIENT.astype(np.uint16)), id="16 bits"),
        pytest.param(Image.fromarray(GRADIENT.astype(np.int32)), id="32 bits that hold 16"),
        pytest.param(Image.fromarray((GRADIENT * 30_000).astype(np.int32)), id="32 bits"),
        pytest.param(Image.fromarray((GRADIENT / 65535).astype(np.float32)), id="floats to 1"),
        pytest.param(Image.fromarray((GRADIENT * 7).astype(np.float32)), id="large floats"),
    ],
)
def test_a_deep_gradient_is_scaled_and_not_clipped(image: Image.Image) -> None:
    pixels = view(encoded(image, "TIFF"))[..., 0].astype(int)
    assert pixels[0].max() < 12
    assert pixels[-1].min() > 243
    middles = pixels.mean(axis=1)
    assert (np.diff(middles) > 2).all()


def test_a_16_bit_png_is_scaled_and_not_clipped() -> None:
    data = encoded(Image.fromarray(GRADIENT.astype(np.uint16)), "PNG")
    assert Image.open(io.BytesIO(data)).mode == "I;16"
    assert (np.diff(view(data)[..., 0].mean(axis=1)) > 2).all()


def test_a_16_bit_colour_png_is_scaled_and_not_clipped() -> None:
    rows = b"".join(b"\0" + struct.pack(">24H", *[down * 8191] * 24) for down in range(8))
    pixels = view(png(8, 8, 16, 2, rows))[..., 1]
    assert pixels[0].max() < 20
    assert pixels[-1].min() > 200


@pytest.mark.parametrize(
    "values", [[np.nan] * 16, [np.inf] * 16, [-np.inf, np.nan, np.inf, 0.5] * 4, [-5.0] * 16, [0.0] * 16]
)
def test_floats_that_are_no_numbers_do_not_spoil_a_photo(values) -> None:
    image = Image.fromarray(np.array(values, dtype=np.float32).reshape(4, 4))
    assert view(encoded(image, "TIFF")).shape == (32, 32, 3)


def see_through(mode: str) -> bytes:
    """A picture whose left half is black and see-through, the right half black and solid."""
    alpha = np.zeros((64, 64), np.uint8)
    alpha[:, 32:] = 255
    image = Image.fromarray(np.zeros((64, 64), np.uint8)).convert("RGBA")
    image.putalpha(Image.fromarray(alpha))
    return encoded(image.convert(mode), "PNG")


def palette(transparency) -> bytes:
    image = Image.new("P", (64, 64), 0)
    image.putpalette([0] * 768)
    image.paste(1, (32, 0, 64, 64))
    return encoded(image, "PNG", transparency=transparency)


def keyed(mode: str) -> bytes:
    """One colour of a picture without alpha counts as see-through."""
    image = Image.new(mode, (64, 64), "red" if mode == "RGB" else 1)
    image.paste(0, (32, 0, 64, 64))
    return encoded(image, "PNG", transparency=(255, 0, 0) if mode == "RGB" else 1)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(see_through("RGBA"), id="RGBA"),
        pytest.param(see_through("LA"), id="LA"),
        pytest.param(palette(0), id="palette, one colour"),
        pytest.param(palette(bytes([0, 255])), id="palette, many colours"),
        pytest.param(keyed("RGB"), id="RGB, one colour"),
        pytest.param(keyed("L"), id="grey, one value"),
        pytest.param(keyed("1"), id="one bit, one value"),
    ],
)
def test_see_through_pixels_are_laid_on_white(data: bytes) -> None:
    pixels = view(data)
    assert pixels[:, :12].min() > 250
    assert pixels[:, 20:].max() < 5


def test_half_see_through_red_on_white_is_pink() -> None:
    pixels = view(encoded(Image.new("RGBA", (8, 8), (255, 0, 0, 128)), "PNG"))
    assert np.abs(pixels[0, 0].astype(int) - [255, 127, 127]).max() <= 1


@pytest.mark.parametrize("form", ["PNG", "TIFF", "BMP"])
def test_one_bit_pictures_are_black_and_white(form: str) -> None:
    image = Image.new("1", (64, 64), 0)
    image.paste(1, (32, 0, 64, 64))
    pixels = view(encoded(image, form))
    assert pixels[:, :12].max() < 5
    assert pixels[:, 20:].min() > 250


@pytest.mark.parametrize("form", ["GIF", "WEBP", "MPO", "TIFF", "PNG", "AVIF"])
def test_of_several_frames_the_first_is_taken(form: str) -> None:
    frames = [Image.new("RGB", (48, 32), colour) for colour in ("red", "blue", "lime")]
    data = encoded(frames[0], form, save_all=True, append_images=frames[1:])
    assert Image.open(io.BytesIO(data)).n_frames == 3
    assert read(data).width == 48
    assert np.abs(view(data)[16, 16].astype(int) - [255, 0, 0]).max() < 12


# sizes


@pytest.mark.parametrize("size", [(1, 1), (3, 2), (1, 5000), (5000, 1), (2, 3000)])
@pytest.mark.parametrize("form", FORMATS)
def test_photos_of_odd_sizes_are_decoded_in_every_view(form: str, size) -> None:
    photo = read(encoded(Image.new("RGB", size, (10, 200, 30)), form))
    spec = InputSpec(size=260, resize=298)
    boxes = [centre_crop(*size, spec), *tiles(*size)]
    pixels = decode(photo, spec, boxes)
    assert pixels.shape == (10, 260, 260, 3)
    assert np.abs(pixels.reshape(-1, 3).astype(int) - [10, 200, 30]).max() < 12


@settings(max_examples=30)
@given(st.integers(1, 400), st.integers(1, 400), st.sampled_from(["JPEG", "PNG"]), st.integers(1, 8))
def test_any_size_and_orientation_is_decoded(width: int, height: int, form: str, orientation: int) -> None:
    photo = read(with_orientation(Image.new("RGB", (width, height), "grey"), form, orientation))
    assert {photo.width, photo.height} == {width, height}
    pixels = decode(photo, SPEC, [centre_crop(photo.width, photo.height, SPEC), *tiles(photo.width, photo.height)])
    assert np.abs(pixels.astype(int) - 128).max() < 4


def blotches(size: tuple[int, int]) -> Image.Image:
    """A large picture of soft blotches in strong colours."""
    rng = np.random.default_rng(7)
    return Image.fromarray(rng.integers(0, 255, (12, 16, 3), dtype=np.uint8)).resize(size, Image.Resampling.BICUBIC)


@pytest.mark.parametrize("size", [(2048, 1536), (1203, 1601), (4001, 600)])
@pytest.mark.parametrize("form", ["JPEG", "PNG", "TIFF"])
def test_decoding_at_a_smaller_scale_agrees_with_decoding_in_full(form: str, size, monkeypatch) -> None:
    photo = read(encoded(blotches(size), form))
    spec = InputSpec(size=64, resize=72)
    boxes = [centre_crop(photo.width, photo.height, spec)]
    drafted = decode(photo, spec, boxes)
    monkeypatch.setattr(pillow, "_draft_side", lambda *_: 10_000_000)
    # a drafted side is rounded up, which may shift the far edge by half a drafted pixel: a quarter of one of these
    assert difference(drafted, decode(photo, spec, boxes)) < 4


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "LA", "P", "1", "CMYK", "I;16", "I", "F"])
@pytest.mark.parametrize("side", [None, 10_000_000])
def test_no_seam_shows_where_a_picture_is_converted_in_bands(mode: str, side, monkeypatch) -> None:
    if mode in {"I;16", "I", "F"}:
        numbers = np.linspace(0, 60_000, 301 * 203).reshape(203, 301)
        image = Image.fromarray(numbers.astype({"I;16": np.uint16, "I": np.int32, "F": np.float32}[mode]))
    else:
        image = blotches((301, 203)).convert(mode)
    photo = read(encoded(image, "TIFF"))
    spec = InputSpec(size=16, resize=16)
    boxes = [Box(0, 0, 301, 203), *tiles(301, 203)]
    if side is not None:
        monkeypatch.setattr(pillow, "_draft_side", lambda *_: side)
    whole = decode(photo, spec, boxes)
    monkeypatch.setattr(pillow, "BAND", 4000)
    assert np.array_equal(decode(photo, spec, boxes), whole)


def test_tiles_of_a_large_jpeg_are_not_drafted_below_their_size() -> None:
    photo = read(encoded(scene(2400, 1600), "JPEG"))
    spec = InputSpec(size=260, resize=298)
    assert pillow._draft_side(photo, spec, tiles(2400, 1600)) >= 2 * spec.size * 2
    assert pillow._draft_side(photo, spec, [centre_crop(2400, 1600, spec)]) >= 2 * spec.size


# damage


def noise(form: str) -> bytes:
    rng = np.random.default_rng(1)
    return encoded(Image.fromarray(rng.integers(0, 255, (120, 160, 3), dtype=np.uint8)), form)


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
@pytest.mark.parametrize("form", FORMATS)
def test_a_truncated_photo_is_broken(form: str, share: float) -> None:
    data = noise(form)
    with pytest.raises(BrokenPhoto, match=r"^photo: the image .*damaged") as caught:
        view(data[: int(len(data) * share)])
    assert caught.value.hint


@pytest.mark.parametrize("length", [3, 4, 8, 12, 20, 30])
@pytest.mark.parametrize("form", FORMATS)
def test_a_photo_cut_within_its_header_is_bad_input(form: str, length: int) -> None:
    with pytest.raises((BrokenPhoto, NotAPhoto), match=r"^photo: "):
        view(noise(form)[:length])


def pixels_or_sentence(data: bytes) -> tuple[int, ...] | str:
    try:
        return decode(PhotoReader(10_000_000, 1_000_000)("photo", data), SPEC, [Box(0, 0, 1, 1)]).shape
    except BadInputError as error:
        return error.message


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(FORMATS),
    st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=20),
)
def test_changed_bytes_give_pixels_or_bad_input(form: str, changes) -> None:
    data = bytearray(encoded(scene(), form))
    for where, value in changes:
        data[int(where * len(data))] = value
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = pixels_or_sentence(bytes(data))
    assert found == (1, 32, 32, 3) or found.startswith("photo: ")


def test_too_little_memory_is_a_huge_photo(monkeypatch) -> None:
    photo = read(encoded(scene(), "PNG"))

    def full(*arguments, **options):
        raise MemoryError

    monkeypatch.setattr(Image.Image, "resize", full)
    with pytest.raises(HugePhoto, match=r"^photo: there is not enough memory to decode it$"):
        decode(photo, SPEC, [Box(0, 0, 96, 64)])


def test_the_grey_picture_is_a_photo() -> None:
    photo = read(grey_picture())
    assert (photo.width, photo.height) == (320, 320)
    assert np.abs(view(grey_picture()).astype(int) - 128).max() < 3


def test_the_limit_of_pixels_is_ours_and_not_pillow_s() -> None:
    assert Image.MAX_IMAGE_PIXELS is None
