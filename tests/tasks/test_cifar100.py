import pickle
import tempfile
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torchvision.transforms import v2

from tasks import cifar_files
from tasks.base import TaskSpec
from tasks.cifar100 import Cifar100
from tasks.cifar_files import CifarFiles
from tasks.errors import DataError
from tasks.pixels import Normalisation, cropped, cut_by_torch, padded
from tasks.stored_images import StoredImages
from tests.tasks.trees import cifar_content, cifar_tree, write_pickle


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return cifar_tree(tmp_path_factory.mktemp("cifar"))


@pytest.fixture
def files(tmp_path: Path) -> CifarFiles:
    """A folder whose files are to be written."""
    for name in ("train", "test", "meta"):
        (tmp_path / name).touch()
    return CifarFiles(tmp_path)


def _cifar100(root: Path, **options: str) -> StoredImages:
    return Cifar100.load(TaskSpec("cifar100", data=str(root), options=tuple(options.items())))


@pytest.fixture(scope="module")
def task(root: Path) -> StoredImages:
    return _cifar100(root)


def test_a_fifth_of_each_class_is_held_out_and_the_rest_trained_on(task: StoredImages) -> None:
    assert np.bincount(task.validation().strata()).tolist() == [2] * 100
    assert task.epoch_size == 800
    labels = cifar_content(10, 1)["fine_labels"]
    held = [int(name.removeprefix("train ")) for name in task.held_out()]
    assert [labels[row] for row in held] == task.validation().strata().tolist()


def test_pixels_are_channels_of_rows_normalised_as_the_papers_authors_do(
    root: Path, task: StoredImages
) -> None:
    content = cifar_content(2, 2)
    image = content["data"][0].reshape(3, 32, 32)
    mean, std = np.array([0.4914, 0.4822, 0.4465]), np.array([0.2023, 0.1994, 0.2010])
    expected = (image / 255 - mean[:, None, None]) / std[:, None, None]
    ((first, _),) = task.test().head(1).batches(1)
    np.testing.assert_allclose(first[0].numpy(), expected, atol=1e-5)
    own = _cifar100(root, normalisation="own")
    ((other, _),) = own.test().head(1).batches(1)
    again = other[0, 2].numpy() * 0.2762 + 0.4409
    np.testing.assert_allclose(again * 255, image[2], atol=1e-3)


def test_without_augmentation_an_epoch_is_the_training_images_in_another_order(
    root: Path, task: StoredImages
) -> None:
    plain = _cifar100(root, augmentation="none")
    batches = plain.training_batches(1000, rng=np.random.default_rng(0))
    ((images, targets),) = batches
    held = {int(name.removeprefix("train ")) for name in task.held_out()}
    content = cifar_content(10, 1)
    pixels = torch.from_numpy(content["data"]).view(-1, 3, 32, 32)
    normalise = Normalisation((0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010))
    kept = [row for row in range(1000) if row not in held]
    expected = {
        (normalise(pixels[row : row + 1]).numpy().tobytes(), content["fine_labels"][row])
        for row in kept
    }
    found = {
        (image.numpy().tobytes(), target)
        for image, target in zip(images, targets.tolist(), strict=True)
    }
    assert found == expected


@pytest.mark.parametrize("cut_by", [cropped, cut_by_torch])
def test_windows_are_torchvisions_pad_crop_and_flip(cut_by: Callable[..., torch.Tensor]) -> None:
    rng = np.random.default_rng(0)
    pixels = torch.from_numpy(rng.integers(256, size=(5, 3, 8, 6), dtype=np.uint8))
    rows = torch.tensor([4, 0, 2, 0])
    corners = torch.tensor([[0, 0], [4, 4], [1, 3], [2, 0]])
    flips = torch.tensor([False, True, True, False])
    cut = cut_by(padded(pixels, 2), rows, corners, flips, (8, 6))
    for window, row, (top, left), flip in zip(cut, rows, corners, flips, strict=True):
        expected = v2.functional.crop(
            v2.functional.pad(pixels[row], [2]), int(top), int(left), 8, 6
        )
        if flip:
            expected = v2.functional.horizontal_flip(expected)
        assert torch.equal(window, expected)


