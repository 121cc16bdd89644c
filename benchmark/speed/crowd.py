"""Maps of density against filtering an image point by point; cells against pixels."""

from abc import ABC
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float, Float64
from scipy.ndimage import gaussian_filter
from torch import Tensor
from torch.nn.functional import interpolate, mse_loss

from benchmark.speed.base import Benchmark, Claim, Round
from benchmark.speed.networks import clock
from tasks.crowd.density import TRUNCATE, block_sums, density_map
from tasks.crowd.points import People, adaptive_spreads, pixels_of

_SIZE = 768, 1024
_POINTS = 500
_LOOKED_AT = 10
"""Points that are really filtered one by one; the time of all is scaled from them."""
_CELL = 8
_REPEATS = 5


def filtered_map(people: People, *, radius: int | None = None) -> Float64[np.ndarray, "h w"]:
    """The density of people by its definition: an image filtered for each of them.

    Each filtered point is scaled to a sum of 1, which puts back what the border cut off.
    """
    result = np.zeros(people.size)
    for (column, row), spread in zip(people.pixels, people.spreads, strict=True):
        point = np.zeros(people.size)
        point[row, column] = 1
        kernel = gaussian_filter(point, spread, mode="constant", truncate=TRUNCATE, radius=radius)
        result += kernel / kernel.sum()
    return result


class _Density(Benchmark, ABC):
    """A: the definition, from a sample of points. B: the map that training uses."""

    claim = Claim(20, least=True, unit="times")
    spread: ClassVar[float | None] = None
    radius: ClassVar[int | None] = None

    def prepare(self, rows: int) -> None:
        del rows  # points of one image
        rng = np.random.default_rng(0)
        points = rng.random((_POINTS, 2)) * _SIZE[::-1]
        adaptive = adaptive_spreads(points, _SIZE)
        spreads = adaptive if self.spread is None else np.full(_POINTS, self.spread)
        self._people = People(pixels_of(points, _SIZE), spreads, _SIZE)
        some = slice(0, _LOOKED_AT)
        self._some = People(self._people.pixels[some], spreads[some], _SIZE)
        np.testing.assert_allclose(
            density_map(self._some, radius=self.radius),
            filtered_map(self._some, radius=self.radius),
            atol=1e-12,
        )

    def measure(self) -> Round:
        with clock() as slow:
            filtered_map(self._some, radius=self.radius)
        with clock() as fast:
            for _ in range(_REPEATS):
                density_map(self._people, radius=self.radius)
        a, b = slow.seconds * _POINTS / _LOOKED_AT, fast.seconds / _REPEATS
        return Round(a / b, {"A, s": a, "B, s": b})


class DensityWindow(_Density):
    name = "density-window"
    title = (
        "density of 500 points at 768×1024, σ = 4 in windows of 15×15: filtering the image point "
        "by point (10 points, scaled) / separable windows"
    )
    spread = 4.0
    radius = 7


class DensityWide(_Density):
    name = "density-wide"
    title = (
        "density of 500 points at 768×1024, σ = 15: filtering the image point by point (10 points, "
        "scaled) / separable windows"
    )
    spread = 15.0


class DensityAdaptive(_Density):
    name = "density-adaptive"
    title = (
        "density of 500 points at 768×1024, geometry-adaptive: filtering the image point by point "
        "(10 points, scaled) / separable windows"
    )


class _Blocks(Benchmark, ABC):
    """A: outputs repeated ×8 against a map of pixels. B: outputs against means of blocks."""

    def prepare(self, rows: int) -> None:
        del rows  # one image
        rng = np.random.default_rng(0)
        points = rng.random((_POINTS, 2)) * _SIZE[::-1]
        people = People(pixels_of(points, _SIZE), np.full(_POINTS, 4.0), _SIZE)
        density = density_map(people, radius=7)
        means = block_sums(density, _CELL) / _CELL**2
        self._pixels, self._means = (
            torch.from_numpy(values)[None, None].float() for values in (density, means)
        )
        self._outputs = torch.from_numpy(rng.random(means.shape))[None, None].float()
        gradients = [gradient(self._outputs, target)[0] for target in (self._pixels, self._means)]
        torch.testing.assert_close(*gradients, atol=1e-9, rtol=1e-4)


class BlocksTime(_Blocks):
    name = "density-blocks"
    title = (
        "gradient of one image's loss at 768×1024: outputs repeated ×8 against pixels / outputs "
        "against means of 8×8 blocks"
    )

    def measure(self) -> Round:
        with clock() as slow:
            gradient(self._outputs, self._pixels)
        with clock() as fast:
            for _ in range(_REPEATS):
                gradient(self._outputs, self._means)
        b = fast.seconds / _REPEATS
        return Round(slow.seconds / b, {"A, s": slow.seconds, "B, s": b})


class BlocksMemory(_Blocks):
    name = "density-blocks-memory"
    title = (
        "target of one image at 768×1024 and what its loss keeps for the gradient, in bytes: "
        "outputs repeated ×8 against pixels / outputs against means of 8×8 blocks"
    )
    claim = Claim(64, least=True, unit="times")

    def measure(self) -> Round:
        pixels, means = (
            target.nbytes + gradient(self._outputs, target)[1]
            for target in (self._pixels, self._means)
        )
        return Round(pixels / means, {"A, MiB": pixels / 2**20, "B, MiB": means / 2**20})


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
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        loss = mse_loss(_repeated(leaf, target.shape[-1] // outputs.shape[-1]), target)
    (found,) = torch.autograd.grad(loss, leaf)
    return found, sum(kept)


def _repeated(outputs: Tensor, times: int) -> Tensor:
    return outputs if times == 1 else interpolate(outputs, scale_factor=times, mode="nearest")
