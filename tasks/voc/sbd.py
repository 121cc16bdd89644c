"""Masks of the Semantic Boundaries Dataset (Hariharan et al., 2011), which augment VOC's."""

from io import BytesIO
from pathlib import Path

import numpy as np
from scipy.io import loadmat

from tasks.errors import BrokenImageError
from tasks.voc.masks import Mask, checked

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
        content = loadmat(BytesIO(raw), variable_names=["GTcls"])
    except Exception as error:
        # Damaged MATLAB files raise nearly anything; version 7.3 is HDF5.
        raise BrokenImageError(
            f"{name} can't be read as a MATLAB 5 file ({error}): take SBD's own cls/*.mat, or "
            "leave out what is broken with --skip-broken"
        ) from error
    try:
        mask = np.asarray(content["GTcls"][0, 0]["Segmentation"])
    except (KeyError, IndexError, ValueError, TypeError) as error:
        kept = sorted(key for key in content if not key.startswith("__"))
        raise BrokenImageError(
            f"{name} has no GTcls.Segmentation (it holds {', '.join(kept) or 'nothing'}): take "
            "SBD's own cls/*.mat, not inst/*.mat, or leave it out with --skip-broken"
        ) from error
    if mask.dtype != np.uint8 or mask.ndim != 2:  # noqa: PLR2004 - rows and columns
        raise BrokenImageError(
            f"GTcls.Segmentation in {name} is {mask.dtype} of shape {mask.shape}: expected uint8 "
            "of two dimensions"
        )
    return checked(mask, classes, name)
