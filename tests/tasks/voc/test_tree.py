import shutil
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from tasks.base import TaskSpec
from tasks.errors import BrokenImageError, DataError
from tasks.voc.masks import COLOURS, encoded, read_mask
from tasks.voc.sbd import read_sbd
from tasks.voc.splits import Splits, split_scenes
from tasks.voc.tree import recognised
from tasks.voc.voc2012 import Voc2012
from tasks.voc.writing import sbd_file
from tests.tasks.voc.trees import COUNTS, voc_tree

LISTS = "ImageSets/Segmentation"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return voc_tree(tmp_path_factory.mktemp("voc") / "data")


@pytest.fixture
def copy(root: Path, tmp_path: Path) -> Path:
    """The tree, to be damaged: the ``VOC2012`` folder."""
    shutil.copytree(root, tmp_path / "data")
    return tmp_path / "data" / "VOCdevkit" / "VOC2012"


def _split(root: Path, *, augmented: bool = False, seed: int = 0, skip: bool = False) -> Splits:
    return split_scenes(
        recognised(root),
        augmented=augmented,
        classes=21,
        seed=seed,
        one_of=10,
        skip_broken=skip,
        cache=None,
    )


@pytest.mark.parametrize("place", ["", "VOCdevkit", "VOCdevkit/VOC2012"])
def test_a_tree_is_recognised_from_any_of_its_folders(root: Path, place: str) -> None:
    splits = _split(root / place, augmented=True)
    assert len(splits.test) == COUNTS.test
    assert len(splits.training) == COUNTS.training - 2 + COUNTS.additional


def test_validation_is_held_out_of_train_and_test_is_val(root: Path) -> None:
    splits, other = _split(root), _split(root, seed=1)
    assert {name[:3] for name in splits.test.names} == {"val"}
    assert len(splits.validation) == 2
    assert sorted(splits.training.names + splits.validation.names) == [
        f"train_{number:06}" for number in range(COUNTS.training)
    ]
    assert other.validation.names != splits.validation.names


def test_augmentation_adds_to_training_alone(root: Path) -> None:
    plain, augmented = _split(root), _split(root, augmented=True)
    assert augmented.validation.names == plain.validation.names
    assert augmented.test.names == plain.test.names
    assert augmented.training.names[: len(plain.training)] == plain.training.names
    extra = augmented.training.names[len(plain.training) :]
    assert extra == [f"sbd_{number:06}" for number in range(COUNTS.additional)]
    assert augmented.about["training list"] == "train, augmented by SBD"


@pytest.mark.parametrize("pairs", [False, True])
def test_a_list_of_the_augmented_set_gives_the_same_scenes_as_sbd(
    root: Path,
    copy: Path,
    pairs: bool,  # noqa: FBT001 - a parameter
) -> None:
    """As it is handed about: grey masks in a folder of their own, names or pairs of paths."""
    expected = _split(root, augmented=True)
    sbd = copy.parent.parent / "SBD" / "cls"
    (copy / "SegmentationClassAug").mkdir()
    lines = []
    for path in sorted(sbd.iterdir()):
        mask = read_sbd(path.read_bytes(), 21, path.name)
        Image.fromarray(mask).save(copy / "SegmentationClassAug" / f"{path.stem}.png")
        pair = f"/JPEGImages/{path.stem}.jpg /SegmentationClassAug/{path.stem}.png"
        lines.append(pair if pairs else path.stem)
    shutil.rmtree(sbd.parent)
    train = (copy / LISTS / "train.txt").read_text().split()
    (copy / LISTS / "trainaug.txt").write_text("\n".join([*lines, *train]) + "\n")
    found = _split(copy, augmented=True)
    assert found.training.names == expected.training.names
    assert found.about["training list"] == "train, augmented by trainaug.txt"


def test_scenes_of_val_are_never_trained_on(copy: Path) -> None:
    """SBD holds VOC's val too, and lists may."""
    tested = (copy / LISTS / "val.txt").read_text().split()
    for name in tested[:2]:
        raw = sbd_file(np.zeros((32, 32), dtype=np.uint8))
        (copy.parent.parent / "SBD" / "cls" / f"{name}.mat").write_bytes(raw)
    with (copy / LISTS / "train.txt").open("a") as file:
        file.write("\n".join(tested[2:4]))
    splits = _split(copy, augmented=True)
    assert not set(splits.training.names + splits.validation.names) & set(tested)
    assert splits.about["scenes of val taken off the training list"] == 2


def test_sbds_images_may_lie_in_its_own_folder(copy: Path) -> None:
    sbd = copy.parent.parent / "SBD"
    (sbd / "img").mkdir()
    for path in sorted((copy / "JPEGImages").glob("sbd_*.jpg")):
        path.rename(sbd / "img" / path.name)
    assert _split(copy, augmented=True).training.images[-1].parent == sbd / "img"


