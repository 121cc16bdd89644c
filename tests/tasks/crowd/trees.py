"""Small ShanghaiTech trees of noise, in each layout; the same data in all of them."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from tasks.crowd.layouts import Half, Part
from tasks.crowd.writing import half_folder, write_pair

COUNTS: dict[Half, int] = {"train_data": 20, "test_data": 4}
SIZES = (48, 64), (40, 72), (48, 64)


def crowd_tree(root: Path, layout: str = "part_{}_final/ground_truth") -> Path:
    """Parts A and B of 20 training and 4 test images each; ``root`` is returned."""
    parts: tuple[Part, ...] = ("A", "B")
    for stream, part in enumerate(parts):
        rng = np.random.default_rng(stream)
        for half, count in COUNTS.items():
            for number in range(1, count + 1):
                height, width = SIZES[number % len(SIZES)]
                pixels = rng.integers(256, size=(height, width, 3), dtype=np.uint8)
                points = rng.random((number % 7, 2)) * [width, height]
                image = Image.fromarray(pixels)
                write_pair(half_folder(root, part, half), number, image, points)
    return _moved(root, layout)


def _moved(root: Path, layout: str) -> Path:
    *base, part, annotations = layout.split("/")
    for letter in "AB":
        place = root / f"part_{letter}_final"
        for half in COUNTS:
            if annotations != "ground_truth":
                (place / half / "ground_truth").rename(place / half / annotations)
        target = root.joinpath(*base, part.format(letter))
        if target != place:
            target.parent.mkdir(exist_ok=True)
            place.rename(target)
    return root


LAYOUTS = (
    "part_{}_final/ground_truth",
    "part_{}/ground-truth",
    "ShanghaiTech/part_{}/ground-truth",
    "ShanghaiTech/part_{}_final/ground_truth",
)


def damaged(source: Path, target: Path, damage: Callable[[Path], None]) -> Path:
    """A copy of a tree whose training half of part A was damaged."""
    shutil.copytree(source, target)
    damage(target / "part_A_final" / "train_data")
    return target