@pytest.mark.parametrize(
    ("augmentation", "rows", "columns"),
    [
        # Column 12 is column 19 of a mirrored image; a border of 4 moves both by ±4.
        ("crop-flip", set(range(6, 15)), set(range(8, 24))),
        ("flip", {10}, {12, 19}),
        ("none", {10}, {12}),
    ],
)
def test_every_window_is_drawn_about_as_often(
    tmp_path: Path, augmentation: str, rows: set[int], columns: set[int]
) -> None:
    # One bright pixel tells where an image was cut and whether it was mirrored.
    root = cifar_tree(tmp_path)
    content = cifar_content(10, 1)
    content["data"] = np.zeros((1000, 3, 32, 32), dtype=np.uint8)
    content["data"][:, 0, 10, 12] = 255
    content["data"] = content["data"].reshape(1000, 3072)
    write_pickle(root / "cifar-100-python" / "train", content)
    task = _cifar100(root, augmentation=augmentation)
    seen: dict[int, int] = {}
    rng = np.random.default_rng(0)
    for _ in range(25):  # epochs of 800
        for images, _ in task.training_batches(800, rng=rng):
            for place in images[:, 0].flatten(1).argmax(dim=1).tolist():
                seen[place] = seen.get(place, 0) + 1
    places = {(row, column) for row in rows for column in columns}
    assert {divmod(place, 32) for place in seen} == places
    # 20,000 draws of equally likely outcomes; two of them, mirrored or not, share columns 15, 16.
    outcomes = 2 * 81 if augmentation == "crop-flip" else len(places)
    mean = 20_000 / outcomes
    single = [seen[row * 32 + column] for row, column in places if column not in (15, 16)]
    assert min(single) > mean - 5 * mean**0.5
    assert max(single) < mean + 5 * mean**0.5


def test_what_differs_from_the_published_files_is_reported(task: StoredImages) -> None:
    facts = task.facts()
    assert facts["files that differ from the published ones"] == "meta, train, test"
    assert facts["training images"] == 800


def test_another_pixel_is_another_fingerprint(tmp_path: Path, task: StoredImages) -> None:
    root = cifar_tree(tmp_path)
    content = cifar_content(10, 1)
    content["data"][5, 7] ^= 1
    write_pickle(root / "cifar-100-python" / "train", content)
    assert _cifar100(root).facts()["fingerprint"] != task.facts()["fingerprint"]


def test_the_folder_itself_may_be_named(root: Path, task: StoredImages) -> None:
    there = _cifar100(root / "cifar-100-python")
    assert there.facts() == task.facts()


Content = dict[str, Any]


def _written(content: Content) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        write_pickle(path := Path(folder, "file"), content)
        return path.read_bytes()


def _in_bytes(content: Content) -> dict[bytes, Any]:
    """As `pickle.load(file, encoding="bytes")` gives what Python 2 wrote."""
    names = [name.encode() for name in content["filenames"]]
    return {key.encode(): value for key, value in (content | {"filenames": names}).items()}


def _with_labels(made_from: Callable[[list[int]], object]) -> Callable[[Content], bytes]:
    return lambda content: pickle.dumps(
        content | {"fine_labels": made_from(content["fine_labels"])}
    )


def _with_data(
    made_from: Callable[[np.ndarray], object], protocol: int = 4
) -> Callable[[Content], bytes]:
    return lambda content: pickle.dumps(
        content | {"data": made_from(content["data"])}, protocol=protocol
    )


def _channels_last(data: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(data.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1))


def _in_a_file(data: np.ndarray) -> np.ndarray:
    with tempfile.TemporaryFile() as file:
        mapped = np.memmap(file, np.uint8, "w+", shape=data.shape)
        mapped[:] = data
        return mapped


