"""Where VOC's images and masks lie, and which of them a list names."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Int64

from tasks.errors import DataError
from tasks.folders import names, text_of
from tasks.voc.sbd import sbd_folder

_NESTINGS = (
    "",
    "VOC2012",
    "VOCdevkit/VOC2012",
    "TrainVal/VOCdevkit/VOC2012",
    "VOCtrainval_11-May-2012/VOCdevkit/VOC2012",
    "VOC2012_train_val",
    "VOC2012_train_val/VOC2012_train_val",
)
_LISTS = "ImageSets/Segmentation"
_AUGMENTED = [
    f"{folder}/{name}.txt"
    for folder in (_LISTS, "ImageSets/SegmentationAug")
    for name in ("trainaug", "train_aug", "aug")
]
_IMAGES, _MASKS, _AUGMENTED_MASKS = "JPEGImages", "SegmentationClass", "SegmentationClassAug"
_JPEGS, _PNGS = (".jpg", ".JPG", ".jpeg", ".JPEG"), (".png", ".PNG")
_UNPACK = "unpack VOCtrainval_11-May-2012.tar again"
_STATS_AT_A_TIME = 32  # waiting for a network disk, mostly


class Pair(NamedTuple):
    """An image and its mask, and where either may lie, the likeliest place first."""

    name: str
    images: Sequence[Path]
    masks: Sequence[Path]


@dataclass(frozen=True)
class Scenes:
    """Images with their masks.

    Attributes:
        names: of the images, without suffix.
        images: JPEGs.
        masks: palette PNGs, or SBD's ``.mat`` files.
        sizes: bytes of each image and mask.
    """

    names: list[str]
    images: list[Path]
    masks: list[Path]
    sizes: Int64[np.ndarray, "n 2"]

    def __len__(self) -> int:
        return len(self.names)

    def take(self, rows: Int64[np.ndarray, " m"]) -> "Scenes":
        """These scenes, in this order."""
        return Scenes(
            [self.names[row] for row in rows],
            [self.images[row] for row in rows],
            [self.masks[row] for row in rows],
            self.sizes[rows],
        )


@dataclass(frozen=True)
class Tree:
    """A ``VOC2012`` folder.

    Attributes:
        root: the folder that holds ``JPEGImages``.
        given: what the caller named; SBD may lie there.
    """

    root: Path
    given: Path

    def listed(self, name: str) -> Scenes:
        """Scenes of ``train`` or ``val``.

        Raises:
            DataError: the list is missing, empty, or names files that are missing.
        """
        return collected(self._pairs(self._list(name)), self._list(name))

    def additional(self) -> tuple[Scenes, str]:
        """Scenes that augment ``train``, and where they were found.

        They are SBD's images without VOC's own: named by a list (``trainaug.txt``)
        whose masks lie in ``SegmentationClassAug``, or SBD itself. The published
        union with VOC's ``train`` has 10,582.

        Raises:
            DataError: neither is there, nothing is new in it, or files are missing.
        """
        own = {pair.name for split in ("train", "val") for pair in self._pairs(self._list(split))}
        found, place = self._of_list() or self._of_sbd()
        more = [pair for pair in found if pair.name not in own]
        if not more:
            raise DataError(
                f"{place} has nothing that train and val don't have: unpack it completely, or "
                "choose list=train"
            )
        return collected(more, place), place.name if place.is_file() else "SBD"

    def _list(self, name: str) -> Path:
        return self.root / _LISTS / f"{name}.txt"

    def _of_list(self) -> tuple[list[Pair], Path] | None:
        for place in _AUGMENTED:
            if (self.root / place).is_file():
                pairs = self._pairs(self.root / place, [_AUGMENTED_MASKS, _MASKS])
                return pairs, self.root / place
        return None

    def _of_sbd(self) -> tuple[list[Pair], Path]:
        folder = sbd_folder([self.given, self.root, *self.root.parents[:2]])
        if folder is None:
            raise DataError(
                f"the augmented list needs {_LISTS}/trainaug.txt and {_AUGMENTED_MASKS}/ in "
                f"{self.root}, or SBD (benchmark_RELEASE/dataset/cls/*.mat) beside it: neither is "
                "there; unpack one of them, or choose list=train"
            )
        bases = [self.root / _IMAGES, folder / "img"]
        masks = [folder / "cls" / name for name in names(folder / "cls", ".mat")]
        pairs = [Pair(path.stem, _written(bases, path.stem, _JPEGS), [path]) for path in masks]
        return pairs, folder / "cls"

    def _pairs(self, path: Path, masks: Sequence[str] = (_MASKS,)) -> list[Pair]:
        try:
            lines = text_of(path.read_bytes()).splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise DataError(f"can't read the list {path} ({error}); {_UNPACK}") from error
        pairs: dict[str, Pair] = {}
        for number, line in enumerate(lines, start=1):
            words = line.split()
            if any(".." in Path(word).parts for word in words):
                raise DataError(
                    f"line {number} of {path} leads out of the data: expected a name, or an "
                    f"image and its mask, received {line!r}"
                )
            if len(words) > 2:  # noqa: PLR2004 - an image and its mask
                raise DataError(
                    f"line {number} of {path}: expected a name, or an image and its mask; "
                    f"received {line!r}"
                )
            if words:
                pair = self._pair(words, masks)
                if pairs.setdefault(pair.name, pair) != pair:
                    raise DataError(
                        f"line {number} of {path}: a line above names another image "
                        f"{pair.name}; take one of them off"
                    )
        if not pairs:
            raise DataError(f"the list {path} is empty; {_UNPACK}")
        return list(pairs.values())

    def _pair(self, words: Sequence[str], masks: Sequence[str]) -> Pair:
        # Lists of pairs start their paths with a slash, but mean the root of the data.
        image, *mask = (word.lstrip("/") for word in words)
        name = Path(image).stem
        if mask:
            return Pair(name, [self.root / image], [self.root / mask[0]])
        folders = [self.root / folder for folder in masks]
        return Pair(
            name, _written([self.root / _IMAGES], name, _JPEGS), _written(folders, name, _PNGS)
        )


def recognised(given: Path) -> Tree:
    """The ``VOC2012`` folder that ``given`` is or holds.

    Raises:
        DataError: there is none.
    """
    for nesting in _NESTINGS:
        root = given / nesting
        if (root / _IMAGES).is_dir() and (root / _LISTS).is_dir():
            return Tree(root, given)
    raise DataError(
        f"expected Pascal VOC 2012 in {given}: found no folder with {_IMAGES}/ and {_LISTS}/; "
        "unpack VOCtrainval_11-May-2012.tar there, or name the folder that holds VOCdevkit/ with "
        "--data"
    )


def collected(pairs: Sequence[Pair], source: Path) -> Scenes:
    """Pairs whose files are all there.

    Args:
        pairs: of images and masks.
        source: the list that names them, or the folder of their masks.

    Raises:
        DataError: some are not.
    """
    with ThreadPoolExecutor(_STATS_AT_A_TIME) as pool:
        images, masks = (
            list(pool.map(_found, places))
            for places in ([pair.images for pair in pairs], [pair.masks for pair in pairs])
        )
    for found, kind in ((images, "image"), (masks, "mask")):
        missing = [path for path, size in found if size < 0]
        if missing:
            raise DataError(
                f"{kind} {missing[0]} is missing, though {source} names it (as are "
                f"{len(missing) - 1} others): restore it or take its name out of there"
            )
    sizes = [(image[1], mask[1]) for image, mask in zip(images, masks, strict=True)]
    return Scenes(
        [pair.name for pair in pairs],
        [path for path, _ in images],
        [path for path, _ in masks],
        np.array(sizes, dtype=np.int64).reshape(-1, 2),
    )


def joined(first: Scenes, second: Scenes) -> Scenes:
    """The scenes of both, one after the other."""
    return Scenes(
        first.names + second.names,
        first.images + second.images,
        first.masks + second.masks,
        np.concatenate([first.sizes, second.sizes]),
    )


def _written(folders: Sequence[Path], name: str, suffixes: Sequence[str]) -> list[Path]:
    """A file of this name in any of these folders, however its suffix is written."""
    return [folder / f"{name}{suffix}" for suffix in suffixes for folder in folders]


def _found(places: Sequence[Path]) -> tuple[Path, int]:
    """The first place where a file is, with its size; the first and -1 where there is none."""
    sizes = ((path, _size(path)) for path in places)
    return next((found for found in sizes if found[1] >= 0), (places[0], -1))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except (OSError, ValueError):  # a name may be too long, or no file's at all
        return -1
