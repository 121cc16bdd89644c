"""Scenes of real digits written as a VOC tree, with what is awkward about VOC's own.

Void rings around objects, objects that hide others, a class that never occurs, grey
photographs among coloured ones, sides that no stride divides, masks of SBD's form,
and a list that names images with their masks.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool
from scipy.ndimage import binary_dilation

from tasks.generated import matlab_file
from tasks.scenes import Canvas, Pool, digit_pools, enlarged, ground, inside, paste, photograph
from tasks.voc.masks import VOID, Mask, encoded

CLASSES = 11
"""Background, and a class for each digit; nines never occur."""
_SHOWN = range(9)
_INKED = 0.35
"""Ink from which a pixel belongs to a digit."""
_SIDES = ((32, 32), (32, 32), (32, 32), (30, 35))
"""Heights and widths, in turn."""
_GREY_EVERY = 16
_DIGITS = (1, 4)
_HEIGHTS, _WIDTHS = (13, 20), (11, 17)
_LIGHT = (0.6, 1.0)


@dataclass(frozen=True)
class Counts:
    """Scenes of each list.

    Attributes:
        training: ``train``.
        test: ``val``.
        additional: only in SBD's folder.
    """

    training: int
    test: int
    additional: int


def write_tree(root: Path, counts: Counts, seed: int) -> None:
    """Write ``VOC2012`` and ``SBD`` into ``root``, the same files each time.

    Digits of test scenes are in no other scenes.
    """
    training, testing = digit_pools(seed)
    voc, sbd = root / "VOCdevkit" / "VOC2012", root / "SBD" / "cls"
    for folder in ("JPEGImages", "SegmentationClass", "ImageSets/Segmentation"):
        (voc / folder).mkdir(parents=True)
    sbd.mkdir(parents=True)
    parts = (
        ("train", counts.training, training),
        ("val", counts.test, testing),
        ("sbd", counts.additional, training),
    )
    for stream, (part, count, pool) in enumerate(parts):
        rng = np.random.default_rng([seed, stream])
        names = [f"{part}_{number:06}" for number in range(count)]
        for number, name in enumerate(names):
            canvas, mask = scene(pool.of(_SHOWN), _SIDES[number % len(_SIDES)], rng=rng)
            image = photograph(canvas, grey=number % _GREY_EVERY == _GREY_EVERY - 1)
            image.save(voc / "JPEGImages" / f"{name}.jpg", quality=95)
            if part == "sbd":
                (sbd / f"{name}.mat").write_bytes(sbd_file(np.where(mask == VOID, 0, mask)))
            else:
                (voc / "SegmentationClass" / f"{name}.png").write_bytes(encoded(mask))
        if part != "sbd":
            text = "".join(f"{name}\n" for name in names)
            (voc / "ImageSets" / "Segmentation" / f"{part}.txt").write_text(text)


def scene(pool: Pool, size: tuple[int, int], *, rng: np.random.Generator) -> tuple[Canvas, Mask]:
    """Digits on a ground, later ones in front, each in a ring of void, and their mask.

    Args:
        pool: to draw digits from.
        size: height and width.
        rng: source of every draw.
    """
    canvas = ground(*size, rng=rng)
    mask = np.zeros(size, dtype=np.uint8)
    for chosen in rng.integers(len(pool), size=rng.integers(*_DIGITS)):
        ink = enlarged(
            pool.scans[chosen], int(rng.integers(*_HEIGHTS)), int(rng.integers(*_WIDTHS))
        )
        top, left = (
            int(rng.integers(-2, side - length + 3))
            for side, length in zip(size, ink.shape, strict=True)
        )
        colour = rng.uniform(*_LIGHT, size=3).astype(np.float32)
        paste(canvas, ink, top, left, colour)
        _mark(mask, ink >= _INKED, top, left, int(pool.labels[chosen]) + 1)
    return canvas, mask


def _mark(mask: Mask, body: Bool[np.ndarray, "i j"], top: int, left: int, number: int) -> None:
    """Enter an object and its ring into ``mask``, which changes."""
    height, width = mask.shape
    body = np.pad(body, 1)
    ring = binary_dilation(body, np.ones((3, 3))) & ~body
    for stamp, value in ((ring, VOID), (body, number)):
        seen, place = inside(stamp.astype(np.float32), height, width, top - 1, left - 1)
        mask[place][seen > 0] = value


def sbd_file(mask: Mask) -> bytes:
    """A mask in the form of SBD's ``cls/*.mat``."""
    fields = [("Boundaries", "O"), ("Segmentation", "O"), ("CategoriesPresent", "O")]
    present = np.unique(mask[(mask > 0) & (mask != VOID)]).reshape(-1, 1)
    content = np.zeros((1, 1), dtype=fields)
    content[0, 0] = (np.zeros((20, 1), dtype=object), mask.astype(np.uint8), present)
    return matlab_file("GTcls", content, compressed=True)
