"""Classes of the validation images, where folders don't say them: devkit and Kaggle's list.

The devkit numbers classes by its own ILSVRC2012_ID, from 1 and in no order of their
names; taking it for the position in the sorted list gives chance accuracy.
"""

import csv
import re
import tarfile
from collections import Counter
from collections.abc import Sequence
from io import StringIO
from pathlib import Path, PurePosixPath

import numpy as np
import torch

from tasks.errors import DataError
from tasks.folders import text_of
from tasks.imagenet.tars import Member, members
from tasks.matlab import read_struct

DEVKIT = "ILSVRC2012_devkit_t12"
KAGGLE = "LOC_val_solution.csv"
_LARGEST = 64 * 2**20
"""Bytes of a devkit, or of its meta.mat, that are unpacked: the archive has 2.5 MB."""
_HEADING = "ImageId"
_TRUTH = "ILSVRC2012_validation_ground_truth.txt"


def label_files(places: Sequence[Path]) -> list[Path]:
    """Files in any of these folders that name classes of validation images, best first."""
    names = (DEVKIT, f"{DEVKIT}.tar.gz", "meta.bin", KAGGLE)
    return [place / name for name in names for place in places if (place / name).exists()]


def labelled(places: Sequence[Path], stems: list[str]) -> list[str]:
    """Classes (WordNet ids) of validation images.

    Args:
        places: folders where a list may lie, the likeliest first.
        stems: names of the images without suffix, ascending.

    Raises:
        DataError: no list of classes, a damaged one, or one for other images.
    """
    twice = [stem for stem, count in Counter(stems).items() if count > 1]
    if twice:
        raise DataError(f"there are several validation images called {twice[0]}: keep one of them")
    found = label_files(places)
    if not found:
        raise DataError(
            f"the validation images lie in no class folders: put {DEVKIT}.tar.gz (or the folder "
            f"{DEVKIT}, or torchvision's meta.bin, or Kaggle's {KAGGLE}) into {places[0]}; "
            f"no such list is in {', '.join(map(str, places))}"
        )
    path = found[0]
    if path.name == KAGGLE:
        return _of_kaggle(path, stems)
    classes = _of_meta_bin(path) if path.name == "meta.bin" else _of_devkit(path)
    if len(classes) != len(stems):
        raise DataError(
            f"{path} names the classes of {len(classes)} validation images, but there are "
            f"{len(stems)}: unpack ILSVRC2012_img_val.tar completely"
        )
    for number, stem in enumerate(stems, start=1):
        # A list in order says nothing of images that have other names.
        if re.sub(r"^.*?0*(\d*)$", r"\1", stem) != str(number):
            raise DataError(
                f"{path} lists classes by the images' numbers, but image {number} is called {stem}:"
                " give the validation images their published names, ILSVRC2012_val_00000001 and "
                "so on"
            )
    return classes


def _of_devkit(path: Path) -> list[str]:
    try:
        meta, truth = (_member(path, name) for name in ("meta.mat", _TRUTH))
        classes = {
            int(row["ILSVRC2012_ID"]): str(row["WNID"])
            for row in read_struct(meta, "synsets", limit=_LARGEST)
            if row["num_children"] == 0
        }
        numbers = [int(line) for line in text_of(truth).split()]
    except DataError:
        raise
    except Exception as error:
        # Damaged archives and MATLAB files raise nearly anything.
        raise DataError(f"{path} is no intact devkit ({error}); fetch it again") from error
    if not classes:
        raise DataError(f"meta.mat in {path} has inner nodes only, no classes; fetch it again")
    for line, number in enumerate(numbers, start=1):
        if number not in classes:
            raise DataError(
                f"line {line} of {_TRUTH} in {path}: {number} is no class of meta.mat "
                f"(there are {min(classes)} to {max(classes)})"
            )
    return [classes[number] for number in numbers]


def _member(path: Path, name: str) -> bytes:
    if path.is_dir():
        return (path / "data" / name).read_bytes()
    wanted = PurePosixPath(DEVKIT, "data", name)
    with tarfile.open(path, tarinfo=Member) as archive:
        for member in members(archive, _LARGEST):
            if PurePosixPath(member.name) == wanted and member.isreg():
                file = archive.extractfile(member)
                assert file is not None
                return file.read()
    raise DataError(f"{path} holds no {wanted}; fetch it again")


def _of_meta_bin(path: Path) -> list[str]:
    try:
        _, classes = torch.load(path, weights_only=True)
        return [str(wnid) for wnid in classes]
    except Exception as error:
        raise DataError(f"{path} is not torchvision's meta.bin ({error})") from error


def _of_kaggle(path: Path, stems: list[str]) -> list[str]:
    try:
        rows = list(csv.reader(StringIO(text_of(path.read_bytes()), newline="")))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} is not Kaggle's list of classes ({error})") from error
    classes = {
        row[0]: row[1].split()[0]
        for row in rows
        if len(row) > 1 and row[1].split() and row[0] != _HEADING
    }
    missing = [stem for stem in stems if stem not in classes]
    if missing:
        raise DataError(
            f"{path} has no line `{missing[0]},CLASS …` (nor for {len(missing) - 1} others): take "
            "the archive's own list, unchanged, or move away images that aren't ILSVRC2012's"
        )
    if len(classes) != len(stems):
        absent = np.setdiff1d(list(classes), stems)
        raise DataError(
            f"{path} lists {len(classes)} validation images, but there are {len(stems)} "
            f"({absent[0]} is missing): unpack the archive completely"
        )
    return [classes[stem] for stem in stems]
