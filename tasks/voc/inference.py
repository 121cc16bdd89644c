"""Test-time inference as semseg does it: windows over a resized image, each seen twice."""

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import interpolate, pad

Network = Callable[[Tensor], Tensor]
"""Images to logits of the same height and width."""


@dataclass(frozen=True)
class Inference:
    """How a network looks at images of a test.

    Attributes:
        long_side: images are resized so that their longer side has so many pixels; None
            leaves them as they are.
        window: height and width of the windows that the network sees; None shows it all.
        flip: whether it sees each window mirrored too.
    """

    long_side: int | None = None
    window: tuple[int, int] | None = None
    flip: bool = False

    def __call__(
        self, network: Network, images: Float[Tensor, "n c h w"]
    ) -> Float[Tensor, "n classes h w"]:
        """Log-probabilities, averaged over whatever the network saw of a pixel."""
        size = images.shape[2], images.shape[3]
        if self.long_side is not None:
            factor = self.long_side / max(size)
            images = _resized(images, (round(size[0] * factor), round(size[1] * factor)))
        shares = self._seen(network, images)
        return _resized(shares, size).clamp(min=torch.finfo(shares.dtype).tiny).log()

    def _seen(
        self, network: Network, images: Float[Tensor, "n c h w"]
    ) -> Float[Tensor, "n classes h w"]:
        if self.window is None:
            return self._shares(network, images)
        return averaged(lambda part: self._shares(network, part), images, self.window)

    def _shares(
        self, network: Network, images: Float[Tensor, "n c h w"]
    ) -> Float[Tensor, "n classes h w"]:
        shares = network(images).softmax(dim=1)
        if self.flip:
            shares = (shares + network(images.flip(3)).softmax(dim=1).flip(3)) / 2
        return shares


def averaged(
    shares: Network, images: Float[Tensor, "n c h w"], window: tuple[int, int]
) -> Float[Tensor, "n classes h w"]:
    """Mean of what ``shares`` gives for windows that cover ``images``, a third overlapping.

    Images smaller than a window are padded with zeros, the mean colour, all around.
    """
    size = images.shape[2], images.shape[3]
    missing = [max(side - length, 0) for side, length in zip(window, size, strict=True)]
    above, before = (count // 2 for count in missing)
    padded = pad(images, (before, missing[1] - before, above, missing[0] - above))
    tops, lefts = (
        starts(length, side) for length, side in zip(padded.shape[2:], window, strict=True)
    )
    total, seen = None, padded.new_zeros(padded.shape[2:])
    for top in tops:
        for left in lefts:
            place = (..., slice(top, top + window[0]), slice(left, left + window[1]))
            part = shares(padded[place])
            if total is None:
                total = part.new_zeros((*part.shape[:2], *padded.shape[2:]))
            total[place] += part
            seen[place] += 1
    assert total is not None
    return (total / seen)[:, :, above : above + size[0], before : before + size[1]]


def starts(length: int, window: int) -> list[int]:
    """First pixels of windows that cover ``length``, two thirds of a window apart at most."""
    if length <= window:
        return [0]
    stride = ceil(window * 2 / 3)
    count = ceil((length - window) / stride) + 1
    return [min(at * stride, length - window) for at in range(count)]


def _resized(images: Float[Tensor, "n c h w"], size: tuple[int, int]) -> Float[Tensor, "n c h2 w2"]:
    if tuple(images.shape[2:]) == size:
        return images
    return interpolate(images, size, mode="bilinear", align_corners=False)