def test_hidden_files_in_sbds_folder_are_no_masks(root: Path, copy: Path) -> None:
    """As a Mac leaves them: a ._x.mat for each x.mat, and a ._x.jpg for each x.jpg."""
    for folder in (copy.parent.parent / "SBD" / "cls", copy / "JPEGImages"):
        for path in list(folder.iterdir()):
            (folder / f"._{path.name}").write_bytes(b"\0\5\26\7" + bytes(60))
    for skip in (False, True):
        splits = _split(copy, augmented=True, skip=skip)
        assert splits.training.names == _split(root, augmented=True).training.names
        assert splits.broken == []


@pytest.mark.parametrize(
    ("jpeg", "png", "mat"), [(".JPG", ".PNG", ".MAT"), (".jpeg", ".png", ".Mat")]
)
def test_suffixes_may_be_written_in_any_way(
    root: Path, copy: Path, jpeg: str, png: str, mat: str
) -> None:
    sbd = copy.parent.parent / "SBD" / "cls"
    folders = ((copy / "JPEGImages", jpeg), (copy / "SegmentationClass", png), (sbd, mat))
    for folder, suffix in folders:
        for path in list(folder.iterdir()):
            path.rename(path.with_suffix(suffix))
    splits = _split(copy, augmented=True, skip=True)
    expected = _split(root, augmented=True)
    assert splits.training.names == expected.training.names
    np.testing.assert_array_equal(splits.training.sizes, expected.training.sizes)
    assert splits.broken == []


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_lists_may_have_marks_and_any_ends_of_lines(root: Path, copy: Path, encoding: str) -> None:
    for name in ("train", "val"):
        path = copy / LISTS / f"{name}.txt"
        path.write_bytes(path.read_text().replace("\n", "\r\n").encode(encoding))
    assert _split(copy).training.names == _split(root).training.names


def _no_tree(copy: Path) -> None:
    shutil.rmtree(copy / "JPEGImages")


def _no_list(copy: Path) -> None:
    (copy / LISTS / "val.txt").unlink()


def _empty_list(copy: Path) -> None:
    (copy / LISTS / "train.txt").write_text("\n")


def _binary_list(copy: Path) -> None:
    (copy / LISTS / "train.txt").write_bytes(b"\xff\xfe\x00")


def _three_words(copy: Path) -> None:
    # As the lists of Main/ that say whether a class occurs, with a name more.
    (copy / LISTS / "train.txt").write_text("train_000000 1 x\n")


def _image_missing(copy: Path) -> None:
    (copy / "JPEGImages" / "train_000003.jpg").unlink()


def _mask_missing(copy: Path) -> None:
    for name in ("train_000003", "train_000004"):
        (copy / "SegmentationClass" / f"{name}.png").unlink()


def _one_scene(copy: Path) -> None:
    (copy / LISTS / "train.txt").write_text("train_000000\n")


def _no_augmentation(copy: Path) -> None:
    shutil.rmtree(copy.parent.parent / "SBD")


def _nothing_new(copy: Path) -> None:
    shutil.copy(copy / LISTS / "train.txt", copy / LISTS / "trainaug.txt")


def _no_masks(copy: Path) -> None:
    for path in (copy.parent.parent / "SBD" / "cls").iterdir():
        path.unlink()


def _image_of_sbd_missing(copy: Path) -> None:
    (copy / "JPEGImages" / "sbd_000001.jpg").unlink()


def _other_image(copy: Path) -> None:
    with (copy / LISTS / "train.txt").open("a") as file:
        file.write("\nother/train_000000.jpg other/train_000000.png\n")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_nothing_new, r"trainaug\.txt has nothing that train and val don't have: unpack"),
        (_no_masks, r"SBD/cls has nothing that train and val don't have"),
        (_image_of_sbd_missing, r"sbd_000001\.jpg is missing, though .*SBD/cls names it"),
        (_other_image, r"train\.txt: a line above names another image train_000000; take one"),
        (_no_tree, "found no folder with JPEGImages/ and ImageSets/Segmentation/; unpack"),
        (_no_list, r"can't read the list .*val\.txt .*; unpack VOCtrainval"),
        (_empty_list, r"the list .*train\.txt is empty"),
        (_binary_list, r"can't read the list .*train\.txt"),
        (_three_words, r"line 1 of .*train\.txt: expected a name, or an image and its mask"),
        (
            _image_missing,
            r"image .*train_000003\.jpg is missing, .* 0 others\): restore it or take its name",
        ),
        (_mask_missing, r"mask .*train_000003\.png is missing, .* 1 others\)"),
        (_one_scene, "there are 1 training images; at least 2"),
        (_no_augmentation, r"needs ImageSets/Segmentation/trainaug\.txt .* or choose list=train"),
    ],
)
def test_what_is_missing_or_wrong_is_named(
    copy: Path, damage: Callable[[Path], None], message: str
) -> None:
    damage(copy)
    with pytest.raises(DataError, match=message):
        _split(copy.parent, augmented=True)


def _truncated(copy: Path) -> Path:
    path = copy / "JPEGImages" / "train_000003.jpg"
    path.write_bytes(path.read_bytes()[:300])
    return path


def _other_size(copy: Path) -> Path:
    path = copy / "SegmentationClass" / "train_000003.png"
    path.write_bytes(encoded(np.zeros((9, 7), dtype=np.uint8)))
    return path


