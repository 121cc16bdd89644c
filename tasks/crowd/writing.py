"""Images and points written as a ShanghaiTech tree, to the byte the same each time."""

from pathlib import Path

import numpy as np
from jaxtyping import Float64
from PIL import Image

from tasks.crowd.layouts import Half, Part
from tasks.generated import matlab_file

_QUALITY = 95


def write_pair(
    folder: Path, number: int, image: Image.Image, points: Float64[np.ndarray, "n 2"]
) -> None:
    """Write ``IMG_n.jpg`` and ``GT_IMG_n.mat`` into a half of a part.

    Args:
        folder: the half's.
        number: n.
        image: RGB or grey.
        points: x and y of each person.
    """
    for name in ("images", "ground_truth"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    image.save(folder / "images" / f"IMG_{number}.jpg", quality=_QUALITY)
    (folder / "ground_truth" / f"GT_IMG_{number}.mat").write_bytes(annotation_bytes(points))


def half_folder(root: Path, part: Part, half: Half) -> Path:
    """Where the original archive has ``half`` of ``part``."""
    return root / f"part_{part}_final" / half


def annotation_bytes(points: Float64[np.ndarray, "n 2"]) -> bytes:
    """A MATLAB file of version 5 that nests as the published ones do."""
    struct = np.zeros((1, 1), dtype=[("location", object), ("number", object)])
    # The smallest type that holds it, as MATLAB's own: a byte up to 255.
    number = np.array([[len(points)]], dtype=np.min_scalar_type(len(points)))
    struct[0, 0] = (points, number)
    cell = np.empty((1, 1), dtype=object)
    cell[0, 0] = struct
    return matlab_file("image_info", cell)
