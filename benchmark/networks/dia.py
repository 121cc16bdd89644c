"""Dense-and-Implicit Attention (Huang et al., "DIANet: Dense-and-Implicit Attention Network")."""

from collections.abc import Mapping
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor, nn

from benchmark.basics.errors import UsageError
from benchmark.networks.attention import ChannelAttention, Form, State


class DIA(ChannelAttention):
    """An LSTM over the connected blocks of a stage, whose output gates the channels.

    As in the official release, the maps from input and from hidden state to the gates
    are each a bottleneck of two layers with biases, and the output is σ(o) · σ(c): a
    sigmoid where an LSTM has a tanh, so that it can be a gate as it is.

    Args:
        channels: channels of the blocks' outputs, and size of the state.
        reduction: ratio between ``channels`` and the hidden widths, rounded down.

    Raises:
        UsageError: no hidden unit would be left.
    """

    recurrent: ClassVar[bool] = True
    divisors: ClassVar[Mapping[Form, int]] = {"small": 4, "cifar": 4, "imagenet": 20}

    def __init__(self, channels: int, reduction: int) -> None:
        super().__init__()
        if not 1 <= reduction <= channels:
            raise UsageError(
                f"DIA: expected a reduction from 1 to {channels} channels, received {reduction}"
            )
        self.from_input = _bottleneck(channels, channels // reduction)
        self.from_state = _bottleneck(channels, channels // reduction)

    def gate(self, means: Float[Tensor, "n c"], state: State) -> tuple[Float[Tensor, "n c"], State]:
        h, c = (means.new_zeros(means.shape),) * 2 if state is None else state
        h, c = self.step(means, h, c)
        return h, (h, c)

    def step(
        self, pooled: Float[Tensor, "n c"], h: Float[Tensor, "n c"], c: Float[Tensor, "n c"]
    ) -> tuple[Float[Tensor, "n c"], Float[Tensor, "n c"]]:
        """The next ``(h, c)``; ``h`` in (0, 1) is the factor of each channel."""
        gates: Tensor = self.from_input(pooled) + self.from_state(h)
        i, f, g, o = gates.chunk(4, dim=1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        return o.sigmoid() * c.sigmoid(), c


def _bottleneck(channels: int, hidden: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(channels, hidden), nn.ReLU(inplace=True), nn.Linear(hidden, 4 * channels)
    )
