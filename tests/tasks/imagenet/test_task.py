import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from torchvision.datasets import ImageFolder
from torchvision.transforms import v2

from tasks.errors import BrokenImageError, DataError
from tests.tasks.imagenet.trees import load
from tests.tasks.trees import (
    LAYOUTS,
    WNIDS,
    imagenet_files,
    imagenet_tree,
)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_holds_the_same_data(roots: dict[str, Path], layout: str) -> None:
    task, folders = load(roots[layout]), load(roots["folders"])
    assert task.facts() == folders.facts()
    ((images, targets),) = task.test().batches(10)
    ((expected, classes),) = folders.test().batches(10)
    assert torch.equal(images, expected)
    assert torch.equal(targets, classes)
    ((images, _),) = task.training_batches(100, rng=np.random.default_rng(0))
    ((expected, _),) = folders.training_batches(100, rng=np.random.default_rng(0))
    assert torch.equal(images, expected)


def test_images_and_classes_are_those_of_torchvisions_image_folder(roots: dict[str, Path]) -> None:
    root = roots["folders"]
    transform = v2.Compose([v2.Resize(256), v2.CenterCrop(224), v2.PILToTensor()])
    folder = ImageFolder(str(root / "val"), transform)
    task = load(root)
    ((images, targets),) = task.test().batches(10)
    assert targets.tolist() == folder.targets
    mean, std = (
        torch.tensor(values)[:, None, None]
        for values in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    )
    for image, (expected, _) in zip(images, folder, strict=True):
        torch.testing.assert_close(image, (expected / 255 - mean) / std, atol=1e-5, rtol=1e-5)


def test_the_first_of_each_class_are_held_out_in_folder_order(roots: dict[str, Path]) -> None:
    # A fifth of ten; names are sorted as text, so _0 and _1 come first.
    expected = [f"{wnid}/{wnid}_{number}.JPEG" for wnid in WNIDS for number in (0, 1)]
    task = load(roots["flat"])
    assert list(task.held_out()) == expected
    assert task.epoch_size == 24
    assert load(roots["flat"], seed=1).held_out() == task.held_out()
    seeded = load(roots["flat"], options=(("validation", "seeded"),))
    assert list(seeded.held_out()) != expected
    assert len(seeded.held_out()) == 6


def test_data_that_fit_are_decoded_once(
    roots: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    split = load(roots["folders"]).validation()
    lazy = torch.cat([images for images, _ in split.batches(4)])
    resident = torch.cat([images for images, _ in split.to("cpu").batches(4)])
    assert torch.equal(lazy, resident)
    monkeypatch.setattr("tasks.imagenet.task.spare_memory", lambda _: 0)
    assert type(split.to("cpu")) is type(split)


def test_a_truncated_jpeg_is_named_or_left_out_and_listed(
    roots: dict[str, Path], tmp_path: Path
) -> None:
    root = tmp_path / "data"
    shutil.copytree(roots["folders"], root)
    victim = root / "train" / WNIDS[1] / f"{WNIDS[1]}_7.JPEG"
    victim.write_bytes(victim.read_bytes()[:400])
    with pytest.raises(BrokenImageError, match=rf"{victim.name} can't be decoded .*--skip-broken"):
        list(load(root).training_batches(8, rng=np.random.default_rng(0)))
    task = load(root, skip_broken=True)
    assert task.facts()["images left out as broken"] == 1
    assert task.left_out() == [f"{WNIDS[1]}/{victim.name}"]
    trained = sum(len(rows) for _, rows in task.training_batches(8, rng=np.random.default_rng(0)))
    assert trained + len(task.validation()) == 29


def test_a_broken_image_in_a_tar_is_named_with_its_tar(tmp_path: Path) -> None:
    root = imagenet_tree(tmp_path / "data", "tars")
    raw = (root / "ILSVRC2012_img_val.tar").read_bytes()
    start = raw.index(imagenet_files()[1][0][2])
    (root / "ILSVRC2012_img_val.tar").write_bytes(raw[:start] + b"x" * 100 + raw[start + 100 :])
    with pytest.raises(BrokenImageError, match=r"val_00000001.JPEG in .*ILSVRC2012_img_val\.tar"):
        list(load(root).test().batches(10))


def test_an_image_to_train_on_is_not_tested_on(roots: dict[str, Path], tmp_path: Path) -> None:
    root = tmp_path / "data"
    shutil.copytree(roots["folders"], root)
    name = f"{WNIDS[1]}/{WNIDS[1]}_7.JPEG"
    raw = (root / "train" / name).read_bytes()
    (root / "val" / name).write_bytes(bytes(len(raw)))  # the name alone says nothing
    assert len(load(root).test()) == 7
    (root / "val" / name).write_bytes(raw)
    with pytest.raises(DataError, match=rf"{name} lies in .*train and, byte by byte the same, in"):
        load(root)
