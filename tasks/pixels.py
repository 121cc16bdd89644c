"""Images kept as bytes and turned into floats batch by batch, where they are wanted."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int64, Shaped, UInt8
from numpy.lib.stride_tricks import sliding_window_view
from torch import Tensor
from torch.nn.functional import pad

from tasks.splits import Batches, Labelled, spans

Pixels = UInt8[Tensor, "n c h w"]


@dataclass(frozen=True)
class Normalisation:
    """Mean and standard deviation of each channel, for values in [0, 1]."""

    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __call__(self, pixels: Pixels) -> Float[Tensor, "n c h w"]:
        """``(pixels / 255 - mean) / std`` in float32, on the device of ``pixels``."""
        mean, std = (
            torch.tensor(values, device=pixels.device).mul_(255)[:, None, None]
            for values in (self.mean, self.std)
        )
        return pixels.float().sub_(mean).div_(std)


@dataclass(frozen=True)
class PixelSplit(Labelled):
    """Images in memory as bytes, normalised as they are given out."""

    pixels: Pixels
    targets: Shaped[Tensor, "n ..."]
    normalisation: Normalisation

    def batches(self, size: int) -> Batches:
        for part in spans(len(self), size):
            rows = slice(part.start, part.stop)
            yield self.normalisation(self.pixels[rows]), self.targets[rows]

    def to(self, device: str) -> "PixelSplit":
        return PixelSplit(self.pixels.to(device), self.targets.to(device), self.normalisation)

    def take(self, rows: Int64[np.ndarray, " m"]) -> "PixelSplit":
        chosen = torch.from_numpy(rows).to(self.targets.device)
        return PixelSplit(self.pixels[chosen], self.targets[chosen], self.normalisation)


def padded(pixels: Pixels, margin: int) -> UInt8[Tensor, "n c h2 w2"]:
    """Images with a black border of ``margin`` pixels, to be cropped from."""
    return pad(pixels, (margin, margin, margin, margin)) if margin else pixels


def cropped(
    bordered: UInt8[Tensor, "n c h2 w2"],
    rows: Int64[Tensor, " b"],
    corners: Int64[Tensor, "b 2"],
    flips: Bool[Tensor, " b"],
    size: tuple[int, int],
) -> UInt8[Tensor, "b c h w"]:
    """Windows of bordered images, all of a batch at once.

    Args:
        bordered: images as `padded` returns them.
        rows: which image each window is taken from.
        corners: top and left of each window.
        flips: which windows are mirrored left to right, after cropping.
        size: height and width of a window.
    """
    device = bordered.device
    rows, corners, flips = (part.to(device) for part in (rows, corners, flips))
    cut = _cut_by_numpy if device.type == "cpu" else cut_by_torch
    return cut(bordered, rows, corners, flips, size)


def cut_by_torch(
    bordered: UInt8[Tensor, "n c h2 w2"],
    rows: Int64[Tensor, " b"],
    corners: Int64[Tensor, "b 2"],
    flips: Bool[Tensor, " b"],
    size: tuple[int, int],
) -> UInt8[Tensor, "b c h w"]:
    """The windows that `cropped` gives, on whichever device the images are."""
    height, width = size
    windows = bordered.unfold(2, height, 1).unfold(3, width, 1)
    cut = windows[rows, :, corners[:, 0], corners[:, 1]]
    return torch.where(flips[:, None, None, None], cut.flip(3), cut)


def _cut_by_numpy(
    bordered: UInt8[Tensor, "n c h2 w2"],
    rows: Int64[Tensor, " b"],
    corners: Int64[Tensor, "b 2"],
    flips: Bool[Tensor, " b"],
    size: tuple[int, int],
) -> UInt8[Tensor, "b c h w"]:
    # Numpy copies windows line by line, torch byte by byte: a third of the time.
    windows = sliding_window_view(bordered.numpy(), size, axis=(2, 3))
    cut = windows[rows.numpy(), :, corners[:, 0].numpy(), corners[:, 1].numpy()]
    mirrored = flips.numpy()
    cut[mirrored] = cut[mirrored, ..., ::-1]
    return torch.from_numpy(cut)
