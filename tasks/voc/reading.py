"""One scene from its files, and which scenes can't be read."""

import json
import os
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from tasks.decoding import decoded, failures
from tasks.errors import BrokenImageError, DataError
from tasks.fingerprints import fingerprint
from tasks.folders import keep
from tasks.voc.masks import read_mask
from tasks.voc.sbd import read_sbd
from tasks.voc.tree import Scenes

_RULES = b"2"
"""Version of the rules of what can be read; raised where they change, so that what is broken is
found anew."""


def read_scene(
    scenes: Scenes, row: int, classes: int
) -> tuple[Image.Image, UInt8[np.ndarray, "h w"]]:
    """An image in RGB, however it is stored, and its mask.

    Raises:
        BrokenImageError: one of them can't be decoded, or they don't fit each other.
        DataError: a file is gone.
    """
    place, mask_place = scenes.images[row], scenes.masks[row]
    image = decoded(_bytes(place), str(place))
    read = read_sbd if mask_place.suffix.lower() == ".mat" else read_mask
    mask = read(_bytes(mask_place), classes, str(mask_place))
    if mask.shape != (image.height, image.width):
        raise BrokenImageError(
            f"the mask {mask_place} has {mask.shape[1]}×{mask.shape[0]} pixels, but its image "
            f"{place} has {image.width}×{image.height}: restore both, or leave out what is broken "
            "with --skip-broken"
        )
    return image, mask


def unreadable(scenes: Scenes, classes: int, cache: str | None) -> list[int]:
    """Rows that `read_scene` can't give; remembered in ``cache`` until a file changes.

    A file that was mended may have the size that it had: its time tells too.

    Raises:
        DataError: a file is gone, or nothing can be kept in ``cache``.
    """
    if cache is None:
        return _failures(scenes, classes)
    paths = (*scenes.images, *scenes.masks)
    states = (os.fsencode(path) + b"\0%d\0" % _changed(path) for path in paths)
    path = Path(cache) / "indices" / f"broken-{fingerprint(_RULES, scenes.sizes, *states)}.json"
    known = _remembered(path, len(scenes))
    if known is None:
        known = _failures(scenes, classes)
        text = json.dumps(known).encode()
        keep(path, lambda file: file.write(text))
    return known


def _changed(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError as error:
        raise DataError(f"can't read {path}: {error}") from error


def _remembered(path: Path, rows: int) -> list[int] | None:
    """The rows that a file names; None where there is none, or it is damaged."""
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    fits = isinstance(known, list) and all(type(row) is int and 0 <= row < rows for row in known)
    return known if fits else None


def _failures(scenes: Scenes, classes: int) -> list[int]:
    return failures(lambda row: read_scene(scenes, row, classes), len(scenes))


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"can't read {path}: {error}") from error
