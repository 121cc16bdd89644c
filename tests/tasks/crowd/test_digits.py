from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tasks.base import TaskSpec
from tasks.crowd.annotations import read_points
from tasks.crowd.digits import AWKWARD, DigitsCrowd, write_scenes
from tasks.crowd.points import inside, pixels_of
from tasks.errors import DataError


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("digits-crowd") / "data"
    write_scenes(root, 0)
    return root


def _pair(folder: Path, half: str, number: int) -> tuple[Image.Image, np.ndarray]:
    place = folder / "part_A_final" / half
    with Image.open(place / "images" / f"IMG_{number}.jpg") as image:
        image.load()
    return image, read_points(place / "ground_truth" / f"GT_IMG_{number}.mat")


@pytest.mark.parametrize("half", ["train_data", "test_data"])
def test_both_halves_hold_the_awkward_cases(folder: Path, half: str) -> None:
    scenes = [_pair(folder, half, number) for number in range(1, len(AWKWARD) + 1)]
    modes = [image.mode for image, _ in scenes]
    assert modes == ["L", *["RGB"] * 5]
    assert [len(points) for _, points in scenes] == [20, 0, 1, 260, 25, 15]
    sizes = [(image.height, image.width) for image, _ in scenes]
    assert {side % 8 for size in sizes for side in size} > {0}
    assert {side % 16 for size in sizes for side in size} > {0, 8}
    kept = [inside(points, size) for (_, points), size in zip(scenes, sizes, strict=True)]
    assert [int((~mark).sum()) for mark in kept] == [0, 0, 0, 0, 1, 0]
    pixels = pixels_of(scenes[5][1], sizes[5])
    assert len(np.unique(pixels, axis=0)) == 14


def test_scenes_are_written_once_to_the_same_bytes_and_read_as_shanghaitechs(
    folder: Path, tmp_path: Path
) -> None:
    task = DigitsCrowd.load(TaskSpec("digits-crowd", cache=str(tmp_path)))
    (kept,) = (tmp_path / "data").iterdir()
    for path in folder.rglob("*.*"):
        assert (kept / path.relative_to(folder)).read_bytes() == path.read_bytes()
    sizes = task.published
    assert (task.epoch_size, len(task.validation()), len(task.test())) == (
        sizes.training,
        sizes.validation,
        sizes.test,
    )
    assert task.facts()["points outside their image"] == 2
    counts = torch.cat([maps.sum((1, 2, 3)) for _, maps in task.test().batches(64)])
    expected = [
        inside(points, (image.height, image.width)).sum()
        for image, points in (_pair(folder, "test_data", n) for n in range(1, sizes.test + 1))
    ]
    torch.testing.assert_close(counts.sort()[0], torch.tensor(sorted(expected)).float())
    (kept / "part_A_final" / "train_data" / "images" / "IMG_5.jpg").unlink()
    with pytest.raises(DataError, match=r"annotation .*GT_IMG_5\.mat has no image"):
        DigitsCrowd.load(TaskSpec("digits-crowd", cache=str(tmp_path)))
