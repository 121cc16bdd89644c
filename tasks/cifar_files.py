"""CIFAR100's files: pickled dictionaries, read without executing anything.

Format and checksums: Krizhevsky, "Learning Multiple Layers of Features from Tiny
Images", ``cifar-100-python``.
"""

import hashlib
import pickle
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Int64, UInt8
from torch import Tensor

from tasks.errors import DataError

CLASSES = 100
_MD5 = {
    "train": "16019d7e3df5f24257cddd939b257f8d",
    "test": "f0ef6b0ae62326f3e7ffdfab6717acfc",
    "meta": "7973b15100ade9c7d40fb424638fde48",
}
_FOLDER = "cifar-100-python"


_TYPES: dict[str, Any] = {"u1": np.uint8, "i4": np.int32, "i8": np.int64}


def _shown(value: object) -> str:
    """A text in short; of anything else its type: tuples in tuples may unfold without bound."""
    if isinstance(value, bytes):
        value = value.decode("latin1")
    return value[:40] if isinstance(value, str) else type(value).__name__


class _Dtype:
    """A type of numbers. Numpy's own would believe any state, and pointers in it."""

    def __init__(self, name: object, *_: object) -> None:
        if _shown(name) not in _TYPES:
            raise pickle.UnpicklingError(f"it wants to use numbers of type {_shown(name)}")
        self.type = _TYPES[_shown(name)]

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        if state[1] not in ("|", "<", b"|", b"<"):
            raise pickle.UnpicklingError(f"it wants to use the byte order {_shown(state[1])}")


class _Array:
    """An array before and after its content is known."""

    values: np.ndarray = np.empty(0, dtype=np.uint8)

    def __init__(self, *_: object) -> None:
        """What numpy's functions are told is in the state too."""

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, dtype, by_columns, content = state
        values = np.frombuffer(content, dtype=dtype.type)
        self.values = values.reshape(shape, order="F" if by_columns else "C")


def _scalar(dtype: _Dtype, content: bytes) -> int:
    (value,) = np.frombuffer(content, dtype=dtype.type)
    return int(value)


_COMMANDS = b"".join(
    (
        *(pickle.PROTO, pickle.FRAME, pickle.STOP, pickle.MARK),
        *(pickle.BINPUT, pickle.LONG_BINPUT, pickle.MEMOIZE, pickle.BINGET, pickle.LONG_BINGET),
        *(pickle.NONE, pickle.NEWTRUE, pickle.NEWFALSE),
        *(pickle.BININT, pickle.BININT1, pickle.BININT2),
        *(pickle.BINSTRING, pickle.SHORT_BINSTRING, pickle.BINBYTES, pickle.SHORT_BINBYTES),
        *(pickle.BINUNICODE, pickle.SHORT_BINUNICODE),
        *(pickle.EMPTY_TUPLE, pickle.TUPLE, pickle.TUPLE1, pickle.TUPLE2, pickle.TUPLE3),
        *(pickle.EMPTY_LIST, pickle.APPEND, pickle.APPENDS, pickle.EMPTY_DICT),
        *(pickle.GLOBAL, pickle.STACK_GLOBAL, pickle.REDUCE),
    )
)
"""What the published files are made of (protocol 2), and what Python 3 makes of the same."""


class ArraysOnly(pickle._Unpickler):  # noqa: SLF001 - C's makes room for as many as a file claims
    """Knows how to make arrays of whole numbers, and nothing else."""

    def __init__(self, file: BytesIO, *, encoding: str = "ASCII") -> None:
        super().__init__(file, encoding=encoding)
        self._encoded: dict[str, bytes] = {}

    def find_class(self, module: str, name: str) -> Any:
        """What stands for the one of numpy's parts that a pickle names.

        Raises:
            pickle.UnpicklingError: it names anything else.
        """
        # numpy 1 wrote its functions under numpy.core, numpy 2 under numpy._core.
        known = (module.replace("numpy.core.", "numpy._core."), name)
        if known == ("_codecs", "encode"):
            return self._latin1
        if known not in _KNOWN:
            raise pickle.UnpicklingError(f"it wants to use {_shown(module)}.{_shown(name)}")
        return _KNOWN[known]

    def _latin1(self, text: object, encoding: object) -> bytes:
        """Bytes as protocol 2 writes them; other encodings could unfold without bound."""
        if encoding != "latin1" or not isinstance(text, str):
            asked = f"the encoding {_shown(encoding)} of a {type(text).__name__}"
            raise pickle.UnpicklingError(f"it wants to use {asked}")
        # Once: a text that is named again and again would fill the memory.
        if text not in self._encoded:
            self._encoded[text] = text.encode(encoding)
        return self._encoded[text]

    def load_build(self) -> None:
        """Give an array or a type its state; nothing else has one, our functions least of all.

        Raises:
            pickle.UnpicklingError: a pickle wants to change anything else.
        """
        state = self.stack.pop()  # type: ignore[attr-defined]  # untyped
        target = self.stack[-1]  # type: ignore[attr-defined]  # untyped
        if not isinstance(target, _Dtype | _Array):
            raise pickle.UnpicklingError(f"it wants to change a {type(target).__name__}")
        target.__setstate__(state)

    def load_setitem(self) -> None:
        """Put one value into a dictionary; see `load_setitems`."""
        value = self.stack.pop()  # type: ignore[attr-defined]  # untyped
        key = self.stack.pop()  # type: ignore[attr-defined]  # untyped
        self._put([key, value])

    def load_setitems(self) -> None:
        """Put values into a dictionary, by names: tuples in tuples could take for ever to hash.

        Raises:
            pickle.UnpicklingError: a key is no text, or it isn't a dictionary.
        """
        self._put(self.pop_mark())  # type: ignore[attr-defined]  # untyped

    def _put(self, items: list[Any]) -> None:
        target = self.stack[-1]  # type: ignore[attr-defined]  # untyped
        if not isinstance(target, dict):
            raise pickle.UnpicklingError(f"it wants to change a {type(target).__name__}")
        for key, value in zip(items[::2], items[1::2], strict=True):
            if not isinstance(key, str | bytes):
                raise pickle.UnpicklingError(f"it wants to use a {type(key).__name__} as a key")
            target[key] = value

    def refuse(self) -> None:
        """Meet a command that the files don't have.

        Raises:
            pickle.UnpicklingError: always.
        """
        raise pickle.UnpicklingError("it holds a command that such files don't have")

    dispatch = (
        dict.fromkeys(range(256), refuse)  # type: ignore[assignment]
        | {code: pickle._Unpickler.dispatch[code] for code in _COMMANDS}  # noqa: SLF001 - as above
        | {
            pickle.BUILD[0]: load_build,
            pickle.SETITEM[0]: load_setitem,
            pickle.SETITEMS[0]: load_setitems,
        }
    )


