"""Images of every mode and depth: the pixels that a network sees, by hand or by torchvision."""

import struct
from io import BytesIO

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms import v2

from tasks.decoding import central_view, decoded, in_batches, in_rgb, window
from tasks.errors import BrokenImageError
from tasks.splits import spans
from tests.tasks.pngs import COLOUR, COLOUR_ALPHA, GREY, GREY_ALPHA, PALETTE, png
from tests.tasks.trees import (
    jpeg,
)

A, B = (200, 100, 50), (0, 255, 128)
"""Two pixels."""


def _grey(*values: int) -> list[tuple[int, int, int]]:
    return [(value, value, value) for value in values]


def _words(*values: int) -> bytes:
    return struct.pack(f">{len(values)}H", *values)


TWO = bytes((*A, *B))
PNGS = {
    "1 bit": (png(1, GREY, [0, 1]), _grey(0, 255)),
    "2 bits": (png(2, GREY, [0, 1, 2, 3]), _grey(0, 85, 170, 255)),
    "4 bits": (png(4, GREY, [0, 5, 10, 15]), _grey(0, 85, 170, 255)),
    "8 bits": (png(8, GREY, [0, 85, 170, 255]), _grey(0, 85, 170, 255)),
    "16 bits": (png(16, GREY, [0, 255, 256, 21845, 65535]), _grey(0, 0, 1, 85, 255)),
    "8 bits, one of them transparent": (png(8, GREY, [0, 85], tRNS=_words(85)), _grey(0, 85)),
    "16 bits, one transparent": (png(16, GREY, [0, 21845], tRNS=_words(0)), _grey(0, 85)),
    "grey with alpha": (png(8, GREY_ALPHA, [85, 0, 170, 255], 2), _grey(85, 170)),
    "grey with alpha, 16 bits": (png(16, GREY_ALPHA, [21845, 0, 43690, 9], 2), _grey(85, 170)),
    "colour": (png(8, COLOUR, [*A, *B], 3), [A, B]),
    "colour, one transparent": (png(8, COLOUR, [*A, *B], 3, tRNS=_words(*A)), [A, B]),
    "colour, 16 bits": (
        png(16, COLOUR, [0, 255, 256, 21845, 65280, 65535], 3),
        [(0, 0, 1), (85, 255, 255)],
    ),
    "colour with alpha": (png(8, COLOUR_ALPHA, [*A, 0, *B, 255], 4), [A, B]),
    "colour with alpha, 16 bits": (png(16, COLOUR_ALPHA, [0, 21845, 65535, 0], 4), [(0, 85, 255)]),
    **{
        f"palette of {depth} bits": (png(depth, PALETTE, [1, 0, 1], PLTE=TWO), [B, A, B])
        for depth in (1, 2, 4, 8)
    },
    "palette with alpha": (png(8, PALETTE, [1, 0], PLTE=TWO, tRNS=b"\0\x80"), [B, A]),
    "palette, one transparent": (png(8, PALETTE, [1, 0], PLTE=TWO, tRNS=b"\0"), [B, A]),
}


@pytest.mark.parametrize("kind", PNGS)
def test_a_png_of_any_kind_has_the_pixels_that_it_means(kind: str) -> None:
    raw, expected = PNGS[kind]
    image = decoded(raw, "x.png")
    assert image.mode == "RGB"
    assert np.asarray(image)[0].tolist() == [list(pixel) for pixel in expected]


