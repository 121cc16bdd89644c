"""JPEGs to pixels as torchvision's transforms do it, on threads, ahead of the consumer.

Pillow lets go of Python's lock while it decodes and resizes, so threads keep every
core busy without the start-up, copies and pickling of worker processes
(``tests/speed/test_image_speed.py`` measures both).
"""

import math
import os
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from io import BytesIO
from itertools import islice
from typing import TypeVar

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from tasks.errors import BrokenImageError

FORMATS = ("JPEG", "PNG")
"""What ImageNet has. Among the others are some that run programs, as PostScript does."""
_BYTES = {"1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "RGBa", "CMYK", "YCbCr", "LAB", "HSV"}
"""Pillow's modes whose samples end at 255 (or are bits): `Image.convert` reads these rightly."""
_BILINEAR = Image.Resampling.BILINEAR
_MIRROR = Image.Transpose.FLIP_LEFT_RIGHT
_ATTEMPTS = 10
_TOGETHER = 8  # images of one job: long enough that handing it over costs nothing
_AHEAD = 2  # batches

Pixels = UInt8[np.ndarray, "c h w"]
Made = TypeVar("Made")


def decoded(raw: bytes, name: str) -> Image.Image:
    """An RGB image, however it is stored; see `in_rgb`.

    A rotation in its EXIF data is left alone, as the authors' ImageFolder does, and points
    and masks are those of the image as it is stored.

    Raises:
        BrokenImageError: it can't be decoded.
    """
    try:
        with Image.open(BytesIO(raw), formats=FORMATS) as image:
            return in_rgb(image)
    except Exception as error:
        # A damaged image may raise nearly anything.
        reason = str(error).partition(" <_io")[0]
        raise BrokenImageError(
            f"{name} can't be decoded ({reason}): restore it, or leave out what is broken with "
            "--skip-broken"
        ) from error


def in_rgb(image: Image.Image) -> Image.Image:
    """An image in RGB: grey, palette and CMYK are converted, 16 bits reduced to their upper 8.

    So Pillow reduces 16-bit colours itself, but clips 16-bit grey at 255, which turns nearly
    all of it white. Transparency is dropped, and CMYK taken for inverted (Adobe's way, with
    its marker or without), as in torchvision's ImageFolder.

    Raises:
        ValueError: its samples have no range that they could be scaled by.
    """
    if image.mode.startswith("I;16") or (image.mode, image.format) == ("I", "PNG"):
        # The latter is how Pillow 10 opens a PNG of 16-bit grey.
        upper = (np.asarray(image) >> 8).astype(np.uint8)
        return Image.fromarray(upper).convert("RGB")
    if image.mode not in _BYTES:
        raise ValueError(f"no known range in mode {image.mode}: save it with 8 bits a channel")
    if image.mode == "P":
        image = image.convert("RGBA")  # Pillow warns where it drops a palette's transparency
    return image.convert("RGB")


def training_view(image: Image.Image, size: int, rng: np.random.Generator) -> Pixels:
    """A random part of the image, 8% to all of it, resized to ``size`` and perhaps mirrored.

    The same distribution as torchvision's RandomResizedCrop and RandomHorizontalFlip.
    """
    view = image.crop(window(image.width, image.height, rng)).resize((size, size), _BILINEAR)
    if rng.random() < 0.5:  # noqa: PLR2004 - every other
        view = view.transpose(_MIRROR)
    return _pixels(view)


def window(width: int, height: int, rng: np.random.Generator) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of a random part of an image: 8% to all of it, 3:4 to 4:3."""
    for _ in range(_ATTEMPTS):
        area = width * height * rng.uniform(0.08, 1)
        ratio = math.exp(rng.uniform(math.log(3 / 4), math.log(4 / 3)))
        w, h = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
        if 0 < w <= width and 0 < h <= height:
            left, top = int(rng.integers(width - w + 1)), int(rng.integers(height - h + 1))
            return left, top, left + w, top + h
    # Very long images: as much of the middle as the ratio allows.
    w, h = min(width, round(height * 4 / 3)), min(height, round(width * 4 / 3))
    left, top = (width - w) // 2, (height - h) // 2
    return left, top, left + w, top + h


def central_view(image: Image.Image, size: int) -> Pixels:
    """The middle ``size`` × ``size`` of the image, its shorter side resized to 8/7 of that."""
    short = size * 8 // 7
    width, height = image.size
    if width <= height:
        scaled = (short, int(short * height / width))
    else:
        scaled = (int(short * width / height), short)
    left, top = (round((side - size) / 2) for side in scaled)
    return _pixels(image.resize(scaled, _BILINEAR).crop((left, top, left + size, top + size)))


def _pixels(image: Image.Image) -> Pixels:
    return np.asarray(image).transpose(2, 0, 1)


def in_batches(
    make: Callable[[int], Pixels], parts: Sequence[range]
) -> Generator[UInt8[np.ndarray, "n c h w"], None, None]:
    """Yield what ``make`` makes of each part's numbers, in order, made ahead on threads.

    Args:
        make: makes one image.
        parts: numbers of the images of each batch, at least one.

    Raises:
        DataError: what ``make`` raises.
    """
    for images in made_ahead(make, parts):
        yield np.ascontiguousarray(np.stack(images))


def made_ahead(
    make: Callable[[int], Made], parts: Sequence[range]
) -> Generator[list[Made], None, None]:
    """Like `in_batches`, for whatever can't be stacked, such as images of differing sizes."""

    def run(rows: Sequence[int]) -> list[Made]:
        return [make(row) for row in rows]

    with _pool() as pool:
        waiting: deque[list[Future[list[Made]]]] = deque()

        def submitted() -> Iterator[None]:
            for batch in parts:
                jobs = [batch[at : at + _TOGETHER] for at in range(0, len(batch), _TOGETHER)]
                waiting.append([pool.submit(run, rows) for rows in jobs])
                yield

        submissions = submitted()
        try:
            for _ in islice(submissions, _AHEAD):
                pass
            while waiting:
                next(submissions, None)
                yield [made for job in waiting.popleft() for made in job.result()]
        finally:
            pool.shutdown(cancel_futures=True)


def failures(make: Callable[[int], object], count: int) -> list[int]:
    """Rows for which ``make`` raises BrokenImageError."""

    def fails(row: int) -> bool:
        try:
            make(row)
        except BrokenImageError:
            return True
        return False

    with _pool() as pool:
        return [row for row, failed in enumerate(pool.map(fails, range(count))) if failed]


def _pool() -> ThreadPoolExecutor:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return ThreadPoolExecutor(cores or 1, thread_name_prefix="decoding")
