"""Classes of the validation images, where folders don't say them: devkit and Kaggle's list.

The devkit numbers classes by its own ILSVRC2012_ID, from 1 and in no order of their
names; taking it for the position in the sorted list gives chance accuracy.
"""

import csv
import tarfile
from pathlib import Path

import numpy as np
import torch

from tasks.errors import DataError
from tasks.imagenet.tars import Member, members
from tasks.matlab import read_struct

DEVKIT = "ILSVRC2012_devkit_t12"
KAGGLE = "LOC_val_solution.csv"
_LARGEST = 64 * 2**20
"""Bytes of a devkit, or of its meta.mat, that are unpacked: the archive has 2.5 MB."""
_TRUTH = "ILSVRC2012_validation_ground_truth.txt"


def label_files(root: Path) -> list[Path]:
    """Files under ``root`` that name classes of validation images, best first."""
    names = (DEVKIT, f"{DEVKIT}.tar.gz", "meta.bin", KAGGLE)
    return [root / name for name in names if (root / name).exists()]


def labelled(root: Path, stems: list[str]) -> list[str]:
    """Classes (WordNet ids) of validation images.

    Args:
        root: of the data set.
        stems: names of the images without suffix, ascending.

    Raises:
        DataError: no list of classes, a damaged one, or one for other images.
    """
    found = label_files(root)
    if not found:
        raise DataError(
            f"the validation images in {root} lie in no class folders: put {DEVKIT}.tar.gz (or "
            f"the folder {DEVKIT}, or torchvision's meta.bin, or Kaggle's {KAGGLE}) beside them"
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
    return classes


def _of_devkit(path: Path) -> list[str]:
    try:
        meta, truth = (_member(path, name) for name in ("meta.mat", _TRUTH))
        classes = {
            int(row["ILSVRC2012_ID"]): str(row["WNID"])
            for row in read_struct(meta, "synsets", limit=_LARGEST)
            if row["num_children"] == 0
        }
        numbers = [int(line) for line in truth.split()]
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
    with tarfile.open(path, tarinfo=Member) as archive:
        for member in members(archive, _LARGEST):
            if member.name == f"{DEVKIT}/data/{name}" and member.isreg():
                file = archive.extractfile(member)
                assert file is not None
                return file.read()
    raise DataError(f"{path} holds no {DEVKIT}/data/{name}; fetch it again")


def _of_meta_bin(path: Path) -> list[str]:
    try:
        _, classes = torch.load(path, weights_only=True)
        return [str(wnid) for wnid in classes]
    except Exception as error:
        raise DataError(f"{path} is not torchvision's meta.bin ({error})") from error


def _of_kaggle(path: Path, stems: list[str]) -> list[str]:
    try:
        with path.open(newline="", encoding="utf-8", errors="replace") as file:
            rows = list(csv.reader(file))[1:]
    except (OSError, csv.Error) as error:
        raise DataError(f"{path} is not Kaggle's list of classes ({error})") from error
    classes = {row[0]: row[1].split()[0] for row in rows if len(row) > 1 and row[1].split()}
    missing = [stem for stem in stems if stem not in classes]
    if missing:
        raise DataError(f"{path} has no line for {missing[0]} and {len(missing) - 1} others")
    if len(classes) != len(stems):
        absent = np.setdiff1d(list(classes), stems)
        raise DataError(
            f"{path} lists {len(classes)} validation images, but there are {len(stems)} "
            f"({absent[0]} is missing): unpack the archive completely"
        )
    return [classes[stem] for stem in stems]
