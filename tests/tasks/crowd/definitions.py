"""Density maps and their loss by definition, slow and obvious."""

import numpy as np
import torch
from jaxtyping import Float, Float64
from scipy.ndimage import gaussian_filter
from torch import Tensor
from torch.nn.functional import interpolate, mse_loss

from tasks.crowd.density import TRUNCATE
from tasks.crowd.points import People


def filtered_map(people: People, *, radius: int | None = None) -> Float64[np.ndarray, "h w"]:
    """The density of people: an image filtered for each of them.

    Each filtered point is scaled to a sum of 1, which puts back what the border cut off.
    """
    result = np.zeros(people.size)
    for (column, row), spread in zip(people.pixels, people.spreads, strict=True):
        point = np.zeros(people.size)
        point[row, column] = 1
        kernel = gaussian_filter(point, spread, mode="constant", truncate=TRUNCATE, radius=radius)
        result += kernel / kernel.sum()
    return result


def gradient(
    outputs: Float[Tensor, "1 1 rows columns"], target: Float[Tensor, "1 1 height width"]
) -> tuple[Float[Tensor, "1 1 rows columns"], int]:
    """Gradient of the mean squared error, and bytes of what was kept to compute it.

    Args:
        outputs: of a network; repeated where ``target`` is finer.
        target: its values.
    """
    kept: list[int] = []

    def keep(tensor: Tensor) -> Tensor:
        kept.append(tensor.nbytes)
        return tensor

    leaf = outputs.clone().requires_grad_()
    times = target.shape[-1] // outputs.shape[-1]
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        repeated = leaf if times == 1 else interpolate(leaf, scale_factor=times, mode="nearest")
        loss = mse_loss(repeated, target)
    (found,) = torch.autograd.grad(loss, leaf)
    return found, sum(kept)


def block_sums(
    density: Float64[np.ndarray, "height width"], cell: int
) -> Float64[np.ndarray, "rows columns"]:
    """A map of pixels, summed over cells; the last ones may reach over the border."""
    rows, columns = (range(0, side, cell) for side in density.shape)
    sums: np.ndarray = np.add.reduceat(
        np.add.reduceat(density, list(rows), axis=0), list(columns), axis=1
    )
    return sums
