import pickle
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torchvision.transforms import v2

from tasks.base import TaskSpec
from tasks.cifar100 import Cifar100
from tasks.cifar_files import ArraysOnly, CifarFiles
from tasks.errors import DataError
from tasks.pixels import Normalisation, cropped, cut_by_torch, padded
from tests.tasks.trees import cifar_content, cifar_tree, write_pickle


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return cifar_tree(tmp_path_factory.mktemp("cifar"))


@pytest.fixture(scope="module")
def task(root: Path) -> Cifar100:
    return Cifar100(CifarFiles(root))


def test_a_fifth_of_each_class_is_held_out_and_the_rest_trained_on(task: Cifar100) -> None:
    assert np.bincount(task.validation().strata()).tolist() == [2] * 100
    assert task.epoch_size == 800
    labels = cifar_content(10, 1)["fine_labels"]
    held = [int(name.removeprefix("train ")) for name in task.held_out()]
    assert [labels[row] for row in held] == task.validation().strata().tolist()


def test_pixels_are_channels_of_rows_normalised_as_the_papers_authors_do(
    root: Path, task: Cifar100
) -> None:
    content = cifar_content(2, 2)
    image = content["data"][0].reshape(3, 32, 32)
    mean, std = np.array([0.4914, 0.4822, 0.4465]), np.array([0.2023, 0.1994, 0.2010])
    expected = (image / 255 - mean[:, None, None]) / std[:, None, None]
    ((first, _),) = task.test().head(1).batches(1)
    np.testing.assert_allclose(first[0].numpy(), expected, atol=1e-5)
    own = Cifar100(CifarFiles(root), normalisation="own")
    ((other, _),) = own.test().head(1).batches(1)
    again = other[0, 2].numpy() * 0.2762 + 0.4409
    np.testing.assert_allclose(again * 255, image[2], atol=1e-3)


def test_without_augmentation_an_epoch_is_the_training_images_in_another_order(
    root: Path, task: Cifar100
) -> None:
    plain = Cifar100(CifarFiles(root), augmentation="none")
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
    task = Cifar100(CifarFiles(root), augmentation=augmentation)
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


def test_what_differs_from_the_published_files_is_reported(task: Cifar100) -> None:
    facts = task.facts()
    assert facts["files that differ from the published ones"] == "meta, train, test"
    assert facts["training images"] == 800


def test_another_pixel_is_another_fingerprint(tmp_path: Path, task: Cifar100) -> None:
    root = cifar_tree(tmp_path)
    content = cifar_content(10, 1)
    content["data"][5, 7] ^= 1
    write_pickle(root / "cifar-100-python" / "train", content)
    assert Cifar100(CifarFiles(root)).facts()["fingerprint"] != task.facts()["fingerprint"]


def test_the_folder_itself_may_be_named(root: Path, task: Cifar100) -> None:
    there = Cifar100(CifarFiles(root / "cifar-100-python"))
    assert there.facts() == task.facts()


def test_pickles_of_numpy_2_are_read_too(tmp_path: Path, task: Cifar100) -> None:
    root = cifar_tree(tmp_path)
    for name, seed, per_class in (("train", 1, 10), ("test", 2, 2)):
        raw = pickle.dumps(cifar_content(per_class, seed), protocol=2)
        assert b"numpy._core.multiarray" in raw
        assert b"_codecs" in raw
        (root / "cifar-100-python" / name).write_bytes(raw)
    assert Cifar100(CifarFiles(root)).facts()["fingerprint"] == task.facts()["fingerprint"]


class Attack:
    def __reduce__(self) -> tuple[Any, ...]:
        return (exec, ("raise SystemExit('executed')",))


def _without(key: str) -> dict[str, Any]:
    return {name: value for name, value in cifar_content(2, 1).items() if name != key}


def _changed(**changes: Any) -> dict[str, Any]:
    return cifar_content(2, 1) | changes