_KNOWN: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Dtype,
    ("numpy._core.multiarray", "_reconstruct"): _Array,
    ("numpy._core.multiarray", "scalar"): _scalar,
}


@dataclass(frozen=True)
class Batch:
    """Images and classes of one file, in its order."""

    pixels: UInt8[Tensor, "n 3 32 32"]
    labels: Int64[np.ndarray, " n"]


class CifarFiles:
    """The folder ``cifar-100-python``, given itself or the folder that holds it.

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
                    f"expected CIFAR100's file {self.folder / name}, found none: give the folder "
                    f"that holds {_FOLDER}/ (train, test, meta), as cifar-100-python.tar.gz unpacks"
                )

    def names(self) -> list[str]:
        """Names of the classes, in the order of their numbers.

        Raises:
            DataError: the file is damaged.
        """
        names = self._read("meta").get("fine_label_names")
        if not isinstance(names, list) or len(names) != CLASSES:
            found = len(names) if isinstance(names, list) else "no"
            raise self._wrong("meta", f"expected {CLASSES} fine_label_names, found {found}")
        if not all(isinstance(name, str | bytes) for name in names):
            raise self._wrong("meta", "expected texts as fine_label_names")
        return [name.decode("latin1") if isinstance(name, bytes) else name for name in names]

    def images(self, name: str) -> Batch:
        """Images and labels of the file ``name``.

        Raises:
            DataError: the file is damaged.
        """
        content = self._read(name)
        data, labels = content.get("data"), content.get("fine_labels")
        if not isinstance(data, np.ndarray) or data.dtype != np.uint8 or data.ndim != 2:  # noqa: PLR2004 - a matrix
            raise self._wrong(name, "expected `data` as a matrix of bytes")
        if data.shape[1] != 3 * 32 * 32:
            raise self._wrong(name, f"expected rows of 3072 bytes, found {data.shape[1]}")
        if not isinstance(labels, list) or not all(isinstance(label, int) for label in labels):
            raise self._wrong(name, "expected `fine_labels` as a list of numbers")
        if len(labels) != len(data):
            raise self._wrong(name, f"{len(labels)} labels for {len(data)} images")
        outside = [label for label in labels if not 0 <= label < CLASSES]
        if outside:
            raise self._wrong(name, f"expected labels from 0 to 99, found {outside[0]}")
        missing = sorted(set(range(CLASSES)) - set(labels))
        if missing:
            raise self._wrong(name, f"class {missing[0]} has no image")
        # Torch wants memory that may be written to.
        pixels = torch.from_numpy(np.require(data, requirements=["C", "W"])).view(-1, 3, 32, 32)
        return Batch(pixels, np.array(labels, dtype=np.int64))

    def _read(self, name: str) -> dict[str, Any]:
        path = self.folder / name
        raw = path.read_bytes()
        if hashlib.md5(raw, usedforsecurity=False).hexdigest() != _MD5[name]:
            self.altered.append(name)
        try:
            content = ArraysOnly(BytesIO(raw), encoding="bytes").load()
        except Exception as error:
            # A damaged pickle may raise nearly anything.
            raise self._wrong(name, f"{type(error).__name__}: {error}") from error
        if not isinstance(content, dict):
            raise self._wrong(name, f"expected a dictionary, found {type(content).__name__}")
        return {
            key.decode("latin1") if isinstance(key, bytes) else key: (
                value.values if isinstance(value, _Array) else value
            )
            for key, value in content.items()
        }

    def _wrong(self, name: str, problem: str) -> DataError:
        return DataError(
            f"{self.folder / name} is not CIFAR100's: {problem}; unpack cifar-100-python.tar.gz "
            "again (its md5 begins with eb9058c3)"
        )


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
