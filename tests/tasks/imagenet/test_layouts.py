import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.io import savemat

from tasks.base import TaskSpec
from tasks.errors import DataError
from tasks.registry import load_task
from tests.tasks.imagenet.trees import kit, load
from tests.tasks.trees import (
    IDS,
    WNIDS,
    devkit_files,
    imagenet_files,
    jpeg,
    tar_of,
    write_files,
)

TRUTH = [IDS[wnid] for _, wnid, _ in imagenet_files()[1]]


def _no_train(root: Path) -> None:
    shutil.rmtree(root / "train")


def _empty_class(root: Path) -> None:
    for path in (root / "train" / WNIDS[0]).iterdir():
        path.unlink()


def _one_class(root: Path) -> None:
    for wnid in WNIDS[1:]:
        shutil.rmtree(root / "train" / wnid)


def _class_missing(root: Path) -> None:
    shutil.rmtree(root / "train" / WNIDS[2])


def _class_tars(root: Path) -> None:
    for wnid in WNIDS:
        shutil.rmtree(root / "train" / wnid)
        (root / "train" / f"{wnid}.tar").write_bytes(tar_of({}))


def _no_list(root: Path) -> None:
    shutil.rmtree(kit(root))
    kit(root).parent.rmdir()


def _short_list(root: Path) -> None:
    write_files(kit(root), devkit_files(TRUTH[:-1]))


def _out_of_range(root: Path) -> None:
    write_files(kit(root), devkit_files([*TRUTH[:-1], 7]))


def _no_meta(root: Path) -> None:
    (kit(root) / "meta.mat").unlink()


def _no_classes(root: Path) -> None:
    rows = np.array(
        [(1, "n1", 2)], dtype=[(name, "O") for name in ("ILSVRC2012_ID", "WNID", "num_children")]
    )
    savemat(kit(root) / "meta.mat", {"synsets": rows})


def _damaged_meta(root: Path) -> None:
    (kit(root) / "meta.mat").write_bytes(b"MATLAB?")


def _image_missing(root: Path) -> None:
    (root / "val" / "ILSVRC2012_val_00000003.JPEG").unlink()


def _loose_image(root: Path) -> None:
    (root / "train" / "x.JPEG").write_bytes(jpeg(0))


def _sorted_half_way(root: Path) -> None:
    (root / "val" / WNIDS[0]).mkdir()


def _packed_class(root: Path) -> None:
    (root / "train" / "n09999999.tar").write_bytes(tar_of({}))


def _webp(root: Path) -> None:
    (root / "train" / WNIDS[0] / "x.webp").touch()


def _other_names(root: Path) -> None:
    path = root / "val" / "ILSVRC2012_val_00000003.JPEG"
    path.rename(path.with_name("ILSVRC2012_val_00000007.JPEG"))


def _numberless(root: Path) -> None:
    for path in (root / "val").iterdir():
        path.rename(path.with_name(f"{path.stem}a.JPEG"))


def _same_stem(root: Path) -> None:
    (root / "val" / "ILSVRC2012_val_00000003.jpg").write_bytes(jpeg(0))


def _dangling(root: Path) -> None:
    (root / "train" / WNIDS[0] / "x.JPEG").symlink_to(root / "absent.JPEG")


def _single_image(root: Path) -> None:
    for path in sorted((root / "train" / WNIDS[0]).iterdir())[1:]:
        path.unlink()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_no_train, r"expected ILSVRC2012 in .*neither train/ and val/"),
        (_empty_class, rf"class {WNIDS[0]} in .*train has no image"),
        (_one_class, "holds 1 classes"),
        (_class_missing, rf"is of class {WNIDS[2]}, which .*train doesn't have"),
        (_class_tars, rf"holds archives such as {WNIDS[0]}\.tar"),
        (
            _no_list,
            r"no class folders: put ILSVRC2012_devkit_t12\.tar\.gz .* in .*/data, .*/data/val$",
        ),
        (_loose_image, r"train holds class folders and, beside them, 1 images such as x\.JPEG"),
        (
            _sorted_half_way,
            r"val holds class folders and, beside them, 6 images such as ILSVRC2012",
        ),
        (_packed_class, r"train holds archives such as n09999999\.tar instead of class folders"),
        (_webp, rf"x\.webp in .*{WNIDS[0]} is neither JPEG nor PNG"),
        (_other_names, "image 3 is called ILSVRC2012_val_00000004: give the validation images"),
        (_numberless, "image 1 is called ILSVRC2012_val_00000001a: give the validation images"),
        (_same_stem, "several validation images called ILSVRC2012_val_00000003"),
        (_dangling, r"can't read .*x\.JPEG: No such file or directory; check --data"),
        (_short_list, "names the classes of 5 validation images, but there are 6"),
        (_out_of_range, r"line 6 of .*: 7 is no class of meta\.mat"),
        (_no_meta, "no intact devkit"),
        (_damaged_meta, "no intact devkit"),
        (_no_classes, "has inner nodes only, no classes"),
        (_image_missing, "6 validation images, but there are 5"),
        (_single_image, rf"class {WNIDS[0]} has 1 training images; at least 2"),
    ],
)
def test_what_is_missing_or_wrong_is_named(
    roots: dict[str, Path], tmp_path: Path, damage: Callable[[Path], None], message: str
) -> None:
    root = tmp_path / "data"
    shutil.copytree(roots["flat"], root)
    damage(root)
    with pytest.raises(DataError, match=message):
        load_task(TaskSpec("imagenet", data=str(root)))


@pytest.mark.parametrize("suffix", [".jpg", ".JPG", ".jpeg", ".PNG"])
def test_suffixes_may_be_written_in_any_way(
    roots: dict[str, Path], tmp_path: Path, suffix: str
) -> None:
    root = tmp_path / "data"
    shutil.copytree(roots["flat"], root)
    for path in list(root.rglob("*.JPEG")):
        path.rename(path.with_suffix(suffix))
    task, expected = load(root), load(roots["flat"])
    assert (task.epoch_size, len(task.test())) == (expected.epoch_size, len(expected.test()))
    ((images, targets),) = task.test().batches(10)
    ((same, classes),) = expected.test().batches(10)
    assert torch.equal(images, same)
    assert torch.equal(targets, classes)
