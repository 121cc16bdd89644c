import os
import shutil
import tarfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.io import savemat
from torchvision.datasets import ImageFolder
from torchvision.transforms import v2

from tasks.base import TaskSpec
from tasks.decoding import central_view, decoded, in_batches, window
from tasks.errors import BrokenImageError, DataError
from tasks.imagenet import labels
from tasks.imagenet.task import Files, ImageNet
from tasks.registry import load_task
from tasks.splits import spans
from tests.tasks.trees import (
    IDS,
    LAYOUTS,
    WNIDS,
    devkit_files,
    imagenet_files,
    imagenet_tree,
    jpeg,
    tar_of,
    write_files,
)


def _load(root: Path, **options: object) -> ImageNet:
    return ImageNet.load(TaskSpec("imagenet", data=str(root), **options))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def roots(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    base = tmp_path_factory.mktemp("imagenet")
    return {layout: imagenet_tree(base / layout, layout) for layout in LAYOUTS}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_holds_the_same_data(roots: dict[str, Path], layout: str) -> None:
    task, folders = _load(roots[layout]), _load(roots["folders"])
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
    task = _load(root)
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
    task = _load(roots["flat"])
    assert list(task.held_out()) == expected
    assert task.epoch_size == 24
    assert _load(roots["flat"], seed=1).held_out() == task.held_out()
    seeded = _load(roots["flat"], options=(("validation", "seeded"),))
    assert list(seeded.held_out()) != expected
    assert len(seeded.held_out()) == 6


def test_a_scan_is_kept_until_something_changes(
    roots: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, cache = tmp_path / "data", tmp_path / "cache"
    shutil.copytree(roots["flat"], root)
    first = _load(root, cache=str(cache)).facts()
    (index,) = (cache / "indices").iterdir()
    written = index.stat().st_mtime_ns
    with monkeypatch.context() as patch:
        patch.setattr("tasks.imagenet.layouts.Layout.index", None)  # not to be scanned again
        assert _load(root, cache=str(cache)).facts() == first
    assert index.stat().st_mtime_ns == written
    (root / "train" / WNIDS[0] / "another.JPEG").write_bytes(jpeg(5))
    assert _load(root, cache=str(cache)).facts()["training images"] == 25
    assert len(list((cache / "indices").iterdir())) == 2


def test_an_index_by_other_rules_is_not_believed(
    roots: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for rules in ("1", "2"):
        monkeypatch.setattr("tasks.imagenet.index._VERSION", rules)
        _load(roots["flat"], cache=str(tmp_path))
    assert len(list((tmp_path / "indices").iterdir())) == 2


def test_a_damaged_index_is_made_again(roots: dict[str, Path], tmp_path: Path) -> None:
    first = _load(roots["tars"], cache=str(tmp_path)).facts()
    (index,) = (tmp_path / "indices").iterdir()
    index.write_bytes(index.read_bytes()[:100])
    assert _load(roots["tars"], cache=str(tmp_path)).facts() == first


def test_data_that_fit_are_decoded_once(
    roots: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    split = _load(roots["folders"]).validation()
    lazy = torch.cat([images for images, _ in split.batches(4)])
    resident = torch.cat([images for images, _ in split.to("cpu").batches(4)])
    assert torch.equal(lazy, resident)
    monkeypatch.setattr("tasks.imagenet.task.spare_memory", lambda _: 0)
    assert type(split.to("cpu")) is type(split)


@pytest.mark.parametrize("mode", ["L", "CMYK", "RGB"])
def test_every_colour_mode_becomes_rgb(mode: str) -> None:
    image = decoded(jpeg(3, mode=mode), "x.JPEG")
    expected = Image.open(BytesIO(jpeg(3, mode=mode))).convert("RGB")
    assert image.mode == "RGB"
    assert image.tobytes() == expected.tobytes()


def test_a_rotation_in_exif_is_left_alone_as_in_image_folder() -> None:
    raw = BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6  # lies on its side
    Image.open(BytesIO(jpeg(3))).save(raw, "JPEG", exif=exif, quality=95)
    assert decoded(raw.getvalue(), "x.JPEG").size == (48, 40)


def test_windows_lie_inside_and_cover_what_torchvisions_do() -> None:
    rng = np.random.default_rng(0)
    boxes = np.array([window(500, 375, rng) for _ in range(2000)])
    left, top, right, bottom = boxes.T
    assert min(left.min(), top.min()) >= 0
    assert right.max() <= 500
    assert bottom.max() <= 375
    areas = (right - left) * (bottom - top) / (500 * 375)
    torch.manual_seed(0)
    theirs = []
    for _ in range(2000):
        _, _, height, width = (
            v2.RandomResizedCrop(224)
            .make_params([torch.zeros(3, 375, 500, dtype=torch.uint8)])
            .values()
        )
        theirs.append(height * width / (500 * 375))
    quantiles = np.linspace(0.1, 0.9, 5)
    np.testing.assert_allclose(
        np.quantile(areas, quantiles), np.quantile(theirs, quantiles), atol=0.04
    )


def test_a_very_long_image_gives_its_middle() -> None:
    assert window(1000, 10, np.random.default_rng(0)) == (493, 0, 506, 10)


@pytest.mark.parametrize(("width", "height"), [(500, 375), (375, 500), (48, 40), (300, 300)])
def test_central_views_are_torchvisions(width: int, height: int) -> None:
    image = decoded(jpeg(1, width=width, height=height), "x")
    transform = v2.Compose([v2.Resize(256), v2.CenterCrop(224), v2.PILToTensor()])
    np.testing.assert_array_equal(central_view(image, 224), transform(image).numpy())


@pytest.mark.parametrize("size", [1, 5, 16, 100])
def test_batches_come_in_order_however_they_are_made(size: int) -> None:
    def make(row: int) -> np.ndarray:
        return np.full((1, 1, 1), row, dtype=np.uint8)

    found = [batch.flatten().tolist() for batch in in_batches(make, spans(37, size))]
    assert [row for batch in found for row in batch] == list(range(37))
    assert {len(batch) for batch in found[:-1]} <= {size}


def test_a_truncated_jpeg_is_named_or_left_out_and_listed(
    roots: dict[str, Path], tmp_path: Path
) -> None:
    root = tmp_path / "data"
    shutil.copytree(roots["folders"], root)
    victim = root / "train" / WNIDS[1] / f"{WNIDS[1]}_7.JPEG"
    victim.write_bytes(victim.read_bytes()[:400])
    with pytest.raises(BrokenImageError, match=rf"{victim.name} can't be decoded .*--skip-broken"):
        list(_load(root).training_batches(8, rng=np.random.default_rng(0)))
    task = _load(root, skip_broken=True)
    assert task.facts()["images left out as broken"] == 1
    assert task.left_out() == [f"{WNIDS[1]}/{victim.name}"]
    trained = sum(len(rows) for _, rows in task.training_batches(8, rng=np.random.default_rng(0)))
    assert trained + len(task.validation()) == 29


def test_an_image_restored_in_place_asks_for_another_index(
    roots: dict[str, Path], tmp_path: Path
) -> None:
    """Its folder looks the same, so an earlier scan, with its size of then, is still in use."""
    root, cache = tmp_path / "data", str(tmp_path / "cache")
    shutil.copytree(roots["folders"], root)
    victim = root / "train" / WNIDS[1] / f"{WNIDS[1]}_7.JPEG"
    whole = victim.read_bytes()
    victim.write_bytes(whole[:400])
    _load(root, cache=cache)
    victim.write_bytes(whole)
    with pytest.raises(DataError, match=r"had 400 when its folder was indexed: `touch .*`"):
        list(_load(root, cache=cache).training_batches(8, rng=np.random.default_rng(0)))
    os.utime(victim.parent)
    assert list(_load(root, cache=cache).training_batches(8, rng=np.random.default_rng(0)))


def test_a_broken_image_in_a_tar_is_named_with_its_tar(tmp_path: Path) -> None:
    root = imagenet_tree(tmp_path / "data", "tars")
    raw = (root / "ILSVRC2012_img_val.tar").read_bytes()
    start = raw.index(imagenet_files()[1][0][2])
    (root / "ILSVRC2012_img_val.tar").write_bytes(raw[:start] + b"x" * 100 + raw[start + 100 :])
    with pytest.raises(BrokenImageError, match=r"val_00000001.JPEG in .*ILSVRC2012_img_val\.tar"):
        list(_load(root).test().batches(10))


TRUTH = [IDS[wnid] for _, wnid, _ in imagenet_files()[1]]


def _kit(root: Path) -> Path:
    return root / "ILSVRC2012_devkit_t12" / "data"


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
    shutil.rmtree(_kit(root))
    _kit(root).parent.rmdir()


def _short_list(root: Path) -> None:
    write_files(_kit(root), devkit_files(TRUTH[:-1]))


def _out_of_range(root: Path) -> None:
    write_files(_kit(root), devkit_files([*TRUTH[:-1], 7]))


def _no_meta(root: Path) -> None:
    (_kit(root) / "meta.mat").unlink()


def _no_classes(root: Path) -> None:
    rows = np.array(
        [(1, "n1", 2)], dtype=[(name, "O") for name in ("ILSVRC2012_ID", "WNID", "num_children")]
    )
    savemat(_kit(root) / "meta.mat", {"synsets": rows})


def _damaged_meta(root: Path) -> None:
    (_kit(root) / "meta.mat").write_bytes(b"MATLAB?")


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


PARTS = "ILSVRC/Data/CLS-LOC"


@pytest.mark.parametrize("given", ["", "ILSVRC", "ILSVRC/Data", PARTS])
@pytest.mark.parametrize("place", ["", "ILSVRC", PARTS, f"{PARTS}/val"])
def test_kaggles_list_is_found_wherever_it_usually_lies(
    roots: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str, place: str
) -> None:
    root = tmp_path / "data"
    shutil.copytree(roots["kaggle"], root)
    (root / "LOC_val_solution.csv").rename(root / place / "LOC_val_solution.csv")
    facts = _load(roots["folders"]).facts()
    assert _load(root / given).facts() == facts
    monkeypatch.chdir(root / given)
    assert _load(Path()).facts() == facts


def test_where_kaggles_list_may_go_is_said_by_folder(
    roots: dict[str, Path], tmp_path: Path
) -> None:
    root = tmp_path / "data"
    shutil.copytree(roots["kaggle"], root)
    (root / "LOC_val_solution.csv").unlink()
    parts = root / PARTS
    places = ", ".join(
        map(str, (parts, parts / "val", root, root / "ILSVRC/Data", root / "ILSVRC"))
    )
    with pytest.raises(DataError, match=rf"into {parts}; no such list is in {places}$"):
        _load(root)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_lists_may_have_marks_and_any_ends_of_lines(
    roots: dict[str, Path], tmp_path: Path, encoding: str
) -> None:
    root = tmp_path / "data"
    shutil.copytree(roots["kaggle"], root)
    path = root / "LOC_val_solution.csv"
    heading, *lines = path.read_text().splitlines()
    for text in ([heading, *lines], lines):
        path.write_bytes("\r\n".join(text).encode(encoding))
        assert _load(root).facts() == _load(roots["folders"]).facts()
    flat = tmp_path / "flat"
    shutil.copytree(roots["flat"], flat)
    path = _kit(flat) / "ILSVRC2012_validation_ground_truth.txt"
    path.write_bytes(path.read_text().replace("\n", "\r\n").encode(encoding))
    assert _load(flat).facts() == _load(roots["folders"]).facts()


def test_hidden_members_of_archives_are_no_data(tmp_path: Path) -> None:
    """As a Mac packs them: a ._x for each x, and paths that begin with a dot."""
    root = imagenet_tree(tmp_path / "data", "tars")
    expected = _load(root).facts()
    training, validation = imagenet_files()

    def packed(files: dict[str, bytes]) -> bytes:
        more = {f"./._{name}": b"\0\5\26\7" for name in files}
        previews = {f"@eaDir/{name}": b"preview" for name in files}
        return tar_of(more | previews | {f"./{name}": raw for name, raw in files.items()})

    classes = {f"{wnid}.tar": packed(files) for wnid, files in training.items()}
    (root / "ILSVRC2012_img_train.tar").write_bytes(packed(classes))
    (root / "ILSVRC2012_img_val.tar").write_bytes(packed({n: raw for n, _, raw in validation}))
    kit = {f"./ILSVRC2012_devkit_t12/data/{name}": raw for name, raw in devkit_files().items()}
    litter = {"./._ILSVRC2012_devkit_t12": b"\0\5\26\7"}
    (root / "ILSVRC2012_devkit_t12.tar.gz").write_bytes(tar_of(litter | kit, "w:gz"))
    assert _load(root).facts() == expected


def test_an_archive_with_a_name_twice_is_refused(tmp_path: Path) -> None:
    root = imagenet_tree(tmp_path / "data", "tars")
    training, validation = imagenet_files()
    twice = {f"{folder}/{name}": raw for folder in "ab" for name, _, raw in validation}
    (root / "ILSVRC2012_img_val.tar").write_bytes(tar_of(twice))
    with pytest.raises(DataError, match=r"val\.tar holds ILSVRC2012_val_00000001\.JPEG twice"):
        _load(root)
    classes = {f"{folder}/{wnid}.tar": tar_of(training[wnid]) for folder in "ab" for wnid in WNIDS}
    (root / "ILSVRC2012_img_train.tar").write_bytes(tar_of(classes))
    with pytest.raises(DataError, match=rf"train\.tar is no intact tar \(it holds {WNIDS[0]}\.tar"):
        _load(root)


def test_an_image_to_train_on_is_not_tested_on(roots: dict[str, Path], tmp_path: Path) -> None:
    root = tmp_path / "data"
    shutil.copytree(roots["folders"], root)
    name = f"{WNIDS[1]}/{WNIDS[1]}_7.JPEG"
    raw = (root / "train" / name).read_bytes()
    (root / "val" / name).write_bytes(bytes(len(raw)))  # the name alone says nothing
    assert len(_load(root).test()) == 7
    (root / "val" / name).write_bytes(raw)
    with pytest.raises(DataError, match=rf"{name} lies in .*train and, byte by byte the same, in"):
        _load(root)


@pytest.mark.parametrize("suffix", [".jpg", ".JPG", ".jpeg", ".PNG"])
def test_suffixes_may_be_written_in_any_way(
    roots: dict[str, Path], tmp_path: Path, suffix: str
) -> None:
    root = tmp_path / "data"
    shutil.copytree(roots["flat"], root)
    for path in list(root.rglob("*.JPEG")):
        path.rename(path.with_suffix(suffix))
    task, expected = _load(root), _load(roots["flat"])
    assert (task.epoch_size, len(task.test())) == (expected.epoch_size, len(expected.test()))
    ((images, targets),) = task.test().batches(10)
    ((same, classes),) = expected.test().batches(10)
    assert torch.equal(images, same)
    assert torch.equal(targets, classes)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (slice(0, 4), "has no line `ILSVRC2012_val_0000000.*: take the archive's own list"),
        (slice(0, 0), r"has no line .* \(nor for 5 others\)"),
    ],
)
def test_kaggles_list_must_fit_its_images(
    roots: dict[str, Path], tmp_path: Path, lines: slice, message: str
) -> None:
    root = tmp_path / "data"
    shutil.copytree(roots["kaggle"], root)
    path = root / "LOC_val_solution.csv"
    path.write_text("\n".join(path.read_text().splitlines()[lines]))
    with pytest.raises(DataError, match=message):
        _load(root)


@pytest.mark.parametrize("name", ["ILSVRC2012_img_train.tar", "ILSVRC2012_img_val.tar"])
def test_a_truncated_tar_is_named(tmp_path: Path, name: str) -> None:
    root = imagenet_tree(tmp_path / "data", "tars")
    raw = (root / name).read_bytes()
    (root / name).write_bytes(raw[: len(raw) // 2 + 100])
    with pytest.raises(DataError, match=rf"{name} is no intact tar"):
        _load(root)


@pytest.mark.hostile
def test_a_meta_bin_with_code_in_it_is_not_executed(tmp_path: Path) -> None:
    root = imagenet_tree(tmp_path / "data", "meta.bin")
    torch.save(print, root / "meta.bin")
    with pytest.raises(DataError, match=r"meta\.bin is not torchvision's"):
        _load(root)


@pytest.mark.hostile
def test_paths_in_archives_stay_inside_and_links_are_not_followed(tmp_path: Path) -> None:
    # Members are read in place; a path is a name for reports and nothing else.
    root = imagenet_tree(tmp_path / "data", "tars")
    _, validation = imagenet_files()
    link = tarfile.TarInfo("linked.JPEG")
    link.type, link.linkname = tarfile.SYMTYPE, f"../{validation[0][0]}"
    with tarfile.open(root / "ILSVRC2012_img_val.tar", "w:") as archive:
        archive.addfile(link)
        for file, _, raw in validation:
            member = tarfile.TarInfo(f"../{file}")
            member.size = len(raw)
            archive.addfile(member, BytesIO(raw))
    task = _load(root)
    assert len(task.test()) == 6
    test = task.test()
    assert isinstance(test, Files)
    assert not any(".." in path for path in test.images.paths)
    assert not any(".." in name for name in test.images.names)
    assert sorted(tmp_path.iterdir()) == [root]


@pytest.mark.hostile
def test_an_archive_of_archives_follows_no_link(tmp_path: Path) -> None:
    root = imagenet_tree(tmp_path / "data", "tars")
    expected = _load(root).facts()
    link = tarfile.TarInfo("n03000000.tar")
    link.type, link.linkname = tarfile.SYMTYPE, f"{WNIDS[0]}.tar"
    with tarfile.open(root / "ILSVRC2012_img_train.tar", "a:") as archive:
        archive.addfile(link)
    assert _load(root).facts() == expected


@pytest.mark.hostile
@pytest.mark.parametrize("name", ["ILSVRC2012_img_train.tar", "ILSVRC2012_img_val.tar"])
def test_a_member_has_no_more_bytes_than_its_archive(tmp_path: Path, name: str) -> None:
    root = imagenet_tree(tmp_path / "data", "tars")
    member = tarfile.TarInfo("last.JPEG")
    member.size = 20_000
    with tarfile.open(root / name, "a:") as archive:
        archive.addfile(member)  # a header alone
    with pytest.raises(DataError, match=rf"{name} .*last\.JPEG' would have 20,000 bytes, where"):
        _load(root)


@pytest.mark.hostile
def test_a_devkit_is_unpacked_up_to_a_limit(
    roots: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(labels, "_LARGEST", 1000)
    with pytest.raises(DataError, match=r"no intact devkit \(the member '.*meta\.mat' would have"):
        _load(roots["tars"])


@pytest.mark.hostile
@pytest.mark.parametrize("kind", ["BMP", "GIF", "PPM", "TIFF", "WEBP"])
def test_only_jpeg_and_png_are_opened_whatever_the_file_is_called(kind: str) -> None:
    # Some of Pillow's formats start other programs.
    raw = BytesIO()
    Image.new("RGB", (4, 4)).save(raw, kind)
    with pytest.raises(BrokenImageError, match="cannot identify image file"):
        decoded(raw.getvalue(), "x.JPEG")
