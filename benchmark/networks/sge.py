"""Spatial Group-wise Enhance.

Li et al., "Spatial Group-wise Enhance: Improving Semantic Feature Learning in
Convolutional Networks".
"""

from collections.abc import Mapping
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from benchmark.basics.errors import UsageError
from benchmark.networks.attention import Attention, Form, State

EPSILON = 1e-5
"""Added to the standard deviation (not to the variance), as in the official release."""


class SGE(Attention):
    """A sigmoid gate for each position and group of channels.

    In each group, the similarity of a position to the group's mean feature vector is
    normalised over positions by mean and unbiased (Bessel's) standard deviation, then
    scaled and shifted by the group's two learned numbers.

    Args:
        channels: channels of the block's output.
        groups: number of groups that ``channels`` are split into.

    Raises:
        UsageError: the groups would not be equally large.
    """

    divisors: ClassVar[Mapping[Form, int]] = {"small": 4, "cifar": 4, "imagenet": 64}

    def __init__(self, channels: int, groups: int) -> None:
        super().__init__()
        if groups < 1 or channels % groups:
            raise UsageError(
                f"SGE: expected a number of groups that divides {channels} channels, "
                f"received {groups}"
            )
        self.scale = nn.Parameter(torch.empty(groups))
        self.shift = nn.Parameter(torch.empty(groups))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Start at scale γ = 0 and shift β = 1: every gate is σ(1)."""
        nn.init.zeros_(self.scale)
        nn.init.ones_(self.shift)

    def gate(self, features: Float[Tensor, "n c h w"]) -> Float[Tensor, "n groups h w"]:
        """The factor in (0, 1) of each group at each position.

        Raises:
            UsageError: maps of one position, which have no deviation.
        """
        if features.shape[2] * features.shape[3] < 2:  # noqa: PLR2004 - Bessel's n − 1
            raise UsageError(
                "SGE: expected feature maps of at least two positions, received 1×1; "
                "use larger images, a backbone with fewer stages, or another attention module"
            )
        grouped = self._grouped(features)
        similarity = (grouped * grouped.mean((3, 4), keepdim=True)).sum(2)
        deviation, mean = torch.std_mean(similarity, (2, 3), keepdim=True)
        normalised = (similarity - mean) / (deviation + EPSILON)
        gate: Tensor = normalised * self.scale[:, None, None] + self.shift[:, None, None]
        return gate.sigmoid()

    def forward(
        self, features: Float[Tensor, "n c h w"], state: State
    ) -> tuple[Float[Tensor, "n c h w"], State]:
        return (self._grouped(features) * self.gate(features)[:, :, None]).flatten(1, 2), state

    def rescale_(
        self, features: Float[Tensor, "n c h w"], state: State
    ) -> tuple[Float[Tensor, "n c h w"], State]:
        self._grouped(features).mul_(self.gate(features)[:, :, None])
        return features, state

    def _grouped(
        self, features: Float[Tensor, "n c h w"]
    ) -> Float[Tensor, "n groups channels h w"]:
        grouped: Tensor = features.unflatten(1, (len(self.scale), -1))  # type: ignore[no-untyped-call]  # torch's own
        return grouped