WRITERS: dict[str, Callable[[Content], bytes]] = {
    "Python 2 with NumPy 1": _written,
    **{f"protocol {n}": partial(pickle.dumps, protocol=n) for n in (2, 3, 4, 5)},
    "protocol 3 with NumPy 1": lambda content: pickle.dumps(content, protocol=3).replace(
        b"cnumpy._core.", b"cnumpy.core."
    ),
    "bytes, protocol 2": lambda content: pickle.dumps(_in_bytes(content), protocol=2),
    "bytes, protocol 4": lambda content: pickle.dumps(_in_bytes(content), protocol=4),
    "labels in an array": _with_labels(np.array),
    "labels in an array of bytes": _with_labels(lambda labels: np.array(labels, np.uint8)),
    "labels, most significant byte first": _with_labels(lambda labels: np.array(labels, ">i4")),
    "labels as NumPy's numbers": _with_labels(lambda labels: list(np.array(labels))),
    "labels as floats": _with_labels(lambda labels: np.array(labels, np.float64)),
    "labels as Python's floats": _with_labels(lambda labels: [float(label) for label in labels]),
    "labels in a tuple": _with_labels(tuple),
    "images by columns": _with_data(np.asfortranarray),
    "images by columns, protocol 5": _with_data(np.asfortranarray, 5),
    "images in four axes": _with_data(lambda data: data.reshape(-1, 3, 32, 32)),
    "channels last": _with_data(_channels_last),
    "a view of channels last": _with_data(
        lambda data: _channels_last(data).transpose(0, 3, 1, 2), 5
    ),
    "a list of rows": _with_data(list),
    "a list of images": _with_data(lambda data: list(_channels_last(data))),
    "a list of rows as bytes": _with_data(lambda data: [row.tobytes() for row in data]),
    "bytes": _with_data(lambda data: data.tobytes()),
    "whole numbers of 64 bits": _with_data(lambda data: data.astype(np.int64)),
    "floats": _with_data(lambda data: data.astype(np.float32)),
    "an array that lies in a file": _with_data(_in_a_file),
}


@pytest.mark.parametrize("writer", WRITERS)
def test_whoever_wrote_a_file_it_is_read_as_the_original(writer: str, files: CifarFiles) -> None:
    content = cifar_content(2, 2)
    (files.folder / "train").write_bytes(WRITERS[writer](content))
    found = files.images("train")
    assert found.pixels.dtype == torch.uint8
    np.testing.assert_array_equal(found.pixels.numpy().reshape(-1, 3072), content["data"])
    np.testing.assert_array_equal(found.labels, content["fine_labels"])


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("kind", [list, tuple, lambda names: [name.encode() for name in names]])
def test_names_of_classes_are_read_whoever_wrote_them(
    protocol: int, kind: Callable[[list[str]], object], files: CifarFiles
) -> None:
    names = [f"fine {number}" for number in range(100)]
    content = {"fine_label_names": kind(names)}
    (files.folder / "meta").write_bytes(pickle.dumps(content, protocol))
    assert files.names() == names


class Printing:
    """Prints when an unpickler makes it."""

    def __reduce__(self) -> tuple[Any, ...]:
        return print, ("made",)


def _frame(values: object, kind: str) -> object:
    return getattr(pytest.importorskip("pandas"), kind)(values)


def _without(key: str) -> Content:
    return {name: value for name, value in cifar_content(2, 1).items() if name != key}


def _changed(**changes: Any) -> Content:
    return cifar_content(2, 1) | changes


LABELS = cifar_content(2, 1)["fine_labels"]
IMAGES = cifar_content(2, 1)["data"]

