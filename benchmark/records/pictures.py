"""Pictures as base64 of PNG files, the form in which stores and pages hold them."""

import base64
import io

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from benchmark.basics.errors import StoreError

Pixels = UInt8[np.ndarray, "height width 3"]
"""A colour image: rows, columns and the channels red, green, blue, each in [0, 255]."""


def png(pixels: Pixels) -> str:
    """``pixels`` as base64 of a PNG file."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", optimize=True)
    return base64.b64encode(file.getvalue()).decode()


def decoded(text: str) -> Pixels:
    """The pixels of a PNG file in base64.

    Raises:
        StoreError: it is none, or damaged.
    """
    try:
        with Image.open(io.BytesIO(base64.b64decode(text)), formats=["PNG"]) as image:
            pixels, mode = np.asarray(image), image.mode
    except Exception as error:
        # A damaged image may raise nearly anything.
        raise StoreError(f"a picture in the store is damaged: {error}") from error
    if mode != "RGB":
        raise StoreError(f"a picture in the store is of mode {mode}, expected RGB as it was stored")
    return pixels
