"""Scenes of real digits: scikit-learn's scans, enlarged and laid on a smooth coloured ground.

What stand-ins need for questions about places (how many, which pixels), where a
classification needs only what is there.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int64, UInt8
from PIL import Image

from tasks.digit_pools import digit_rows

_BICUBIC = Image.Resampling.BICUBIC
_DARKEST, _LIGHTEST = 0.05, 0.45  # of the ground; digits are lighter
_KNOTS = 4  # of the ground, along each side
_NOISE = 0.03

Canvas = Float32[np.ndarray, "h w 3"]
"""An image that is drawn on: red, green and blue in [0, 1]."""


@dataclass(frozen=True)
class Pool:
    """Digits that are used together.

    Attributes:
        scans: ink in [0, 1].
        labels: 0 to 9.
    """

    scans: Float32[np.ndarray, "n 8 8"]
    labels: Int64[np.ndarray, " n"]

    def __len__(self) -> int:
        return len(self.labels)

    def of(self, labels: range) -> "Pool":
        """Only the digits of these classes."""
        kept = np.isin(self.labels, labels)
        return Pool(self.scans[kept], self.labels[kept])


def digit_pools(seed: int) -> tuple[Pool, Pool]:
    """All digits in two pools: to train and validate on, and to test on."""
    from sklearn.datasets import load_digits  # noqa: PLC0415 - describing needs none

    digits = load_digits()
    scans = (digits.images / 16).astype(np.float32)
    labels = digits.target.astype(np.int64)
    rows = digit_rows(seed)
    seen = np.sort(np.concatenate([rows["training"], rows["validation"]]))
    return Pool(scans[seen], labels[seen]), Pool(scans[rows["test"]], labels[rows["test"]])


def ground(height: int, width: int, *, rng: np.random.Generator) -> Canvas:
    """A smooth random ground with a little noise, dark enough for digits to stand out."""
    knots = rng.uniform(_DARKEST, _LIGHTEST, size=(3, _KNOTS, _KNOTS)).astype(np.float32)
    planes = [_resized(plane, height, width) for plane in knots]
    noise = _NOISE * rng.standard_normal((height, width, 3), dtype=np.float32)
    scene: Canvas = np.clip(np.stack(planes, axis=2) + noise, 0, 1)
    return scene


def enlarged(
    scan: Float32[np.ndarray, "8 8"], height: int, width: int
) -> Float32[np.ndarray, "h w"]:
    """The ink of a digit at another size, in [0, 1]."""
    ink: Float32[np.ndarray, "h w"] = np.clip(_resized(scan, height, width), 0, 1)
    return ink


def paste(
    canvas: Canvas,
    ink: Float32[np.ndarray, "i j"],
    top: int,
    left: int,
    colour: Float32[np.ndarray, " 3"],
) -> None:
    """Draw ``ink`` onto ``canvas`` (which changes), whatever of it lies inside."""
    seen, place = inside(ink, canvas.shape[0], canvas.shape[1], top, left)
    canvas[place] += seen[..., None] * (colour - canvas[place])


def inside(
    stamp: Float32[np.ndarray, "i j"], height: int, width: int, top: int, left: int
) -> tuple[Float32[np.ndarray, "k l"], tuple[slice, slice]]:
    """What of a stamp at ``top``, ``left`` lies inside an image, and where in the image."""
    rows, columns = stamp.shape
    y, x = max(top, 0), max(left, 0)
    bottom, right = max(min(top + rows, height), y), max(min(left + columns, width), x)
    seen = stamp[y - top : bottom - top, x - left : right - left]
    return seen, (slice(y, bottom), slice(x, right))


def photograph(canvas: Canvas, *, grey: bool = False) -> Image.Image:
    """The scene as an image file would hold it: RGB, or a single channel."""
    pixels: UInt8[np.ndarray, "h w 3"] = (canvas * 255).round().astype(np.uint8)
    image = Image.fromarray(pixels)
    return image.convert("L") if grey else image


def _resized(
    plane: Float32[np.ndarray, "a b"], height: int, width: int
) -> Float32[np.ndarray, "h w"]:
    return np.asarray(Image.fromarray(plane).resize((width, height), _BICUBIC))
