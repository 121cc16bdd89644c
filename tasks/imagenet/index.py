"""Where each image lies and which class it has; kept on disk, since a scan is slow.

An image is a span of a file: a whole file, or a member of a tar, which is read in
place and never unpacked.
"""

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Int64

from tasks.errors import DataError
from tasks.fingerprints import fingerprint
from tasks.folders import keep

_VERSION = "2"
"""Another one wherever a scan would find or refuse something else than before."""


@dataclass(frozen=True)
class Images:
    """Images in folder order: class by class, names ascending.

    Attributes:
        paths: of the file that each image is (part of), relative to the root.
        names: ``class/file``, the same in every layout.
        offsets: of the image's first byte in its file.
        sizes: in bytes.
        labels: class numbers.
    """

    paths: list[str]
    names: list[str]
    offsets: Int64[np.ndarray, " n"]
    sizes: Int64[np.ndarray, " n"]
    labels: Int64[np.ndarray, " n"]

    def __len__(self) -> int:
        return len(self.paths)

    def take(self, keep: Bool[np.ndarray, " n"]) -> "Images":
        """The images that ``keep`` marks."""
        return self.rows(np.flatnonzero(keep))

    def rows(self, rows: Int64[np.ndarray, " m"]) -> "Images":
        """These images, in this order."""
        return Images(
            [self.paths[row] for row in rows],
            [self.names[row] for row in rows],
            self.offsets[rows],
            self.sizes[rows],
            self.labels[rows],
        )

    def read(self, root: Path, row: int) -> bytes:
        """The bytes of one image.

        Raises:
            DataError: the file is gone or of another size than it was.
        """
        size = int(self.sizes[row])
        try:
            with (root / self.paths[row]).open("rb") as file:
                there = os.fstat(file.fileno()).st_size
                file.seek(int(self.offsets[row]))
                raw = file.read(size)
        except OSError as error:
            raise DataError(f"can't read {root / self.paths[row]}: {error}") from error
        if len(raw) != size:
            raise DataError(
                f"{root / self.paths[row]} ends inside {self.names[row]}; restore the file"
            )
        if self.is_whole(row) and there != size:
            path = root / self.paths[row]
            raise DataError(
                f"{path} has {there:,} bytes, but had {size:,} when its folder was indexed: "
                f"`touch {path.parent}` and give the same command again"
            )
        return raw

    def is_whole(self, row: int) -> bool:
        """Whether an image is a file of its own, not a part of a tar."""
        return self.paths[row].rpartition("/")[2] == self.names[row].rpartition("/")[2]


@dataclass(frozen=True)
class Entry:
    """One image as a scan finds it."""

    path: str
    name: str
    offset: int
    size: int
    label: int


def collected(entries: Iterable[Entry]) -> Images:
    """Entries as columns, by class and then by name: the order of ImageFolder."""
    rows = sorted(entries, key=lambda entry: (entry.label, entry.name))
    return Images(
        [entry.path for entry in rows],
        [entry.name for entry in rows],
        *(
            np.array([getattr(entry, field) for entry in rows], dtype=np.int64)
            for field in ("offset", "size", "label")
        ),
    )


@dataclass(frozen=True)
class Index:
    """A data set of images.

    Attributes:
        layout: in words.
        classes: names, in the order of their numbers.
        training: images to train on (and to hold out from).
        test: images of the published validation set, which the paper tests on.
        broken: names of images that were left out.
    """

    layout: str
    classes: list[str]
    training: Images
    test: Images
    broken: list[str]


def cached_index(
    scan: Callable[[], Index], folder: Path | None, root: Path, watched: Iterable[Path], key: str
) -> Index:
    """The index of an earlier scan if nothing ``watched`` has changed since, else a new one.

    Args:
        scan: makes the index.
        folder: where indices are kept; None keeps none.
        root: of the data set.
        watched: folders and files whose change of time or size means another index.
        key: tells indices of one root apart.

    Raises:
        DataError: what ``scan`` raises, or the index can't be kept.
    """
    if folder is None:
        return scan()
    about = "\0".join((_VERSION, str(root.resolve()), key))
    path = folder / "indices" / f"{fingerprint(about, *map(_state, watched))}.npz"
    if path.exists():
        try:
            return _loaded(path)
        except Exception:  # noqa: BLE001 - damaged archives raise nearly anything
            path.unlink()  # scan again
    index = scan()
    _save(index, path)
    return index


def _state(path: Path) -> str:
    state = path.stat()
    return f"{path}\0{state.st_mtime_ns}\0{0 if path.is_dir() else state.st_size}\n"


def _save(index: Index, path: Path) -> None:
    arrays = {
        "layout": _packed([index.layout]),
        "classes": _packed(index.classes),
        "broken": _packed(index.broken),
    }
    for name, images in (("training", index.training), ("test", index.test)):
        arrays |= {
            f"{name} paths": _packed(images.paths),
            f"{name} names": _packed(images.names),
            f"{name} spans": np.stack([images.offsets, images.sizes, images.labels]),
        }
    keep(path, lambda file: np.savez(file, **arrays))  # type: ignore[arg-type]  # names are no options


def _loaded(path: Path) -> Index:
    with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
        images = {
            name: Images(
                _unpacked(arrays[f"{name} paths"]),
                _unpacked(arrays[f"{name} names"]),
                *arrays[f"{name} spans"],
            )
            for name in ("training", "test")
        }
        if any(map(_leaves_root, (images["training"].paths, images["test"].paths))):
            raise ValueError("a path outside the data set")
        return Index(
            layout=_unpacked(arrays["layout"])[0],
            classes=_unpacked(arrays["classes"]),
            broken=_unpacked(arrays["broken"]),
            **images,
        )


def _leaves_root(paths: list[str]) -> bool:
    # One search in all paths at once: there are more than a million.
    text = "\0".join(["", *paths, ""])
    return any(part in text for part in ("\0/", "\0../", "/../", "/..\0", "\0..\0"))


def _packed(texts: list[str]) -> np.ndarray:
    raw = "\0".join(texts).encode("utf-8", "surrogateescape")
    return np.frombuffer(raw, dtype=np.uint8) if raw else np.empty(0, dtype=np.uint8)


def _unpacked(packed: np.ndarray) -> list[str]:
    text = packed.tobytes().decode("utf-8", "surrogateescape")
    return text.split("\0") if text else []
