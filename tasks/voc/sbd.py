"""Masks of the Semantic Boundaries Dataset (Hariharan et al., 2011), which augment VOC's."""

import zlib
from pathlib import Path

import numpy as np

from tasks.errors import BrokenImageError
from tasks.matlab import read_variable
from tasks.voc.masks import Mask, checked

_LARGEST = 64 * 2**20
"""Bytes of the largest mask that is read."""
_PLACES = (
    "benchmark_RELEASE/dataset",
    "benchmark/benchmark_RELEASE/dataset",
    "dataset",
    "SBD",
    "SBD/dataset",
    "sbd",
    "VOCaug/dataset",
)


def sbd_folder(beside: list[Path]) -> Path | None:
    """The folder with SBD's ``cls/*.mat``, in or ``beside`` any of these, under its usual names."""
    for base in beside:
        for place in ("", *_PLACES):
            folder = base / place
            if (folder / "cls").is_dir():
                return folder
    return None


def read_sbd(raw: bytes, classes: int, name: str) -> Mask:
    """Class numbers of each pixel, from ``GTcls.Segmentation`` of a ``cls/*.mat``.

    Raises:
        BrokenImageError: the file is damaged, or of another form.
    """
    try:
        struct = read_variable(raw, "GTcls", limit=_LARGEST)
    except KeyError as error:
        raise BrokenImageError(_lack(name, error.args[0])) from error
    except (ValueError, IndexError, RecursionError, zlib.error) as error:
        raise BrokenImageError(
            f"{name} can't be read as a MATLAB 5 file ({error}): take SBD's own cls/*.mat, or "
            "leave out what is broken with --skip-broken"
        ) from error
    row = struct[0] if isinstance(struct, list) and struct else {}
    mask = row.get("Segmentation")
    if not isinstance(mask, np.ndarray):
        raise BrokenImageError(_lack(name, "GTcls"))
    if mask.dtype != np.uint8 or mask.ndim != 2:  # noqa: PLR2004 - rows and columns
        raise BrokenImageError(
            f"GTcls.Segmentation in {name} is {mask.dtype} of shape {mask.shape}: expected uint8 "
            "of two dimensions"
        )
    return checked(mask, classes, name)


def _lack(name: str, held: str) -> str:
    return (
        f"{name} has no GTcls.Segmentation (it holds {held}): take SBD's own cls/*.mat, not "
        "inst/*.mat, or leave it out with --skip-broken"
    )