REFUSED: list[tuple[Callable[[], object], str]] = [
    (lambda: [1, 2], "expected a dict, found list"),
    (lambda: OrderedDict(a=1), r"to a collections\.OrderedDict, which is no dict"),
    (lambda: _frame({"a": [1]}, "DataFrame"), r"expected a dict, found pandas.*\.DataFrame"),
    (
        lambda: _without("data"),
        "expected `data`, found batch_label, coarse_labels, filenames, fine",
    ),
    (
        lambda: _without("fine_labels"),
        "expected `fine_labels`, found batch_label, coarse_labels, d",
    ),
    (dict, "expected `fine_labels`, found nothing"),
    (lambda: {"labels": LABELS, "data": IMAGES}, "it is CIFAR10's, or saved in its form"),
    (
        lambda: _changed(data=torch.from_numpy(IMAGES)),
        r"\.numpy\(\) .* found torch\._utils\._rebuild",
    ),
    (
        lambda: _changed(data=_frame(IMAGES, "DataFrame")),
        r"\.to_numpy\(\) .* found pandas.*DataFrame",
    ),
    (lambda: _changed(data=None), "expected `data` as an array of NumPy's.* found NoneType"),
    (lambda: _changed(data=[[1, 2], [3, 4]]), "expected `data` as an array .* found list"),
    (lambda: _changed(data=[Printing()]), r"expected `data` as an array .* found .*\.print"),
    (lambda: _changed(data=np.array([[None]])), "found an array of list"),
    (lambda: _changed(data=[IMAGES[0], IMAGES[0, :9]]), "a list of 2 arrays, of several shapes"),
    (lambda: _changed(data=[]), "a list of 0 arrays"),
    (lambda: _changed(data=IMAGES[:, :784]), r"3, 32, 32\) or .*, found \(200, 784\)"),
    (lambda: _changed(data=IMAGES.T), r"found \(3072, 200\)"),
    (lambda: _changed(data=IMAGES.tobytes()[:-1]), r"found \(614399,\)"),
    (
        lambda: _changed(data=IMAGES / 255),
        r"`data` as whole .* 0 to 255, found float64 from 0\.0 to 1\.0",
    ),
    (lambda: _changed(data=IMAGES + np.nan), "found float64 from nan to nan"),
    (lambda: _changed(data=IMAGES + np.int16(1)), "found int16 from 1 to 256"),
    (lambda: _changed(data=IMAGES.view(np.int8)), "found int8 from -128 to 127"),
    (lambda: _changed(data=IMAGES > 9), r"found numbers of type \|b1"),
    (
        lambda: _changed(fine_labels=_frame(LABELS, "Series")),
        "or an array of NumPy's: found pandas",
    ),
    (lambda: _changed(fine_labels=torch.tensor(LABELS)), r"of NumPy's: found torch\._utils"),
    (
        lambda: _changed(fine_labels=[str(label) for label in LABELS]),
        "whole numbers, .*: found str",
    ),
    (lambda: _changed(fine_labels=[True, *LABELS[1:]]), "whole numbers, .*: found bool"),
    (lambda: _changed(fine_labels=np.array(LABELS)[:, None]), r"shape \(n,\), found \(200, 1\)"),
    (
        lambda: _changed(fine_labels=list(np.array(LABELS)[:, None])),
        r"array of shape \(1,\) in a list",
    ),
    (lambda: _changed(fine_labels=LABELS[:-1]), "199 labels for 200 images"),
    (lambda: _changed(fine_labels=[100, *LABELS[1:]]), "0 to 99, found int64 from 0 to 100"),
    (lambda: _changed(fine_labels=[-1, *LABELS[1:]]), "0 to 99, found int64 from -1 to 99"),
    (lambda: _changed(fine_labels=[0.5, *LABELS[1:]]), "0 to 99, found float64 from 0.0 to 99.0"),
    (lambda: _changed(fine_labels=[0] * 200), "class 1 has no image"),
    (lambda: _changed(fine_labels=[], data=IMAGES[:0]), "class 0 has no image"),
]


