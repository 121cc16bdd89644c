"""ILSVRC2012's layouts, recognised and scanned without converting anything.

Training images: class folders, or the tar of class tars. Validation images: class
folders, a flat folder, or a tar; the last two with a list of classes (`labels`).
"""

import stat
import tarfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from tasks.apart import shared_files
from tasks.errors import DataError
from tasks.folders import is_data, names
from tasks.imagenet.index import Entry, Images, Index, collected
from tasks.imagenet.labels import DEVKIT, label_files, labelled
from tasks.imagenet.tars import Member, members

_TRAIN_TAR = "ILSVRC2012_img_train.tar"
_VAL_TAR = "ILSVRC2012_img_val.tar"
_SUFFIXES = (".jpeg", ".jpg", ".png")
_UNREAD = (".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp", ".gif", ".jfif", ".jpe")
"""Other images, which torchvision's ImageFolder mostly reads and this doesn't."""
_KAGGLES = ("ILSVRC", "Data", "CLS-LOC")
"""Folders that its archive puts around train/ and val/; its lists lie beside the outermost."""
_STATS_AT_A_TIME = 32  # waiting for a network disk, mostly

Read = TypeVar("Read")
Found = tuple[str, int, int]
"""File name, offset and size of an image inside what is scanned."""


@dataclass(frozen=True)
class Layout:
    """Where the parts of one data set are.

    Attributes:
        root: of the data set; paths are relative to it.
        train: folder or tar.
        val: folder or tar.
        places: folders where a list of classes may lie, the likeliest first.
    """

    root: Path
    train: Path
    val: Path
    places: tuple[Path, ...]

    @property
    def name(self) -> str:
        """How training and validation images lie on disk, in words, for `Index.layout`."""
        val = "tar" if self.val.is_file() else "folders" if _folders(self.val) else "flat"
        lists = label_files(self.places)
        by = f" by {lists[0].name}" if val != "folders" and lists else ""
        return f"train: {'tar' if self.train.is_file() else 'folders'}, val: {val}{by}"

    def watched(self) -> list[Path]:
        """Whatever changes when images are added or removed."""
        paths = [self.train, self.val, *label_files(self.places)]
        return paths + [path for part in paths[:2] if part.is_dir() for path in _folders(part)]

    def index(self) -> Index:
        """Scan the data set.

        Raises:
            DataError: a class without images, or parts that don't fit each other or share images.
        """
        training = dict(self._training())
        classes = sorted(training)
        if len(classes) < 2:  # noqa: PLR2004 - a question needs two answers
            raise DataError(f"{self.train} holds {len(classes)} classes; unpack it completely")
        number = {name: label for label, name in enumerate(classes)}
        test = collected(self._validation(number))
        empty = np.flatnonzero(np.bincount(test.labels, minlength=len(classes)) == 0)
        if len(empty) > 0:
            raise DataError(
                f"class {classes[empty[0]]} has no validation image in {self.val} (nor have "
                f"{len(empty) - 1} others): unpack it completely"
            )
        entries = (
            Entry(path, f"{name}/{file}", offset, size, number[name])
            for name in classes
            for path, file, offset, size in training[name]
        )
        index = Index(self.name, classes, collected(entries), test, broken=[])
        self._apart(index)
        return index

    def _apart(self, index: Index) -> None:
        training, test = index.training, index.test
        shared = shared_files(
            zip(training.names, training.sizes.tolist(), strict=True),
            zip(test.names, test.sizes.tolist(), strict=True),
            lambda row, other: training.read(self.root, row) == test.read(self.root, other),
        )
        if shared is not None:
            raise DataError(
                f"{test.names[shared]} lies in {self.train} and, byte by byte the same, in "
                f"{self.val} (as others may): networks would be tested on what they were trained "
                "on; take it out of one of them"
            )

    def _training(self) -> Iterator[tuple[str, list[tuple[str, str, int, int]]]]:
        if self.train.is_file():
            path = str(self.train.relative_to(self.root))
            for name, images in _nested(self.train).items():
                yield name, [(path, *image) for image in _some(images, self.train, name)]
            return
        for folder, images in _scanned(_folders(self.train)):
            place = folder.relative_to(self.root)
            found = _some(images, self.train, folder.name)
            yield folder.name, [(str(place / file), file, at, size) for file, at, size in found]

    def _validation(self, number: dict[str, int]) -> Iterator[Entry]:
        relative = self.val.relative_to(self.root)
        folders = _folders(self.val) if self.val.is_dir() else []
        if folders:
            for folder, images in _scanned(folders):
                label = self._label(number, folder.name, str(folder))
                for file, at, size in images:
                    path = str(relative / folder.name / file)
                    yield Entry(path, f"{folder.name}/{file}", at, size, label)
            return
        if self.val.is_file():
            images = _members(self.val)
        else:
            ((_, images),) = _scanned([self.val])
        images = sorted(images)
        classes = labelled(self.places, [Path(file).stem for file, _, _ in images])
        for (file, at, size), name in zip(images, classes, strict=True):
            path = str(relative if self.val.is_file() else relative / file)
            yield Entry(path, f"{name}/{file}", at, size, self._label(number, name, file))

    def _label(self, number: dict[str, int], name: str, where: str) -> int:
        if name not in number:
            raise DataError(
                f"{where} is of class {name}, which {self.train} doesn't have: "
                "unpack the training images completely"
            )
        return number[name]


