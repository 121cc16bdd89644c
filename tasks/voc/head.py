"""PSPNet's head (Zhao et al., "Pyramid Scene Parsing Network"), with semseg's widths."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d, batch_norm, interpolate

from tasks.parts import Head

_DROPOUT = 0.1


@dataclass(frozen=True)
class PyramidHead(Head):
    """Pools the last stage at several grains; trains with an auxiliary head on an earlier one.

    Attributes:
        classes: of a pixel.
        bins: of the pooled maps, along each side.
        hidden: channels in front of the last convolution.
        auxiliary: the same of the auxiliary head.
    """

    classes: int
    bins: tuple[int, ...] = (1, 2, 3, 6)
    hidden: int = 512
    auxiliary: int = 256

    def build(self, channels: tuple[int, ...]) -> nn.Module:
        earlier, last = channels
        return Pyramid(self, earlier, last)


class Pyramid(nn.Module):
    """The module of `PyramidHead`.

    Args:
        spec: its shape.
        earlier: channels of the stage that the auxiliary head sees.
        last: channels of the last stage.
    """

    def __init__(self, spec: PyramidHead, earlier: int, last: int) -> None:
        super().__init__()
        each = max(1, last // len(spec.bins))
        self.pools = nn.ModuleList([Pool(last, each, bins) for bins in spec.bins])
        self.main = Classifier(last + each * len(spec.bins), spec.hidden, spec.classes)
        self.auxiliary = Classifier(earlier, spec.auxiliary, spec.classes)

    def forward(
        self, features: tuple[Tensor, ...], size: tuple[int, int]
    ) -> Tensor | tuple[Tensor, ...]:
        """Logits of each pixel of images of ``size``; in training the auxiliary ones too."""
        earlier, last = features
        pooled = [pool(last) for pool in self.pools]
        outputs = _upsampled(self.main(torch.cat([last, *pooled], dim=1)), size)
        if not self.training:
            return outputs
        return outputs, _upsampled(self.auxiliary(earlier), size)


class Pool(nn.Module):
    """Features pooled to ``bins`` × ``bins``, reduced, and enlarged again."""

    def __init__(self, inputs: int, outputs: int, bins: int) -> None:
        super().__init__()
        self.bins = bins
        self.conv = nn.Conv2d(inputs, outputs, 1, bias=False)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, features: Float[Tensor, "n c h w"]) -> Float[Tensor, "n k h w"]:
        pooled = self.conv(adaptive_avg_pool2d(features, self.bins))
        if self.training and pooled.numel() == pooled.shape[1]:
            # A single value has no variance: an epoch's last batch of one image.
            norm = self.norm
            assert isinstance(norm.running_mean, Tensor)
            pooled = batch_norm(
                pooled, norm.running_mean, norm.running_var, norm.weight, norm.bias, eps=norm.eps
            )
        else:
            pooled = self.norm(pooled)
        return _upsampled(pooled.relu(), (features.shape[2], features.shape[3]))


class Classifier(nn.Module):
    """A 3×3 convolution, dropout of channels, and a 1×1 convolution to logits."""

    def __init__(self, inputs: int, hidden: int, classes: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, hidden, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(hidden)
        self.dropout = nn.Dropout2d(_DROPOUT)
        self.predict = nn.Conv2d(hidden, classes, 1)

    def forward(self, features: Float[Tensor, "n c h w"]) -> Float[Tensor, "n classes h w"]:
        hidden = self.norm(self.conv(features)).relu()
        logits: Tensor = self.predict(self.dropout(hidden))
        return logits


def _upsampled(
    features: Float[Tensor, "n c h w"], size: tuple[int, int]
) -> Float[Tensor, "n c h2 w2"]:
    # Corners on corners, which is exact where sides are 8k + 1.
    return interpolate(features, size, mode="bilinear", align_corners=True)