def _class_21(copy: Path) -> Path:
    path = copy / "SegmentationClass" / "train_000003.png"
    with Image.open(path) as image:
        path.write_bytes(encoded(np.full((image.height, image.width), 21, dtype=np.uint8)))
    return path


def _resampled(copy: Path) -> Path:
    path = copy / "SegmentationClass" / "train_000003.png"
    with Image.open(path) as image:
        size = image.size
    noise = np.random.default_rng(0).integers(256, size=(size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(noise).save(path)
    return path


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_truncated, "can't be decoded"),
        (_other_size, r"has 7×9 pixels, but its image .*\.jpg has 3\d×3\d: restore both"),
        (_class_21, "has class 21 in"),
        (_resampled, "is saved as RGB, and"),
    ],
)
def test_a_broken_scene_is_named_or_left_out_and_listed(
    copy: Path, tmp_path: Path, damage: Callable[[Path], Path], message: str
) -> None:
    path = damage(copy)
    spec = TaskSpec("voc2012", data=str(copy), cache=str(tmp_path / "cache"))
    training = Voc2012.load(spec).training_batches(8, rng=np.random.default_rng(0))
    with pytest.raises(BrokenImageError, match=rf"{path.name}.*{message}"):
        list(training)
    for _ in range(2):  # the second time from the cache
        task = Voc2012.load(replace(spec, skip_broken=True))
        assert task.left_out() == ["train_000003"]
        assert task.facts()["images left out as broken"] == 1
        assert task.epoch_size + len(task.validation()) == COUNTS.training - 1


def _mat(content: dict[str, object]) -> bytes:
    raw = BytesIO()
    savemat(raw, content)
    return raw.getvalue()


def test_sbds_masks_are_read_as_they_were_written() -> None:
    mask = np.arange(12, dtype=np.uint8).reshape(3, 4)
    np.testing.assert_array_equal(read_sbd(sbd_file(mask), 21, "x.mat"), mask)
    one = np.array([[7]], dtype=np.uint8)
    np.testing.assert_array_equal(read_sbd(sbd_file(one), 21, "x.mat"), one)


FLAT = {"Segmentation": np.zeros((3, 4), dtype=np.uint8)}


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", r"x\.mat can't be read as a MATLAB 5 file"),
        (b"MATLAB 7.3 MAT-file, Platform".ljust(124) + b"\x00\x02IM" + bytes(400), "MATLAB 5 file"),
        (_mat({"GTinst": FLAT}), r"has no GTcls\.Segmentation \(it holds GTinst\): .*not inst"),
        (_mat({"GTcls": {"Boundaries": 1}}), r"has no GTcls\.Segmentation \(it holds GTcls\)"),
        (_mat({"GTcls": np.zeros((2, 2))}), r"has no GTcls\.Segmentation"),
        *(
            (
                _mat({"GTcls": {"Segmentation": np.ones((3, 4), kind)}}),
                rf"is {kind} of shape \(3, 4\)",
            )
            for kind in ("float64", "float32", "uint16", "int8", "bool")
        ),
        (sbd_file(np.full((3, 4), 30, dtype=np.uint8)), "class 30 in 12 pixels"),
    ],
)
def test_a_mat_of_another_form_is_refused(raw: bytes, message: str) -> None:
    with pytest.raises(BrokenImageError, match=message):
        read_sbd(raw, 21, "x.mat")


def test_generated_trees_have_what_is_awkward_about_vocs_own(root: Path) -> None:
    voc = root / "VOCdevkit" / "VOC2012"
    modes, sizes, classes, ringed = set(), set(), set(), 0
    for path in sorted((voc / "SegmentationClass").iterdir()):
        with Image.open(path) as stored:
            assert stored.mode == "P"
            palette = stored.getpalette()
            assert palette is not None
            np.testing.assert_array_equal(np.reshape(palette, (-1, 3)), COLOURS)
        mask = read_mask(path.read_bytes(), 11, path.name)
        with Image.open(voc / "JPEGImages" / f"{path.stem}.jpg") as image:
            modes.add(image.mode)
            assert image.size == mask.shape[::-1]
        sizes |= set(mask.shape)
        classes |= set(np.unique(mask).tolist())
        # No object touches the background without void in between.
        touching = (mask[:, :-1] == 0) & (mask[:, 1:] % 255 > 0)
        ringed += int(touching.sum() == 0)
    assert modes == {"RGB", "L"}
    assert any(side % 8 for side in sizes)
    assert {0, 255} < classes
    assert 10 not in classes  # nines never occur
    assert ringed == len(list((voc / "SegmentationClass").iterdir()))


def test_the_same_seed_writes_the_same_files(root: Path, tmp_path: Path) -> None:
    again = voc_tree(tmp_path / "again")
    paths = sorted(path.relative_to(root) for path in root.rglob("*") if path.is_file())
    assert paths == sorted(path.relative_to(again) for path in again.rglob("*") if path.is_file())
    for path in paths:
        assert (root / path).read_bytes() == (again / path).read_bytes()
