"""People of an image, each a point and how far it is spread."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float64, Int64
from scipy.spatial import cKDTree

NEIGHBOURS = 3
BETA = 0.3
"""Spread of a point by the mean distance to its three nearest neighbours (MCNN, CSRNet)."""


@dataclass(frozen=True)
class People:
    """The people that an image (or a part of it) shows.

    Attributes:
        pixels: column and row of the pixel that each point lies in.
        spreads: standard deviation of each point's Gaussian, in pixels.
        size: height and width of the image.
    """

    pixels: Int64[np.ndarray, "n 2"]
    spreads: Float64[np.ndarray, " n"]
    size: tuple[int, int]

    def __len__(self) -> int:
        return len(self.pixels)

    def mirrored(self) -> "People":
        """Left and right swapped, pixel by pixel."""
        columns, rows = self.pixels.T
        return replace(self, pixels=np.stack([self.size[1] - 1 - columns, rows], axis=1))

    def cropped(self, corner: tuple[int, int], size: tuple[int, int]) -> "People":
        """Those in a window, as far as it lies in the image.

        Args:
            corner: row and column of the window's first pixel.
            size: height and width of the window.
        """
        top, left = corner
        height, width = min(size[0], self.size[0] - top), min(size[1], self.size[1] - left)
        columns, rows = (self.pixels - np.array([left, top])).T
        kept = (columns >= 0) & (columns < width) & (rows >= 0) & (rows < height)
        pixels = np.stack([columns[kept], rows[kept]], axis=1)
        return People(pixels, self.spreads[kept], (height, width))


def inside(points: Float64[np.ndarray, "n 2"], size: tuple[int, int]) -> Bool[np.ndarray, " n"]:
    """Which points (x, y) lie in an image of ``size`` (height, width), its border included."""
    (x, y), (height, width) = points.T, size
    found: np.ndarray = (x >= 0) & (x <= width) & (y >= 0) & (y <= height)
    return found


def pixels_of(
    points: Float64[np.ndarray, "n 2"], size: tuple[int, int]
) -> Int64[np.ndarray, "n 2"]:
    """The pixel (column, row) of each point inside; the border belongs to the last pixel."""
    last = np.array(size[::-1]) - 1
    found: np.ndarray = np.minimum(np.floor(points).astype(np.int64), last)
    return found


def adaptive_spreads(
    points: Float64[np.ndarray, "n 2"], size: tuple[int, int]
) -> Float64[np.ndarray, " n"]:
    """0.3 times the mean distance to the three nearest other points.

    After Zhang et al., "Single-Image Crowd Counting via Multi-Column Convolutional Neural
    Network", as in CSRNet. Of fewer than four points, all others are neighbours; a
    lonely one is spread by a quarter of the image's mean side, as in CSRNet.

    Args:
        points: x and y of each.
        size: height and width of the image.
    """
    neighbours = min(NEIGHBOURS, len(points) - 1)
    if neighbours < 1:
        return np.full(len(points), sum(size) / 2 / 4, dtype=np.float64)
    distances, _ = cKDTree(points).query(points, k=neighbours + 1)
    # The nearest is the point itself, or one on top of it: a distance of zero either way.
    spreads: np.ndarray = BETA * distances[:, 1:].mean(axis=1)
    return spreads