def test_a_ramp_of_16_bits_is_the_ramp_of_8() -> None:
    """Pillow's own conversion clips at 255, so that 99.6% of it would be white."""
    ramp = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    raw = BytesIO()
    Image.fromarray(ramp).save(raw, "PNG")
    pixels = np.asarray(decoded(raw.getvalue(), "x.png"))
    np.testing.assert_array_equal(pixels, np.repeat(ramp[:, :, None] // 256, 3, axis=2))


def test_grey_of_16_bits_is_the_same_in_one_channel_and_in_three() -> None:
    samples = [0, 129, 255, 256, 32767, 32768, 65407, 65535]
    one = decoded(png(16, GREY, samples), "x.png")
    three = decoded(png(16, COLOUR, [v for v in samples for _ in range(3)], 3), "x.png")
    assert one.tobytes() == three.tobytes()


BYTES = {
    "1": [(255, 255, 255), (255, 255, 255)],
    "L": _grey(124, 164),
    "LA": _grey(124, 164),
    "RGB": [A, B],
    "RGBA": [A, B],
    "RGBX": [A, B],
    "CMYK": [A, B],
}


@pytest.mark.parametrize("mode", BYTES)
def test_modes_of_bytes_keep_their_pixels(mode: str) -> None:
    source = Image.frombytes("RGB", (2, 1), TWO)
    stored = Image.new("1", (2, 1), 1) if mode == "1" else source.convert(mode)
    assert np.asarray(in_rgb(stored))[0].tolist() == [list(pixel) for pixel in BYTES[mode]]


@pytest.mark.parametrize("mode", ["P", "PA", "YCbCr", "HSV", "LAB", "RGBa"])
def test_other_modes_of_bytes_are_near_to_their_colours(mode: str) -> None:
    """A web palette is 51 apart, the others round, and LAB's gamut is narrower."""
    source = Image.frombytes("RGB", (2, 1), TWO)
    stored = {
        "PA": lambda: source.convert("P").convert("PA"),
        "RGBa": lambda: source.convert("RGBA").convert("RGBa"),
    }.get(mode, lambda: source.convert(mode))()
    assert stored.mode == mode
    np.testing.assert_allclose(np.asarray(in_rgb(stored), dtype=int)[0], [A, B], atol=26)


@pytest.mark.parametrize(("mode", "kind"), [("I;16", "<u2"), ("I;16L", "<u2"), ("I;16B", ">u2")])
def test_words_are_scaled_whatever_their_byte_order(mode: str, kind: str) -> None:
    words = np.array([0, 256, 21845, 65535], dtype=kind)
    image = Image.frombytes(mode, (4, 1), words.tobytes())
    assert np.asarray(in_rgb(image))[0, :, 0].tolist() == [0, 1, 85, 255]


def test_the_whole_numbers_in_which_pillow_10_opens_16_bits_are_scaled_too() -> None:
    image = Image.frombytes("I", (3, 1), np.array([0, 256, 65535], dtype=np.int32).tobytes())
    image.format = "PNG"
    assert np.asarray(in_rgb(image))[0, :, 0].tolist() == [0, 1, 255]


@pytest.mark.parametrize("mode", ["I", "F", "La"])
def test_a_mode_without_a_known_range_is_refused(mode: str) -> None:
    with pytest.raises(ValueError, match=f"no known range in mode {mode}: save it with 8 bits"):
        in_rgb(Image.new(mode, (2, 2)))


def _jpeg(mode: str) -> bytes:
    raw = BytesIO()
    image = Image.new("RGB", (16, 16), A).convert(mode)
    image.save(raw, "JPEG", quality=100, subsampling=0)
    return raw.getvalue()


@pytest.mark.parametrize(("mode", "pixel"), [("L", (124,) * 3), ("RGB", A), ("CMYK", A)])
def test_a_jpeg_of_any_kind_has_the_pixels_that_it_means(mode: str, pixel: tuple[int, ...]) -> None:
    pixels = np.asarray(decoded(_jpeg(mode), "x.jpg"))
    np.testing.assert_array_equal(pixels, np.full((16, 16, 3), pixel))


def test_a_cmyk_jpeg_is_inverted_with_adobes_marker_and_without() -> None:
    raw = _jpeg("CMYK")
    start = raw.index(b"\xff\xee")
    (length,) = struct.unpack(">H", raw[start + 2 : start + 4])
    assert raw[start + 4 : start + 9] == b"Adobe"
    bare = raw[:start] + raw[start + 2 + length :]
    assert decoded(bare, "x.jpg").tobytes() == decoded(raw, "x.jpg").tobytes()


def test_a_jpeg_of_12_bits_is_refused_by_name() -> None:
    raw = bytearray(_jpeg("L"))
    raw[raw.index(b"\xff\xc0") + 4] = 12
    with pytest.raises(BrokenImageError, match=r"x\.jpg can't be decoded .*--skip-broken"):
        decoded(bytes(raw), "x.jpg")


@pytest.mark.parametrize("mode", ["L", "CMYK", "RGB"])
def test_every_colour_mode_becomes_rgb(mode: str) -> None:
    image = decoded(jpeg(3, mode=mode), "x.JPEG")
    expected = Image.open(BytesIO(jpeg(3, mode=mode))).convert("RGB")
    assert image.mode == "RGB"
    assert image.tobytes() == expected.tobytes()


def test_a_rotation_in_exif_is_left_alone_as_in_image_folder() -> None:
    raw = BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6  # lies on its side
    Image.open(BytesIO(jpeg(3))).save(raw, "JPEG", exif=exif, quality=95)
    assert decoded(raw.getvalue(), "x.JPEG").size == (48, 40)


def test_windows_lie_inside_and_cover_what_torchvisions_do() -> None:
    rng = np.random.default_rng(0)
    boxes = np.array([window(500, 375, rng) for _ in range(2000)])
    left, top, right, bottom = boxes.T
    assert min(left.min(), top.min()) >= 0
    assert right.max() <= 500
    assert bottom.max() <= 375
    areas = (right - left) * (bottom - top) / (500 * 375)
    torch.manual_seed(0)
    theirs = []
    for _ in range(2000):
        _, _, height, width = (
            v2.RandomResizedCrop(224)
            .make_params([torch.zeros(3, 375, 500, dtype=torch.uint8)])
            .values()
        )
        theirs.append(height * width / (500 * 375))
    quantiles = np.linspace(0.1, 0.9, 5)
    np.testing.assert_allclose(
        np.quantile(areas, quantiles), np.quantile(theirs, quantiles), atol=0.04
    )


def test_a_very_long_image_gives_its_middle() -> None:
    assert window(1000, 10, np.random.default_rng(0)) == (493, 0, 506, 10)


@pytest.mark.parametrize(("width", "height"), [(500, 375), (375, 500), (48, 40), (300, 300)])
def test_central_views_are_torchvisions(width: int, height: int) -> None:
    image = decoded(jpeg(1, width=width, height=height), "x")
    transform = v2.Compose([v2.Resize(256), v2.CenterCrop(224), v2.PILToTensor()])
    np.testing.assert_array_equal(central_view(image, 224), transform(image).numpy())


@pytest.mark.parametrize("size", [1, 5, 16, 100])
def test_batches_come_in_order_however_they_are_made(size: int) -> None:
    def make(row: int) -> np.ndarray:
        return np.full((1, 1, 1), row, dtype=np.uint8)

    found = [batch.flatten().tolist() for batch in in_batches(make, spans(37, size))]
    assert [row for batch in found for row in batch] == list(range(37))
    assert {len(batch) for batch in found[:-1]} <= {size}


@pytest.mark.hostile
@pytest.mark.parametrize("kind", ["BMP", "GIF", "PPM", "TIFF", "WEBP"])
def test_only_jpeg_and_png_are_opened_whatever_the_file_is_called(kind: str) -> None:
    # Some of Pillow's formats start other programs.
    raw = BytesIO()
    Image.new("RGB", (4, 4)).save(raw, kind)
    with pytest.raises(BrokenImageError, match="cannot identify image file"):
        decoded(raw.getvalue(), "x.JPEG")
