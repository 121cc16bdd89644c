import shutil
from collections.abc import Callable
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tasks.base import TaskSpec
from tasks.crowd.presets import Kernel
from tasks.crowd.shanghaitech import ShanghaiTechA, ShanghaiTechB
from tasks.crowd.task import Crowd
from tasks.crowd.writing import annotation_bytes
from tasks.errors import BrokenAnnotationError, BrokenImageError, DataError
from tasks.holdout import part_of
from tests.tasks.crowd.trees import LAYOUTS, crowd_tree, damaged


def _load(root: Path, **options: object) -> Crowd:
    return ShanghaiTechA.load(TaskSpec("shanghaitech-a", data=str(root), **options))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return crowd_tree(tmp_path_factory.mktemp("crowd") / "data")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_holds_the_same_data(root: Path, tmp_path: Path, layout: str) -> None:
    other = crowd_tree(tmp_path / "data", layout)
    for kind in (ShanghaiTechA, ShanghaiTechB):
        facts = kind.load(TaskSpec(kind.name, data=str(other))).facts()
        assert facts == kind.load(TaskSpec(kind.name, data=str(root))).facts()


def test_the_parts_are_different_data(root: Path) -> None:
    b = ShanghaiTechB.load(TaskSpec("shanghaitech-b", data=str(root)))
    assert b.facts()["fingerprint"] != _load(root).facts()["fingerprint"]


@pytest.mark.parametrize(("count", "held"), [(300, 30), (400, 40), (20, 2), (2, 1)])
def test_a_tenth_of_the_training_images_is_held_out(count: int, held: int) -> None:
    assert part_of(count, np.random.default_rng(0)).sum() == held


def test_one_image_is_too_few_to_hold_one_out() -> None:
    with pytest.raises(DataError, match="at least 2 are needed"):
        part_of(1, np.random.default_rng(0))


def test_validation_images_are_the_seeds_and_not_trained_on(root: Path) -> None:
    task = _load(root)
    assert task.epoch_size == 18
    assert len(task.held_out()) == len(task.validation()) == 2
    assert _load(root).held_out() == task.held_out()
    assert any(_load(root, seed=seed).held_out() != task.held_out() for seed in range(1, 4))
    assert ShanghaiTechA.published.training + ShanghaiTechA.published.validation == 300


def test_images_are_given_out_whole_with_as_many_people_as_points(root: Path) -> None:
    split = _load(root).test()
    batches = list(split.batches(4))
    # By size: IMG_1 and IMG_4 of 40×72, then IMG_2 and IMG_3.
    assert [tuple(images.shape) for images, _ in batches] == [(2, 3, 40, 72), (2, 3, 48, 64)]
    assert [tuple(maps.shape) for _, maps in batches] == [(2, 1, 5, 9), (2, 1, 6, 8)]
    counts = torch.cat([maps.sum((1, 2, 3)) for _, maps in batches])
    torch.testing.assert_close(counts, torch.tensor([1.0, 4, 2, 3]))
    place = root / "part_A_final" / "test_data" / "images" / "IMG_4.jpg"
    pixels = torch.from_numpy(np.array(Image.open(place).convert("RGB"))).permute(2, 0, 1) / 255
    mean, deviation = (torch.tensor(v)[:, None, None] for v in _load(root).normalised_by())
    torch.testing.assert_close(batches[0][0][1], (pixels - mean) / deviation)


def test_kernels_cut_at_the_border_lose_parts_of_people(root: Path) -> None:
    whole, cut = (
        torch.cat([maps.sum((1, 2, 3)) for _, maps in _load(root, options=o).test().batches(1)])
        for o in ((), (("border", "cut"),))
    )
    assert (cut <= whole + 1e-6).all()
    assert float(cut.sum()) < float(whole.sum()) - 0.1


def test_windows_show_the_people_whose_points_they_hold(root: Path) -> None:
    """Images smaller than a window: all people, at the left upper corner, mirrored or not."""
    task = _load(root, options=(("window", "256"),))
    assert task.image_shape == (3, 256, 256)
    total = 0.0
    for images, maps in task.training_batches(5, rng=np.random.default_rng(0)):
        assert images.shape[1:] == (3, 256, 256)
        assert maps.shape[1:] == (1, 32, 32)
        assert images.is_contiguous()  # torch's backward pass isn't safe with other layouts
        assert not maps[..., 6:, :].any()
        assert not maps[..., 9:].any()
        # The mean colour, up to rounding to a byte.
        assert images[..., 48:, :].abs().max() < 0.01
        total += float(maps.sum())
    trained = int(task.facts()["people"]) - sum(
        round(float(maps.sum()))
        for s in (task.validation(), task.test())
        for _, maps in s.batches(1)
    )
    assert total == pytest.approx(trained, abs=1e-4)


