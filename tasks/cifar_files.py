"""CIFAR100's files: pickled dictionaries, read without executing anything.

Format and checksums: Krizhevsky, "Learning Multiple Layers of Features from Tiny
Images", ``cifar-100-python``.
"""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Int64, UInt8

from tasks.errors import DataError
from tasks.pickles import PickleError, as_array, described, read_pickle, shown
from tasks.stored_images import Stored

CLASSES = 100
_MD5 = {
    "train": "16019d7e3df5f24257cddd939b257f8d",
    "test": "f0ef6b0ae62326f3e7ffdfab6717acfc",
    "meta": "7973b15100ade9c7d40fb424638fde48",
}
_FOLDER = "cifar-100-python"
_BYTES = 3 * 32 * 32
_LARGEST = 2 * 2**30
"""Bytes of a file that is read: the largest has 155 MB, saved again as float64 1.2 GB."""


class CifarFiles:
    """The folder ``cifar-100-python``, given itself or the folder that holds it.

    Files that other programs saved again are read if they say the same: keys and names as bytes or
    text, images and labels as arrays of any type that holds whole numbers, or as lists.

    Raises:
        DataError: there is none, or one of its three files is missing.
    """

    def __init__(self, path: Path) -> None:
        self.folder = path / _FOLDER if (path / _FOLDER).is_dir() else path
        self.altered: list[str] = []
        """Files read so far whose checksum isn't the published one."""
        for name in _MD5:
            if not (self.folder / name).is_file():
                raise DataError(
                    f"expected CIFAR100's file {self.folder / name}, found "
                    f"{_instead(self.folder)}: give the folder that holds {_FOLDER}/ (train, test, "
                    "meta), as cifar-100-python.tar.gz unpacks, with --data"
                )

    def names(self) -> list[str]:
        """Names of the classes, in the order of their numbers.

        Raises:
            DataError: the file is damaged, or another one.
        """
        with self._blamed("meta"):
            content, _ = self._read("meta")
            names = _part(content, "fine_label_names")
            if not isinstance(names, list | tuple):
                raise PickleError(
                    f"expected `fine_label_names` as a list, found {described(names)}"
                )
            if len(names) != CLASSES:
                raise PickleError(f"expected {CLASSES} `fine_label_names`, found {len(names)}")
            others = [name for name in names if not isinstance(name, str | bytes)]
            if others:
                found = described(others[0])
                raise PickleError(f"expected texts as `fine_label_names`, found {found}")
        return [name.decode("latin1") if isinstance(name, bytes) else name for name in names]

    def images(self, name: str) -> Stored:
        """Images and labels of the file ``name``.

        Raises:
            DataError: the file is damaged, or another one.
        """
        with self._blamed(name):
            content, size = self._read(name)
            labels = _labels(_part(content, "fine_labels"))
            data = _images(_part(content, "data"), room=size)
            if len(labels) != len(data):
                raise PickleError(f"{len(labels)} labels for {len(data)} images")
            missing = np.flatnonzero(np.bincount(labels, minlength=CLASSES) == 0)
            if len(missing) > 0:
                raise PickleError(f"class {missing[0]} has no image")
        # Torch wants memory that may be written to.
        pixels = torch.from_numpy(np.require(data, requirements=["C", "W"])).view(-1, 3, 32, 32)
        return Stored(pixels, labels)

    def _read(self, name: str) -> tuple[dict[str, Any], int]:
        """What a file holds, by texts, and its size in bytes."""
        path = self.folder / name
        if (size := path.stat().st_size) > _LARGEST:
            raise PickleError(f"it has {size:,} bytes, more than {_LARGEST:,}")
        raw = path.read_bytes()
        if hashlib.md5(raw, usedforsecurity=False).hexdigest() != _MD5[name]:
            self.altered.append(name)
        content = read_pickle(raw)
        if not isinstance(content, dict):
            raise PickleError(f"expected a dict, found {described(content)}")
        by_text = {
            key.decode("latin1") if isinstance(key, bytes) else key: value
            for key, value in content.items()
        }
        return by_text, size

    @contextmanager
    def _blamed(self, name: str) -> Iterator[None]:
        """Say which file it was that can't be read."""
        try:
            yield
        except (OSError, PickleError) as error:
            raise DataError(
                f"{self.folder / name} is not CIFAR100's: {error}; unpack cifar-100-python.tar.gz "
                "again (its md5 begins with eb9058c3)"
            ) from error


