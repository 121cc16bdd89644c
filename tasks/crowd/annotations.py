"""Points from ShanghaiTech's annotations, which are MATLAB files."""

from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64
from scipy.io import loadmat

from tasks.errors import BrokenAnnotationError, DataError

_EXPECTED = "image_info{1}.location"
_HDF5 = b"MATLAB 7.3"
_HDF5_SIGNATURE = b"\x89HDF"


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
        with path.open("rb") as file:
            head = file.read(len(_HDF5))
    except OSError as error:
        raise BrokenAnnotationError(f"can't read {path}: {error}") from error
    if head.startswith((_HDF5, _HDF5_SIGNATURE)):
        raise DataError(
            f"{path} is a MATLAB file of version 7.3 (HDF5), expected version 5 as published: "
            "fetch the original, or load it in MATLAB and save it again with save(…, '-v7')"
        )
    try:
        content = loadmat(path)
    except Exception as error:
        # Damaged MATLAB files raise nearly anything.
        raise BrokenAnnotationError(
            f"{path} is no intact MATLAB file ({error}): fetch it again, or leave out what is "
            "broken with --skip-broken"
        ) from error
    return _checked(_location(content, path), path)


def _location(content: dict[str, Any], path: Path) -> Any:
    names = [name for name in content if not name.startswith("__")]
    if "image_info" not in content:
        raise DataError(
            f"expected {_EXPECTED} in {path}, which holds {', '.join(names) or 'nothing'}: "
            "are these ShanghaiTech's annotations?"
        )
    value = content["image_info"]
    while isinstance(value, np.ndarray) and value.dtype.names is None and value.dtype == object:
        if value.size != 1:
            raise DataError(
                f"expected {_EXPECTED} in {path}, found {value.size} entries in image_info"
            )
        value = value.item()
    if not isinstance(value, np.ndarray) or value.dtype.names is None:
        if isinstance(value, np.ndarray) and value.dtype.kind in "iuf":
            return value
        raise DataError(f"expected {_EXPECTED} in {path}, found image_info without a struct")
    if "location" not in value.dtype.names or value.size != 1:
        fields = ", ".join(value.dtype.names)
        raise DataError(
            f"expected {_EXPECTED} in {path}, found {value.size} structs of fields {fields}"
        )
    return value["location"].item()


def _checked(location: Any, path: Path) -> Float64[np.ndarray, "n 2"]:
    found = np.asarray(location)
    if found.dtype == object and found.size == 1:
        found = np.asarray(found.item())
    if found.dtype.kind not in "iuf":
        raise DataError(f"expected numbers in {_EXPECTED} of {path}, found {found.dtype}")
    points = found.astype(np.float64)
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
