"""Squeeze-and-Excitation (Hu et al., "Squeeze-and-Excitation Networks")."""

from collections.abc import Mapping
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor, nn

from benchmark.basics.errors import UsageError
from benchmark.networks.attention import ChannelAttention, Form, State


class SE(ChannelAttention):
    """Global average pooling, two fully connected layers, a sigmoid gate for each channel.

    Both layers have a bias, as in the official release.

    Args:
        channels: channels of the block's output.
        reduction: ratio between ``channels`` and the hidden width, rounded down.

    Raises:
        UsageError: no hidden unit would be left.
    """

    divisors: ClassVar[Mapping[Form, int]] = {"small": 4, "cifar": 16, "imagenet": 16}

    def __init__(self, channels: int, reduction: int) -> None:
        super().__init__()
        if not 1 <= reduction <= channels:
            raise UsageError(
                f"SE: expected a reduction from 1 to {channels} channels, received {reduction}"
            )
        self.squeeze = nn.Linear(channels, channels // reduction)
        self.excite = nn.Linear(channels // reduction, channels)

    def gate(self, means: Float[Tensor, "n c"], state: State) -> tuple[Float[Tensor, "n c"], State]:
        hidden: Tensor = self.squeeze(means).relu()
        gate: Tensor = self.excite(hidden).sigmoid()
        return gate, state
