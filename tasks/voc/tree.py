"""Where VOC's images and masks lie, and which of them a list names."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Int64

from tasks.errors import DataError
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
_UNPACK = "unpack VOCtrainval_11-May-2012.tar again"
_STATS_AT_A_TIME = 32  # waiting for a network disk, mostly


class Pair(NamedTuple):
    """An image and its mask, which need not be there."""

    name: str
    image: Path
    mask: Path


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
        return collected(self._pairs(self._list(name), [_MASKS]))

    def additional(self) -> tuple[Scenes, str]:
        """Scenes that augment ``train``, and where they were found.

        They are SBD's images without VOC's own: named by a list (``trainaug.txt``)
        whose masks lie in ``SegmentationClassAug``, or SBD itself. The published
        union with VOC's ``train`` has 10,582.

        Raises:
            DataError: neither is there, or files are missing.
        """
        own = {pair.name for split in ("train", "val") for pair in self._pairs(self._list(split))}
        found, place = self._of_list() or self._of_sbd()
        return collected([pair for pair in found if pair.name not in own]), place

    def _list(self, name: str) -> Path:
        return self.root / _LISTS / f"{name}.txt"

    def _of_list(self) -> tuple[list[Pair], str] | None:
        for place in _AUGMENTED:
            if (self.root / place).is_file():
                pairs = self._pairs(self.root / place, [_AUGMENTED_MASKS, _MASKS])
                return pairs, Path(place).name
        return None

    def _of_sbd(self) -> tuple[list[Pair], str]:
        folder = sbd_folder([self.given, self.root, *self.root.parents[:2]])
        if folder is None:
            raise DataError(
                f"the augmented list needs {_LISTS}/trainaug.txt and {_AUGMENTED_MASKS}/ in "
                f"{self.root}, or SBD (benchmark_RELEASE/dataset/cls/*.mat) beside it: neither is "
                "there; unpack one of them, or choose list=train"
            )
        masks = sorted((folder / "cls").glob("*.mat"))
        bases = [self.root / _IMAGES, folder / "img"]
        pairs = [
            Pair(path.stem, _first(base / f"{path.stem}.jpg" for base in bases), path)
            for path in masks
        ]
        return pairs, "SBD"

    def _pairs(self, path: Path, masks: Sequence[str] = (_MASKS,)) -> list[Pair]:
        try:
            lines = path.read_text(encoding="utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise DataError(f"can't read the list {path} ({error}); {_UNPACK}") from error
        pairs = {}
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
                pairs[pair.name] = pair
        if not pairs:
            raise DataError(f"the list {path} is empty; {_UNPACK}")
        return list(pairs.values())

    def _pair(self, words: Sequence[str], masks: Sequence[str]) -> Pair:
        # Lists of pairs start their paths with a slash, but mean the root of the data.
        image, *mask = (word.lstrip("/") for word in words)
        name = Path(image).stem
        if mask:
            return Pair(name, self.root / image, self.root / mask[0])
        place = _first(self.root / folder / f"{name}.png" for folder in masks)
        return Pair(name, self.root / _IMAGES / f"{name}.jpg", place)


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
        "unpack VOCtrainval_11-May-2012.tar there, or name the folder that holds VOCdevkit/"
    )


def collected(pairs: Sequence[Pair]) -> Scenes:
    """Pairs whose files are all there.

    Raises:
        DataError: some are not.
    """
    images, masks = [pair.image for pair in pairs], [pair.mask for pair in pairs]
    with ThreadPoolExecutor(_STATS_AT_A_TIME) as pool:
        sizes = np.array([list(pool.map(_size, paths)) for paths in (images, masks)])
    for paths, found, kind in ((images, sizes[0], "image"), (masks, sizes[1], "mask")):
        missing = np.flatnonzero(found < 0)
        if len(missing) > 0:
            raise DataError(
                f"{kind} {paths[missing[0]]} is missing, though a list names it (as are "
                f"{len(missing) - 1} others): restore it or take it off the list"
            )
    return Scenes([pair.name for pair in pairs], images, masks, sizes.T.astype(np.int64))


def joined(first: Scenes, second: Scenes) -> Scenes:
    """The scenes of both, one after the other."""
    return Scenes(
        first.names + second.names,
        first.images + second.images,
        first.masks + second.masks,
        np.concatenate([first.sizes, second.sizes]),
    )


def _first(places: Iterable[Path]) -> Path:
    """The first that exists, else the first."""
    candidates = list(places)
    return next((path for path in candidates if _size(path) >= 0), candidates[0])


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except (OSError, ValueError):  # a name may be too long, or no file's at all
        return -1