def test_half_of_all_windows_are_mirrored_with_their_points(root: Path) -> None:
    task = _load(root, options=(("window", "256"),))
    rows = [next(task.training_batches(18, rng=np.random.default_rng(seed))) for seed in range(4)]
    seen: dict[bytes, torch.Tensor] = {}
    for images, maps in rows:
        for image, density in zip(images, maps, strict=True):
            seen.setdefault(image.numpy().tobytes(), density)
            torch.testing.assert_close(seen[image.numpy().tobytes()], density)
    # Of 18 images, nearly all were shown in both ways.
    assert 18 < len(seen) <= 36
    for raw, density in seen.items():
        image = torch.from_numpy(np.frombuffer(raw, np.float32).reshape(3, 256, 256).copy())
        for width, columns in ((64, 8), (72, 9)):
            mirrored = image.clone()
            mirrored[..., :width] = image[..., :width].flip(-1)
            twin = seen.get(mirrored.numpy().tobytes())
            if twin is not None and not torch.equal(mirrored, image):
                torch.testing.assert_close(twin[..., :columns], density[..., :columns].flip(-1))


def test_an_image_larger_than_a_window_is_shown_in_part(tmp_path: Path) -> None:
    big = crowd_tree(tmp_path / "data")
    place = big / "part_A_final" / "train_data"
    points = np.random.default_rng(0).random((500, 2)) * [700, 600]
    for number in range(1, 21):
        Image.new("RGB", (700, 600)).save(place / "images" / f"IMG_{number}.jpg")
        (place / "ground_truth" / f"GT_IMG_{number}.mat").write_bytes(annotation_bytes(points))
    task = _load(big, options=(("window", "256"),))
    _, maps = next(task.training_batches(18, rng=np.random.default_rng(0)))
    # About 500 · 256² / (700 · 600) = 78 people each, always a whole number.
    counts = maps.sum((1, 2, 3))
    torch.testing.assert_close(counts, counts.round(), atol=1e-4, rtol=0)
    assert 50 < float(counts.mean()) < 110
    assert len(set(counts.tolist())) > 5


def test_points_outside_are_counted_and_belong_to_nobody(root: Path, tmp_path: Path) -> None:
    def stray(half: Path) -> None:
        points = np.array([[3.0, 3.0], [-1.0, 3.0], [64.0, 48.5], [9999.0, 0.0]])
        (half / "ground_truth" / "GT_IMG_9.mat").write_bytes(annotation_bytes(points))

    facts = _load(damaged(root, tmp_path / "data", stray)).facts()
    assert facts["points outside their image"] == 3
    # Image 9 had 9 % 7 = 2 people.
    assert int(_load(root).facts()["people"]) - int(facts["people"]) == 1


def test_grey_images_are_converted(root: Path, tmp_path: Path) -> None:
    def grey(half: Path) -> None:
        for path in (half / "images").iterdir():
            Image.open(path).convert("L").save(path)

    images, _ = next(_load(damaged(root, tmp_path / "data", grey)).validation().batches(1))
    assert images.shape[1] == 3


def test_a_rotation_in_exif_is_left_alone_as_points_are_of_the_stored_image(
    root: Path, tmp_path: Path
) -> None:
    def turn(half: Path) -> None:
        exif = Image.Exif()
        exif[0x0112] = 6  # lies on its side
        for path in (half / "images").iterdir():
            Image.open(path).save(path, exif=exif)

    turned, stored = _load(damaged(root, tmp_path / "data", turn)), _load(root)
    assert turned.facts()["points outside their image"] == 0
    for (images, maps), (_, expected) in zip(
        turned.validation().batches(1), stored.validation().batches(1), strict=True
    ):
        assert images.shape[2] < images.shape[3]
        assert torch.equal(maps, expected)


def test_adaptive_kernels_depend_on_the_neighbours_in_the_whole_image(root: Path) -> None:
    fixed, adaptive = (
        _load(root, options=(("preset", preset),)).test() for preset in ("c3", "csrnet")
    )
    for (_, one), (_, other) in zip(fixed.batches(1), adaptive.batches(1), strict=True):
        torch.testing.assert_close(one.sum(), other.sum())
    assert not torch.equal(one, other)
    assert ShanghaiTechB.presets["csrnet"].kernel == Kernel(15.0)


def _no_annotation(half: Path) -> None:
    (half / "ground_truth" / "GT_IMG_10.mat").unlink()


def _no_image(half: Path) -> None:
    (half / "images" / "IMG_9.jpg").unlink()


def _broken_annotation(half: Path) -> None:
    path = half / "ground_truth" / "GT_IMG_3.mat"
    path.write_bytes(path.read_bytes()[:150])


def _not_finite(half: Path) -> None:
    points = np.array([[1.0, np.nan]])
    (half / "ground_truth" / "GT_IMG_3.mat").write_bytes(annotation_bytes(points))


def _no_jpeg(half: Path) -> None:
    (half / "images" / "IMG_3.jpg").write_text("<html>")


