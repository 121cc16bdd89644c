"""Points from ShanghaiTech's annotations, which are MATLAB files."""

import zlib
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from tasks.errors import BrokenAnnotationError, DataError
from tasks.matlab import Value, read_variable

_EXPECTED = "image_info{1}.location"
_HDF5 = b"MATLAB 7.3"
_HDF5_SIGNATURE = b"\x89HDF"
_LARGEST = 64 * 2**20
"""Bytes of the largest annotation that is read: 4 million points."""


def read_points(path: Path) -> Float64[np.ndarray, "n 2"]:
    """Read columns and rows (x, y) of all points, in pixels from the image's upper left corner.

    The published files hold ``image_info``, a cell with a struct whose field ``location``
    has a row for each point. Any number of such wrappings is understood, none included.
    The field ``number`` is not read: the points are what is counted.

    Args:
        path: of the ``.mat`` file.

    Raises:
        DataError: a version or nesting that is not understood.
        BrokenAnnotationError: a file that can't be read, or points that are not finite.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise BrokenAnnotationError(f"can't read {path}: {error}") from error
    if raw.startswith((_HDF5, _HDF5_SIGNATURE)):
        raise DataError(
            f"{path} is a MATLAB file of version 7.3 (HDF5), expected version 5 as published: "
            "fetch the original, or load it in MATLAB and save it again with save(…, '-v7')"
        )
    try:
        info = read_variable(raw, "image_info", limit=_LARGEST)
    except KeyError as error:
        raise DataError(
            f"expected {_EXPECTED} in {path}, which holds {error.args[0]}: "
            "are these ShanghaiTech's annotations?"
        ) from error
    except (ValueError, IndexError, RecursionError, zlib.error) as error:
        raise BrokenAnnotationError(
            f"{path} is no intact MATLAB file ({error}): fetch it again, or leave out what is "
            "broken with --skip-broken"
        ) from error
    return _checked(_location(info, path), path)


def _location(value: Value, path: Path) -> Value:
    while isinstance(value, tuple):
        if len(value) != 1:
            raise DataError(
                f"expected {_EXPECTED} in {path}, found {len(value)} entries in image_info"
            )
        (value,) = value
    if isinstance(value, np.ndarray):
        return value
    if not isinstance(value, list):
        raise DataError(f"expected {_EXPECTED} in {path}, found image_info without a struct")
    if len(value) != 1 or "location" not in value[0]:
        fields = ", ".join(value[0]) if value else ""
        raise DataError(
            f"expected {_EXPECTED} in {path}, found {len(value)} structs of fields {fields}"
        )
    location: Value = value[0]["location"]
    return location


def _checked(location: Value, path: Path) -> Float64[np.ndarray, "n 2"]:
    if isinstance(location, tuple) and len(location) == 1:
        (location,) = location
    if not isinstance(location, np.ndarray):
        raise DataError(f"expected numbers in {_EXPECTED} of {path}, found none")
    points = location.astype(np.float64)
    if points.size == 0:
        return np.empty((0, 2))
    if points.ndim != 2 or points.shape[1] != 2:  # noqa: PLR2004 - x and y
        shape = " × ".join(map(str, points.shape))
        raise DataError(f"expected {_EXPECTED} of {path} to be n × 2 (x, y), received {shape}")
    if not np.isfinite(points).all():
        row = int(np.flatnonzero(~np.isfinite(points).all(axis=1))[0])
        raise BrokenAnnotationError(
            f"point {row + 1} of {path} is not finite ({points[row, 0]}, {points[row, 1]}): "
            "restore the file, or leave out what is broken with --skip-broken"
        )
    return points