def recognised(root: Path) -> Layout:
    """The layout of the data set at ``root``.

    Raises:
        DataError: none of the known ones.
    """
    for base in ("", "ILSVRC", "ILSVRC/Data/CLS-LOC", "Data/CLS-LOC", "CLS-LOC"):
        place = root / base
        train = next((p for p in (place / "train", place / _TRAIN_TAR) if p.exists()), None)
        val = next((p for p in (place / "val", place / _VAL_TAR) if p.exists()), None)
        if train and val:
            return Layout(root, train, val, _list_places(root, place, val))
    raise DataError(
        f"expected ILSVRC2012 in {root}, found neither train/ and val/, nor {_TRAIN_TAR} and "
        f"{_VAL_TAR}, nor Kaggle's ILSVRC/Data/CLS-LOC: give the folder that holds them with --data"
    )


def _list_places(root: Path, place: Path, val: Path) -> tuple[Path, ...]:
    """Beside the images' folder, among them, and around the folders that Kaggle nests it in."""
    places = [place, *([val] if val.is_dir() else []), root]
    around = place.resolve()  # a relative path may end above
    while around.name in _KAGGLES:
        around = around.parent
        places.append(around)
    found: dict[Path, Path] = {}
    for path in places:
        found.setdefault(path.resolve(), path)
    return tuple(found.values())


def _some(images: list[Found], where: Path, name: str) -> list[Found]:
    if not images:
        raise DataError(f"class {name} in {where} has no image; unpack it completely")
    return images


def _folders(path: Path) -> list[Path]:
    """Class folders, ascending.

    Raises:
        DataError: some classes are still packed, or images lie beside the folders.
    """
    if not path.is_dir():
        return []
    inside = names(path)
    images = _images(inside, path)
    others = [path / name for name in sorted({*inside} - {*images, DEVKIT})]
    folders = [place for place in others if place.is_dir()]
    unpacked = {folder.name for folder in folders}
    tars = [place for place in others if place.suffix == ".tar" and place.stem not in unpacked]
    if tars:
        raise DataError(
            f"{path} holds archives such as {tars[0].name} instead of class folders: unpack each "
            f"into a folder of its name, or put {_TRAIN_TAR} itself into the data folder"
        )
    if folders and images:
        raise DataError(
            f"{path} holds class folders and, beside them, {len(images)} images such as "
            f"{images[0]}: move each into the folder of its class"
        )
    return folders


def _scanned(folders: list[Path]) -> Iterator[tuple[Path, list[Found]]]:
    with ThreadPoolExecutor(_STATS_AT_A_TIME) as pool:
        yield from zip(folders, pool.map(_images_of, folders), strict=True)


def _images_of(folder: Path) -> list[Found]:
    found = []
    for name in _images(names(folder), folder):
        state = (folder / name).stat()
        if stat.S_ISREG(state.st_mode):
            found.append((name, 0, state.st_size))
    return found


def _images(inside: Iterable[str], where: Path) -> list[str]:
    """Names of images among those of files.

    Raises:
        DataError: images that aren't read, or one name twice.
    """
    found: dict[str, None] = {}
    for name in inside:
        if name.lower().endswith(_UNREAD):
            raise DataError(
                f"{name} in {where} is neither JPEG nor PNG, which alone are read (as others may "
                "be): convert it or move it away"
            )
        if name.lower().endswith(_SUFFIXES):
            if name in found:
                raise DataError(f"{where} holds {name} twice; fetch it again")
            found[name] = None
    return list(found)


def _members(path: Path) -> list[Found]:
    return _chosen(_reading(path, lambda archive: _spans(archive, 0, path.stat().st_size)), path)


def _nested(path: Path) -> dict[str, list[Found]]:
    def read(archive: tarfile.TarFile) -> dict[str, list[Found]]:
        found = {}
        for member in members(archive, path.stat().st_size):
            wanted = _is_plain(member) and member.name.endswith(".tar") and is_data(member.name)
            file = archive.extractfile(member) if wanted else None
            if file is None:
                continue
            if (name := Path(member.name).stem) in found:
                raise ValueError(f"it holds {name}.tar twice")
            with tarfile.open(fileobj=file, mode="r:", tarinfo=Member) as inner:
                found[name] = _spans(inner, member.offset_data, member.size)
        return found

    return {name: _chosen(files, path) for name, files in _reading(path, read).items()}


def _reading(path: Path, read: Callable[[tarfile.TarFile], Read]) -> Read:
    try:
        with tarfile.open(path, "r:", tarinfo=Member) as archive:
            return read(archive)
    except Exception as error:
        # A damaged tar may raise nearly anything.
        raise DataError(f"{path} is no intact tar ({error}); fetch it again") from error


def _spans(archive: tarfile.TarFile, start: int, size: int) -> list[Found]:
    # Only the last part of a member's path is used.
    return [
        (Path(member.name).name, start + member.offset_data, member.size)
        for member in members(archive, size)
        if _is_plain(member) and is_data(member.name)
    ]


def _is_plain(member: tarfile.TarInfo) -> bool:
    """Whether its content lies in one piece behind its header: links are no files of their own."""
    return member.isreg() and not member.issparse()


def _chosen(files: list[Found], where: Path) -> list[Found]:
    """The images among the files of an archive."""
    wanted = set(_images((name for name, _, _ in files), where))
    return [file for file in files if file[0] in wanted]


def without_broken(index: Index, broken: Callable[[Images], list[int]]) -> Index:
    """The index without images that can't be decoded.

    Args:
        index: of all images.
        broken: finds the rows of such images.
    """
    parts, names = [], []
    for images in (index.training, index.test):
        rows = broken(images)
        keep = np.ones(len(images), dtype=bool)
        keep[rows] = False
        parts.append(images.take(keep))
        names += [images.names[row] for row in rows]
    return Index(index.layout, index.classes, parts[0], parts[1], names)