BROKEN = [
    (_no_annotation, r"image .*IMG_10\.jpg has no annotation: .*--skip-broken", "IMG_10.jpg"),
    (_no_image, r"annotation .*GT_IMG_9\.mat has no image IMG_9\.jpg", "GT_IMG_9.mat"),
    (_broken_annotation, r"GT_IMG_3\.mat is no intact MATLAB file .*--skip-broken", "IMG_3"),
    (_not_finite, r"point 1 of .*GT_IMG_3\.mat is not finite .*--skip-broken", "IMG_3"),
    (_no_jpeg, r"IMG_3\.jpg is no image .*--skip-broken", "IMG_3"),
]


@pytest.mark.parametrize(("damage", "message", "name"), BROKEN)
def test_what_is_broken_is_named_or_left_out_and_listed(
    root: Path, tmp_path: Path, damage: Callable[[Path], None], message: str, name: str
) -> None:
    place = damaged(root, tmp_path / "data", damage)
    with pytest.raises(DataError, match=message):
        _load(place)
    task = _load(place, skip_broken=True)
    assert task.left_out() == [f"train_data/{name}"]
    assert task.facts()["images left out as broken"] == 1
    assert task.epoch_size + len(task.validation()) == 19


def test_a_truncated_jpeg_is_named_when_it_is_shown_or_left_out(root: Path, tmp_path: Path) -> None:
    def truncate(half: Path) -> None:
        path = half / "images" / "IMG_7.jpg"
        path.write_bytes(path.read_bytes()[:700])

    place = damaged(root, tmp_path / "data", truncate)
    task = _load(place)
    training = task.training_batches(4, rng=np.random.default_rng(0))
    with pytest.raises(BrokenImageError, match=r"IMG_7\.jpg can't be decoded .*--skip-broken"):
        list(chain(training, task.validation().batches(1)))
    assert _load(place, skip_broken=True).left_out() == ["train_data/IMG_7"]


def test_an_image_that_has_changed_since_is_named(root: Path, tmp_path: Path) -> None:
    place = damaged(root, tmp_path / "data", lambda _: None)
    task = _load(place)
    for path in (place / "part_A_final" / "test_data" / "images").iterdir():
        Image.new("RGB", (9, 9)).save(path)
    with pytest.raises(BrokenImageError, match="has changed since it was looked at"):
        list(task.test().batches(1))


def _nothing(half: Path) -> None:
    for path in (half / "images").iterdir():
        path.unlink()


def _no_folder(half: Path) -> None:
    (half / "ground_truth").rename(half / "labels")


def _no_test(half: Path) -> None:
    (half.parent / "test_data").rename(half.parent / "tests")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_nothing, "images holds no JPEGs"),
        (_no_folder, "has neither ground_truth nor ground-truth"),
        (_no_test, r"found no part_A_final or part_A with train_data/ and test_data/"),
    ],
)
def test_what_is_missing_is_named(
    root: Path, tmp_path: Path, damage: Callable[[Path], None], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        _load(damaged(root, tmp_path / "data", damage), skip_broken=True)


def test_suffixes_may_be_written_in_any_way(root: Path, tmp_path: Path) -> None:
    def rename(half: Path) -> None:
        for folder, suffix in (("images", ".JPEG"), ("ground_truth", ".MAT")):
            for path in list((half / folder).iterdir()):
                path.rename(path.with_suffix(suffix))

    assert _load(damaged(root, tmp_path / "data", rename)).facts() == _load(root).facts()


def test_two_files_of_one_name_are_refused(root: Path, tmp_path: Path) -> None:
    def double(half: Path) -> None:
        shutil.copy(half / "images" / "IMG_3.jpg", half / "images" / "IMG_3.jpeg")

    with pytest.raises(DataError, match=r"images holds both IMG_3\.jpeg and IMG_3\.jpg: keep one"):
        _load(damaged(root, tmp_path / "data", double))


def test_an_image_to_train_on_is_not_tested_on(root: Path, tmp_path: Path) -> None:
    def copy(half: Path) -> None:
        test = half.parent / "test_data"
        for name in ("images/IMG_4.jpg", "ground_truth/GT_IMG_4.mat"):
            shutil.copy(test / name, half / name)

    with pytest.raises(DataError, match=r"test_data/images/IMG_4\.jpg lies in train_data, too"):
        _load(damaged(root, tmp_path / "data", copy))


def test_every_image_left_out_leaves_no_data(root: Path, tmp_path: Path) -> None:
    def ruin(half: Path) -> None:
        for path in (half / "ground_truth").iterdir():
            path.write_bytes(b"")

    place = damaged(root, tmp_path / "data", ruin)
    with pytest.raises(BrokenAnnotationError):
        _load(place)
    with pytest.raises(DataError, match="no image with its annotation that can be read"):
        _load(place, skip_broken=True)
