"""Grad-CAM: where in an image a network finds the evidence for a class.

Selvaraju et al., "Grad-CAM: Visual explanations from deep networks via gradient-based
localization": with feature maps A_k behind a layer and the class's output y before the
softmax, the map is ReLU(Σ_k α_k A_k), where α_k is ∂y/∂A_k averaged over positions.
"""

import numpy as np
import torch
from jaxtyping import Float, Float64, Int64
from numpy import ndarray
from PIL import Image
from torch import Tensor

from benchmark.basics.threads import single_thread
from benchmark.networks.connect import SchemeNetwork
from benchmark.records.pictures import Pixels

_LARGEST = 160
"""Longest side of a part that is kept: pages with many pictures must stay small."""


@single_thread()
def grad_cam(
    network: SchemeNetwork,
    images: Float[Tensor, "n c h w"],
    targets: Int64[Tensor, " n"],
    *,
    stage: int,
) -> tuple[Float[Tensor, "n i j"], Float[Tensor, "n classes"]]:
    """Map of each image for its target, behind the last block of a stage, and class probabilities.

    Args:
        network: in evaluation mode.
        images: one or more.
        targets: a class for each.
        stage: counted from 0.
    """
    whole = network.network
    blocks = whole.spec.blocks
    end = sum(whole.spec.blocks_per_stage[: stage + 1])
    with torch.no_grad():
        maps = whole.run_blocks(whole.backbone.stem(images), network.scheme, range(end))
    maps.requires_grad_()
    outputs = whole.backbone.head(whole.run_blocks(maps, network.scheme, range(end, blocks)))
    chosen = outputs.gather(1, targets[:, None]).sum()
    (gradient,) = torch.autograd.grad(chosen, maps)
    heat = (gradient.mean((2, 3), keepdim=True) * maps).sum(dim=1).relu()
    return heat.detach(), outputs.detach().softmax(dim=1)


def scaled(heat: Float[Tensor, "n i j"]) -> Float64[ndarray, "n i j"]:
    """Each map divided by its maximum; a map of zeros stays."""
    values = heat.double()
    tops = values.amax((1, 2), keepdim=True)
    result: Float64[ndarray, "n i j"] = (values / tops.clamp_min(1e-30)).numpy()
    return result


def as_picture(image: Float[Tensor, "c h w"]) -> Pixels:
    """An image for people: brightness stretched to its own range; odd planes side by side.

    One or three channels are grey or colour; any other number are grey tiles in a row. Large
    images are made smaller.
    """
    low, high = image.min(), image.max()
    bright = ((image - low) / (high - low).clamp_min(1e-12) * 255).round().to(torch.uint8)
    if len(bright) == 3:  # noqa: PLR2004 - red, green, blue
        pixels = bright.permute(1, 2, 0).contiguous().numpy()
    else:
        row = torch.cat(list(bright), dim=1)
        pixels = row[:, :, None].expand(-1, -1, 3).numpy().copy()
    longest = max(image.shape[1:])
    if longest <= _LARGEST:
        return pixels
    size = [round(side * _LARGEST / longest) for side in (pixels.shape[1], pixels.shape[0])]
    return np.asarray(Image.fromarray(pixels).resize((size[0], size[1])))


def tiles(channels: int) -> int:
    """How many times `as_picture` shows an image side by side."""
    return 1 if channels == 3 else channels  # noqa: PLR2004 - red, green, blue