LABELS = cifar_content(2, 1)["fine_labels"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(Attack(), r"wants to use __builtin__\.exec", marks=pytest.mark.hostile),
        ([1, 2], "expected a dictionary, found list"),
        (_without("data"), "expected `data` as a matrix of bytes"),
        (_changed(data=np.zeros((200, 3072), np.int64)), "expected `data` as a matrix of bytes"),
        (_changed(data=np.zeros((200, 3072))), "wants to use numbers of type f8"),
        (_changed(data=np.array([[None]])), "wants to use numbers of type O8"),
        (_changed(data=np.zeros((200, 784), np.uint8)), "rows of 3072 bytes, found 784"),
        (_without("fine_labels"), "expected `fine_labels` as a list of numbers"),
        (_changed(fine_labels=LABELS[:-1]), "199 labels for 200 images"),
        (_changed(fine_labels=[100, *LABELS[1:]]), "labels from 0 to 99, found 100"),
        (_changed(fine_labels=[0] * 200), "class 1 has no image"),
    ],
)
def test_a_file_that_is_not_what_it_should_be_is_named(
    tmp_path: Path, content: Any, message: str
) -> None:
    root = cifar_tree(tmp_path)
    write_pickle(root / "cifar-100-python" / "train", content)
    with pytest.raises(DataError, match=rf"train is not CIFAR100's: .*{message}"):
        Cifar100(CifarFiles(root))


@pytest.mark.parametrize("keep", [0, 10, 1000])
def test_a_truncated_file_is_named(tmp_path: Path, keep: int) -> None:
    root = cifar_tree(tmp_path)
    path = root / "cifar-100-python" / "test"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(DataError, match=r"test is not CIFAR100's: .*unpack .* again"):
        Cifar100(CifarFiles(root))


@pytest.mark.hostile
def test_text_is_decoded_as_latin1_only() -> None:
    attack = b"c_codecs\nencode\n(U\x04aaaaU\x04zlibtR."
    with pytest.raises(pickle.UnpicklingError, match="encoding zlib"):
        ArraysOnly(BytesIO(attack)).load()


@pytest.mark.parametrize(
    ("attack", "message"),
    [
        (b"c_codecs\nencode\n}(U\x07__doc__U\x07changedub.", "wants to change a method"),
        (b"cnumpy\ndtype\n(U\x02V8K\x00K\x01tR.", "numbers of type V8"),
        (b"cnumpy\ndtype\n(U\x02u1tR(K\x03U\x01>NNNNNNtb.", "byte order >"),
        (b"cos\nsystem\n(U\x04truetR.", "wants to use os.system"),
        (b"NNNs.", "wants to change a NoneType"),
        (b"}))s.", "wants to use a tuple as a key"),
        (b"}(K\x01K\x01u.", "wants to use a int as a key"),
        (b"cnumpy.core.multiarray\n_reconstruct.__globals__\n.", "wants to use"),
    ],
)
@pytest.mark.hostile
def test_pickles_can_make_arrays_of_whole_numbers_only(attack: bytes, message: str) -> None:
    with pytest.raises(pickle.UnpicklingError, match=message):
        ArraysOnly(BytesIO(attack)).load()


@pytest.mark.hostile
def test_a_pickle_gets_no_more_memory_than_it_fills() -> None:
    # C's unpickler would make room for 2³¹ remembered objects here, 16 GiB.
    assert ArraysOnly(BytesIO(b"\x80\x02Nr\xff\xff\xff\x7f.")).load() is None


@pytest.mark.hostile
def test_a_text_that_is_encoded_again_and_again_is_kept_once() -> None:
    attack = b"](c_codecs\nencode\nq\x00U\x04textU\x06latin1\x86q\x01Rh\x00h\x01Re."
    first, second = ArraysOnly(BytesIO(attack)).load()
    assert first == b"text"
    assert first is second


@pytest.mark.hostile
def test_names_that_are_no_texts_are_refused(tmp_path: Path) -> None:
    root = cifar_tree(tmp_path)
    write_pickle(root / "cifar-100-python" / "meta", {"fine_label_names": [()] * 100})
    with pytest.raises(DataError, match="expected texts as fine_label_names"):
        Cifar100(CifarFiles(root))


def test_names_of_another_number_are_refused(tmp_path: Path) -> None:
    root = cifar_tree(tmp_path)
    write_pickle(root / "cifar-100-python" / "meta", {"fine_label_names": ["apple"]})
    with pytest.raises(DataError, match="expected 100 fine_label_names, found 1"):
        Cifar100(CifarFiles(root))


def test_a_missing_file_is_named_with_what_was_expected(tmp_path: Path) -> None:
    root = cifar_tree(tmp_path)
    (root / "cifar-100-python" / "meta").unlink()
    with pytest.raises(DataError, match=r"expected CIFAR100's file .*meta, found none"):
        Cifar100(CifarFiles(root))


def test_data_must_be_named() -> None:
    with pytest.raises(DataError, match="with --data PATH"):
        Cifar100.load(TaskSpec("cifar100"))
