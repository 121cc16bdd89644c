"""Density maps: how many people each cell of an image shows, a Gaussian for each.

Kernels are windows of sampled Gaussians, cut at the border and scaled back to a sum of
1, so that a map's sum is the number of people up to rounding. As a kernel is the product
of a column and a row, its sums over blocks are the product of their sums: maps of cells
are made without those of pixels.
"""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float64, Int64

from tasks.crowd.points import People

TRUNCATE = 4.0
"""Spreads after which a kernel ends where no radius is given, as in scipy's filters."""
_NARROWEST = 1e-3  # pixels; a spread of zero is one pixel

Kernels = tuple[Int64[np.ndarray, " m"], Float64[np.ndarray, "m cells"]]
"""First cell (which may lie outside) and weights of each point along one axis."""


def density_map(
    people: People, *, cell: int = 1, radius: int | None = None, whole: bool = True
) -> Float64[np.ndarray, "rows columns"]:
    """People in each cell of ``cell`` × ``cell`` pixels.

    Where a side is no multiple of ``cell``, the last cells reach over the border.

    Args:
        people: points, spreads and the size of the image.
        cell: side of a cell, in pixels.
        radius: of every kernel, in pixels; None takes four spreads of each point.
        whole: whether what the border cuts off a kernel is put back into it; else it is
            lost, and so are parts of people.
    """
    height, width = people.size
    result = np.zeros((-(-height // cell), -(-width // cell)))
    for reach, rows in _by_radius(people, radius):
        columns, lines = people.pixels[rows].T
        spreads = people.spreads[rows]
        vertical = _kernels(lines, spreads, reach, height, cell, whole=whole)
        horizontal = _kernels(columns, spreads, reach, width, cell, whole=whole)
        _add(result, vertical, horizontal)
    return result


def _by_radius(people: People, radius: int | None) -> Iterator[tuple[int, Int64[np.ndarray, " m"]]]:
    # Rounded as in scipy's gaussian_filter.
    radii = TRUNCATE * people.spreads + 0.5 if radius is None else np.full(len(people), radius)
    radii = radii.astype(np.int64)
    for each in np.unique(radii):
        yield int(each), np.flatnonzero(radii == each)


def _kernels(
    centres: Int64[np.ndarray, " m"],
    spreads: Float64[np.ndarray, " m"],
    radius: int,
    side: int,
    cell: int,
    *,
    whole: bool,
) -> Kernels:
    offsets = np.arange(-radius, radius + 1)
    weights = np.exp(-0.5 * (offsets / np.maximum(spreads, _NARROWEST)[:, None]) ** 2)
    uncut = weights.sum(axis=1, keepdims=True)
    places = centres[:, None] + offsets
    weights[(places < 0) | (places >= side)] = 0
    weights /= weights.sum(axis=1, keepdims=True) if whole else uncut
    first = places[:, 0] // cell
    if cell == 1:
        return first, weights
    cells = 2 * radius // cell + 2
    into = places // cell - first[:, None] + cells * np.arange(len(centres))[:, None]
    folded = np.bincount(into.ravel(), weights.ravel(), minlength=cells * len(centres))
    return first, folded.reshape(len(centres), cells)


def _add(
    result: Float64[np.ndarray, "rows columns"], vertical: Kernels, horizontal: Kernels
) -> None:
    """Add each point's kernel to ``result``, as far as it lies inside."""
    tops, lefts = vertical[0].tolist(), horizontal[0].tolist()
    for top, left, column, row in zip(tops, lefts, vertical[1], horizontal[1], strict=True):
        above, before = max(-top, 0), max(-left, 0)
        part = result[top + above : top + len(column), left + before : left + len(row)]
        height, width = part.shape
        part += column[above : above + height, None] * row[None, before : before + width]