def _instead(folder: Path) -> str:
    """What a folder holds that has no files of CIFAR100's."""
    for pattern, found in (
        ("cifar-10-batches-*", "CIFAR10 (cifar-10-batches-py)"),
        ("data_batch_*", "CIFAR10 (data_batch_1)"),
        ("cifar-100-binary", "the binary version (cifar-100-binary)"),
        ("cifar-100-matlab", "the version for MATLAB (cifar-100-matlab)"),
        ("t*.bin", "the binary version"),
        ("t*.mat", "the version for MATLAB"),
        (f"{_FOLDER}.tar*", "the archive, still to be unpacked"),
    ):
        if any(folder.glob(pattern)):
            return found
    return "none"


def _part(content: dict[str, Any], key: str) -> Any:
    if key not in content:
        if {"labels", "label_names"} & content.keys():
            raise PickleError("it is CIFAR10's, or saved in its form: it has no fine labels")
        there = ", ".join(sorted(shown(name) for name in content)[:8]) or "nothing"
        raise PickleError(f"expected `{key}`, found {there}")
    return content[key]


def _images(data: object, room: int) -> UInt8[np.ndarray, "n 3072"]:
    """Images as rows of bytes, channel by channel.

    Args:
        data: as a pickle has it.
        room: bytes that they may have.

    Raises:
        PickleError: it isn't images of 32×32.
    """
    try:
        images = _stacked(data, room) if isinstance(data, list | tuple) else _numbers(data)
    except PickleError as error:
        way = "as .numpy() or .to_numpy() makes one"
        raise PickleError(f"expected `data` as an array of NumPy's, {way}: {error}") from error
    if isinstance(data, bytes | bytearray) and images.size % _BYTES == 0:
        images = images.reshape(-1, _BYTES)
    if images.shape[1:] == (32, 32, 3):
        images = images.transpose(0, 3, 1, 2)
    if images.shape[1:] not in ((_BYTES,), (3, 32, 32)):
        wanted = "(n, 3072), (n, 3, 32, 32) or (n, 32, 32, 3)"
        raise PickleError(f"expected `data` of shape {wanted}, found {images.shape}")
    whole = _whole(images, "data", highest=255).astype(np.uint8, copy=False)
    return whole.reshape(len(whole), _BYTES)


def _stacked(rows: Sequence[object], room: int) -> np.ndarray:
    arrays = [_numbers(row) for row in rows]
    # One row that is named again and again would fill the memory.
    if sum(array.nbytes for array in arrays) > room:
        raise PickleError("found a list with more numbers than the file has")
    if len({array.shape for array in arrays}) != 1:
        raise PickleError(f"found a list of {len(arrays)} arrays, of several shapes")
    return np.stack(arrays)


def _numbers(value: object) -> np.ndarray:
    if isinstance(value, bytes | bytearray):
        return np.frombuffer(value, dtype=np.uint8)
    return as_array(value)


def _labels(value: object) -> Int64[np.ndarray, " n"]:
    """Numbers of the classes.

    Raises:
        PickleError: there are others than 0 to 99.
    """
    try:
        if isinstance(value, list | tuple):
            labels = np.array([_number(label) for label in value])
        else:
            labels = as_array(value)
    except PickleError as error:
        wanted = "a list of whole numbers, or an array of NumPy's"
        raise PickleError(f"expected `fine_labels` as {wanted}: {error}") from error
    if labels.ndim != 1:
        raise PickleError(f"expected `fine_labels` of shape (n,), found {labels.shape}")
    return _whole(labels, "fine_labels", highest=CLASSES - 1).astype(np.int64)


def _number(value: object) -> int | float:
    if type(value) in (int, float):
        return value  # type: ignore[return-value]  # no bool
    number = as_array(value)
    if number.ndim:
        raise PickleError(f"found an array of shape {number.shape} in a list")
    return number.item()  # type: ignore[no-any-return]  # of whole or broken numbers only


def _whole(array: np.ndarray, key: str, *, highest: int) -> np.ndarray:
    """The array, if it has nothing but whole numbers from 0 to ``highest``."""
    if array.size > 0:
        low, high = array.min(), array.max()
        inside = low >= 0 and high <= highest  # not where one is NaN
        if not inside or (array.dtype.kind == "f" and np.any(array % 1)):
            raise PickleError(
                f"expected `{key}` as whole numbers from 0 to {highest}, "
                f"found {array.dtype} from {low} to {high}"
            )
    return array


def download(folder: Path) -> None:
    """Fetch CIFAR100 into ``folder`` with torchvision.

    Raises:
        DataError: torchvision isn't installed, or there is no way to the network.
    """
    try:
        from torchvision.datasets import CIFAR100  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise DataError(
            "downloading needs torchvision: pip install 'ticket-benchmark[download]'"
        ) from error
    try:
        CIFAR100(folder, download=True)
    except (OSError, RuntimeError) as error:
        raise DataError(f"can't download CIFAR100 into {folder}: {error}") from error
