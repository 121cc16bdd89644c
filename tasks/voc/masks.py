"""Masks as VOC keeps them: PNGs whose palette indices are classes, 255 for void.

Reading such a file through a conversion to RGB or grey turns classes into colours,
which looks like data and trains like noise; so indices are taken as they are stored.
"""

from io import BytesIO

import numpy as np
from jaxtyping import Int64, Integer, UInt8
from PIL import Image

from tasks.errors import BrokenImageError

VOID = 255
"""Pixels that count neither in training nor in scores."""

Mask = UInt8[np.ndarray, "h w"]


def colour_map() -> UInt8[np.ndarray, "256 3"]:
    """VOC's palette: bits 0, 3, 6 of an index are the top bits of red; 1, 4, 7 of green; ..."""
    indices = np.arange(256)
    colours = np.zeros((256, 3), dtype=np.uint8)
    for channel in range(3):
        for bit in range(3):
            colours[:, channel] |= (((indices >> (3 * bit + channel)) & 1) << (7 - bit)).astype(
                np.uint8
            )
    return colours


COLOURS = colour_map()
_DEPTH = 24
"""Where a PNG says how many bits a channel has: every one begins with its header chunk."""
_PLACES = 1 << np.array([16, 8, 0])
_CODES = COLOURS.astype(np.int64) @ _PLACES
_ORDER = np.argsort(_CODES)


def index_of(colours: Integer[np.ndarray, "*any 3"]) -> Int64[np.ndarray, "*any"]:
    """Where each colour is in VOC's palette; -1 where it isn't."""
    codes = colours.astype(np.int64) @ _PLACES
    nearest = _ORDER[np.searchsorted(_CODES[_ORDER], codes).clip(max=255)]
    return np.where(_CODES[nearest] == codes, nearest, -1)


def encoded(mask: Mask) -> bytes:
    """A palette PNG of class numbers, as VOC's own."""
    image = Image.fromarray(mask)
    image.putpalette(COLOURS.tobytes())
    raw = BytesIO()
    image.save(raw, "PNG")
    return raw.getvalue()


def read_mask(raw: bytes, classes: int, name: str) -> Mask:
    """Class numbers of each pixel, `VOID` where none counts.

    Grey files of 8 bits hold class numbers too. Colour files, and palettes that a tool has
    reordered, are translated where all their colours are VOC's: there is one index for each.
    Nothing else is: Pillow stretches grey of 1, 2 and 4 bits (class 1 would become 17) and
    cuts colours of 16.

    Args:
        raw: the file's bytes.
        classes: numbers from here up to 254 are refused.
        name: of the file, for messages.

    Raises:
        BrokenImageError: it can't be decoded, or isn't a mask.
    """
    try:
        with Image.open(BytesIO(raw), formats=("PNG",)) as image:
            image.load()
            mask = _indices(image, raw[_DEPTH], name)
    except BrokenImageError:
        raise
    except Exception as error:
        # A damaged image may raise nearly anything.
        reason = str(error).partition(" <_io")[0]
        raise BrokenImageError(
            f"{name} can't be decoded ({reason}): restore it, or leave out what is broken with "
            "--skip-broken"
        ) from error
    return checked(mask, classes, name)


def checked(mask: Mask, classes: int, name: str) -> Mask:
    """The same mask.

    Raises:
        BrokenImageError: it has other values than 0 to ``classes`` - 1 and `VOID`.
    """
    counts = np.bincount(mask.ravel(), minlength=256)
    wrong = np.flatnonzero(counts[classes:VOID]) + classes
    if len(wrong) > 0:
        raise BrokenImageError(
            f"{name} has class {wrong[0]} in {counts[wrong[0]]} pixels: expected 0 to "
            f"{classes - 1}, and {VOID} for void; if its colours were converted to grey, restore "
            "the palette PNG"
        )
    return mask


def _indices(image: Image.Image, depth: int, name: str) -> Mask:
    if (image.mode, depth) == ("L", 8):
        return np.array(image)
    if image.mode == "P":
        stored = np.array(image)
        palette = np.array(image.getpalette("RGB")).reshape(-1, 3)
        meant = np.full(256, -1)
        meant[: len(palette)] = index_of(palette)
        used = np.unique(stored)
        reordered = (meant[used] >= 0).all() and (meant[used] != used).any()
        return meant.astype(np.uint8)[stored] if reordered else stored
    if (image.mode, depth) == ("RGB", 8):
        return _of_colours(np.array(image), name)
    raise BrokenImageError(
        f"{name} is a picture of mode {image.mode} with {depth} bits a channel: expected a mask, a "
        "palette PNG whose indices are classes (or grey of 8 bits); restore it, or leave it out "
        "with --skip-broken"
    )


def _of_colours(pixels: UInt8[np.ndarray, "h w 3"], name: str) -> Mask:
    mask = index_of(pixels)
    strange = mask < 0
    if strange.any():
        red, green, blue = pixels[strange][0]
        raise BrokenImageError(
            f"{name} is saved as RGB, and {strange.sum()} of its pixels have colours that VOC's "
            f"palette doesn't have, such as ({red}, {green}, {blue}): restore the palette PNG "
            "(it was smoothed or compressed), or leave it out with --skip-broken"
        )
    return mask.astype(np.uint8)
