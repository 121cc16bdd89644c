from io import BytesIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from tasks.errors import BrokenImageError
from tasks.voc.masks import COLOURS, VOID, encoded, read_mask
from tests.tasks.pngs import COLOUR, COLOUR_ALPHA, GREY, GREY_ALPHA, PALETTE
from tests.tasks.pngs import png as made

MASK = np.array([[0, 3, 255], [1, 20, 0]], dtype=np.uint8)


def png(image: Image.Image, suffix: str = "PNG", **options: int) -> bytes:
    raw = BytesIO()
    image.save(raw, suffix, **options)
    return raw.getvalue()


def test_the_palette_is_the_published_one() -> None:
    """VOC's development kit: background black, aeroplane maroon, ..., tv monitor, void cream."""
    expected = {0: (0, 0, 0), 1: (128, 0, 0), 2: (0, 128, 0), 15: (192, 128, 128)}
    expected |= {20: (0, 64, 128), 255: (224, 224, 192)}
    assert {index: tuple(map(int, COLOURS[index])) for index in expected} == expected
    assert len(np.unique(COLOURS, axis=0)) == 256


@given(
    arrays.arrays(
        np.uint8, arrays.array_shapes(min_dims=2, max_dims=2), elements=st.integers(0, 20)
    )
)
def test_palette_grey_and_colour_files_hold_the_same_classes(mask: np.ndarray) -> None:
    mask[0, 0] = VOID
    stored = Image.open(BytesIO(encoded(mask)))
    assert stored.mode == "P"
    for raw in (encoded(mask), png(Image.fromarray(mask)), png(stored.convert("RGB"))):
        np.testing.assert_array_equal(read_mask(raw, 21, "x.png"), mask)


def test_a_palette_that_a_tool_has_shrunk_keeps_its_classes() -> None:
    """Optimisers drop unused colours, so that indices no longer are classes; colours still say."""
    values, shrunk = np.unique(MASK, return_inverse=True)
    image = Image.fromarray(shrunk.reshape(MASK.shape).astype(np.uint8))
    image.putpalette(COLOURS[values].tobytes())
    np.testing.assert_array_equal(read_mask(png(image), 21, "x.png"), MASK)


def test_indices_count_under_a_palette_of_somebodys_own() -> None:
    image = Image.fromarray(MASK)
    image.putpalette(np.arange(768, dtype=np.uint8).tobytes())
    np.testing.assert_array_equal(read_mask(png(image), 21, "x.png"), MASK)


@pytest.mark.parametrize("depth", [1, 2, 4, 8])
def test_palettes_of_any_depth_hold_indices_transparent_or_not(depth: int) -> None:
    indices = [0, 1, 1] if depth == 1 else [0, 1, 3]
    palette = COLOURS[: 2**depth].tobytes()
    for raw in (
        made(depth, PALETTE, indices, PLTE=palette),
        made(depth, PALETTE, indices, PLTE=palette, tRNS=b"\0"),
    ):
        assert read_mask(raw, 21, "x.png").tolist() == [indices]


def _wide() -> bytes:
    return png(Image.fromarray(MASK.astype(np.uint16)))


def _smoothed() -> bytes:
    image = Image.fromarray(COLOURS[MASK]).resize((9, 9), Image.Resampling.BILINEAR)
    return png(image)


def _grey() -> bytes:
    return png(Image.fromarray(COLOURS[MASK]).convert("L"))


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (encoded(MASK)[:60], r"x\.png can't be decoded .*--skip-broken"),
        (b"", r"x\.png can't be decoded"),
        (_smoothed(), r"x\.png is saved as RGB, and \d+ of its pixels have colours .* such as \("),
        (_grey(), r"x\.png has class \d+ in \d+ pixels: expected 0 to 20, .*converted to grey"),
        (encoded(MASK + 21), r"x\.png has class 21 in 2 pixels: expected 0 to 20, and 255"),
        (_wide(), r"x\.png is a picture of mode I;16 with 16 bits a channel: expected a mask"),
        (made(1, GREY, [0, 1]), r"x\.png is a picture of mode 1 with 1 bits a channel"),
        (made(2, GREY, [0, 1]), r"x\.png is a picture of mode L with 2 bits a channel"),
        (made(4, GREY, [0, 1, 15]), r"x\.png is a picture of mode L with 4 bits a channel"),
        (made(16, COLOUR, [0] * 6, 3), r"picture of mode RGB with 16 bits a channel"),
        (made(8, GREY_ALPHA, [1, 255], 2), r"picture of mode LA with 8 bits a channel"),
        (made(8, COLOUR_ALPHA, [128, 0, 0, 255], 4), "picture of mode RGBA with 8 bits"),
        (encoded(MASK).replace(b"IHDR", b"IHDX"), r"x\.png can't be decoded"),
    ],
)
def test_what_is_no_mask_is_refused(raw: bytes, message: str) -> None:
    with pytest.raises(BrokenImageError, match=message):
        read_mask(raw, 21, "x.png")


@pytest.mark.hostile
@pytest.mark.parametrize("kind", ["BMP", "GIF", "JPEG", "PPM", "TIFF"])
def test_only_png_is_opened_whatever_the_file_is_called(kind: str) -> None:
    # Some of Pillow's formats start other programs.
    with pytest.raises(BrokenImageError, match="cannot identify image file"):
        read_mask(png(Image.fromarray(MASK), kind), 21, "x.png")