@pytest.mark.parametrize(("make", "message"), REFUSED, ids=[message for _, message in REFUSED])
def test_a_file_that_says_something_else_is_named_with_what_it_says(
    files: CifarFiles, make: Callable[[], object], message: str
) -> None:
    (files.folder / "train").write_bytes(pickle.dumps(make()))
    with pytest.raises(DataError, match=rf"train is not CIFAR100's: .*{message}") as error:
        files.images("train")
    assert "\n" not in str(error.value)
    assert str(error.value).endswith(
        "unpack cifar-100-python.tar.gz again (its md5 begins with eb9058c3)"
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"label_names": ["airplane"]}, "it is CIFAR10's, or saved in its form"),
        ({"fine_label_names": "apple"}, "expected `fine_label_names` as a list, found str"),
        ({"fine_label_names": ["apple"]}, "expected 100 `fine_label_names`, found 1"),
        ({"fine_label_names": [()] * 100}, "expected texts as `fine_label_names`, found tuple"),
        (
            {"fine_label_names": np.array(["apple"] * 100)},
            r"expected `fine_label_names` as a list, found numpy\.ndarray",
        ),
    ],
)
def test_names_of_another_form_are_refused(
    files: CifarFiles, content: Content, message: str
) -> None:
    (files.folder / "meta").write_bytes(pickle.dumps(content, protocol=4))
    with pytest.raises(DataError, match=rf"meta is not CIFAR100's: {message}"):
        files.names()


@pytest.mark.parametrize("keep", [0, 10, 1000])
def test_a_truncated_file_is_named(tmp_path: Path, keep: int) -> None:
    root = cifar_tree(tmp_path)
    path = root / "cifar-100-python" / "test"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(DataError, match=r"test is not CIFAR100's: .*unpack .* again"):
        _cifar100(root)


@pytest.mark.hostile
def test_a_file_runs_nothing(files: CifarFiles, capsys: pytest.CaptureFixture[str]) -> None:
    (files.folder / "train").write_bytes(_written(_changed(filenames=[Printing()])))
    assert len(files.images("train").labels) == 200
    assert capsys.readouterr().out == ""


@pytest.mark.hostile
def test_a_file_larger_than_any_of_the_kind_is_not_read(
    files: CifarFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    (files.folder / "test").write_bytes(bytes(101))
    monkeypatch.setattr(cifar_files, "_LARGEST", 100)
    with pytest.raises(DataError, match=r"test is not CIFAR100's: it has 101 bytes, more than 100"):
        files.images("test")


@pytest.mark.hostile
def test_a_list_has_no_more_numbers_than_its_file(files: CifarFiles) -> None:
    (files.folder / "train").write_bytes(pickle.dumps(_changed(data=[IMAGES[0]] * 200)))
    with pytest.raises(DataError, match="found a list with more numbers than the file has"):
        files.images("train")


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("cifar-10-batches-py/data_batch_1", r"CIFAR10 \(cifar-10-batches-py\)"),
        ("data_batch_1", "CIFAR10"),
        ("train.bin", "the binary version"),
        ("cifar-100-binary/train.bin", "the binary version"),
        ("train.mat", "the version for MATLAB"),
        ("cifar-100-matlab/train.mat", "the version for MATLAB"),
        ("cifar-100-python.tar.gz", "the archive, still to be unpacked"),
        ("else", "none"),
    ],
)
def test_what_lies_in_the_place_of_the_files_is_named(
    tmp_path: Path, name: str, found: str
) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).touch()
    with pytest.raises(
        DataError, match=rf"expected CIFAR100's file .*train, found {found}.*: give"
    ):
        CifarFiles(tmp_path)


def test_a_missing_file_is_named_with_what_was_expected(tmp_path: Path) -> None:
    root = cifar_tree(tmp_path)
    (root / "cifar-100-python" / "meta").unlink()
    with pytest.raises(DataError, match=r"expected CIFAR100's file .*meta, found none"):
        _cifar100(root)
