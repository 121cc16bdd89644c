"""ShanghaiTech as it lies on disks: the original archive and its mirrors."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tasks.errors import DataError
from tasks.folders import names

Part = Literal["A", "B"]
Half = Literal["train_data", "test_data"]

BASES = ("", "ShanghaiTech")
"""Folders that mirrors put around the parts."""
PARTS = ("part_{}_final", "part_{}")
ANNOTATIONS = ("ground_truth", "ground-truth")
_IMAGES = (".jpg", ".jpeg")


@dataclass(frozen=True)
class Pair:
    """An image and its annotation.

    Attributes:
        name: of the image, with its half; the same in every layout.
        image: where it is.
        annotation: where its points are.
    """

    name: str
    image: Path
    annotation: Path


@dataclass(frozen=True)
class Paired:
    """Images of one half in the order of their numbers.

    Attributes:
        pairs: images with their annotations.
        unpaired: names of files that lack the other one.
    """

    pairs: list[Pair]
    unpaired: list[str]


def recognised(root: Path, part: Part) -> Path:
    """The folder of ``part`` in the data at ``root``.

    Raises:
        DataError: there is none.
    """
    for base in BASES:
        for pattern in PARTS:
            place = root / base / pattern.format(part)
            if (place / "train_data").is_dir() and (place / "test_data").is_dir():
                return place
    wanted = " or ".join(pattern.format(part) for pattern in PARTS)
    raise DataError(
        f"expected ShanghaiTech in {root}, found no {wanted} with train_data/ and test_data/: "
        "give the folder that holds them with --data"
    )


def paired(place: Path, half: Half, *, skip: bool = False) -> Paired:
    """Images and annotations of one half of a part.

    Args:
        place: the part's folder.
        half: which.
        skip: leave out files that lack the other one instead of stopping there.

    Raises:
        DataError: no images or annotations, or some without the other.
    """
    folder = place / half
    images = _files(folder / "images", _IMAGES)
    if not images:
        raise DataError(f"{folder / 'images'} holds no JPEGs; unpack the data set completely")
    truths = next((folder / name for name in ANNOTATIONS if (folder / name).is_dir()), None)
    if truths is None:
        raise DataError(
            f"{folder} has neither {' nor '.join(ANNOTATIONS)}; unpack the data set completely"
        )
    annotations = _files(truths, (".mat",), prefix="GT_")
    lacking = [images[stem] for stem in _ordered(images.keys() - annotations.keys())]
    lacking += [annotations[stem] for stem in _ordered(annotations.keys() - images.keys())]
    if lacking and not skip:
        raise DataError(_lack(lacking, truths))
    stems = _ordered(images.keys() & annotations.keys())
    pairs = [Pair(f"{half}/{stem}", images[stem], annotations[stem]) for stem in stems]
    return Paired(pairs, [f"{half}/{path.name}" for path in lacking])


def _files(folder: Path, suffixes: Sequence[str], prefix: str = "") -> dict[str, Path]:
    """Files by their names without ``prefix`` and suffix."""
    found: dict[str, Path] = {}
    for name in names(folder, *suffixes):
        stem = Path(name).stem.removeprefix(prefix)
        if stem in found:
            raise DataError(f"{folder} holds both {found[stem].name} and {name}: keep one of them")
        found[stem] = folder / name
    return found


def _ordered(stems: set[str]) -> list[str]:
    """By number: IMG_9 before IMG_10."""
    return sorted(stems, key=lambda stem: (int("0" + "".join(re.findall(r"\d", stem))), stem))


def _lack(lacking: list[Path], truths: Path) -> str:
    first = lacking[0]
    others = f" (and {len(lacking) - 1} other files)" if len(lacking) > 1 else ""
    if first.suffix.lower() in _IMAGES:
        what = f"image {first} has no annotation: expected {truths / f'GT_{first.stem}.mat'}"
    else:
        what = f"annotation {first} has no image {first.stem.removeprefix('GT_')}.jpg"
    return f"{what}{others}; unpack the data set completely, or leave them out with --skip-broken"
