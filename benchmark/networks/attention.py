"""Self-attention modules (SAMs) that rescale a block's residual features.

Every module maps features to features of the same shape and hands a recurrent
state on to the next connected block of its stage; stateless ones pass ``None``.
"""

from abc import ABC, abstractmethod

from jaxtyping import Float
from torch import Tensor, nn

State = tuple[Tensor, Tensor] | None
"""Recurrent state ``(h, c)`` of a SAM within a stage; ``None`` before its first use."""


class Attention(nn.Module, ABC):
    """A SAM: ``forward(features, state) -> (rescaled features, next state)``."""

    @abstractmethod
    def forward(
        self, features: Float[Tensor, "n c h w"], state: State
    ) -> tuple[Float[Tensor, "n c h w"], State]:
        """Rescale ``features``; ``state`` is what the stage's last connected block left."""


class SE(Attention):
    """Squeeze-and-Excitation (Hu et al., "Squeeze-and-Excitation Networks").

    Global average pooling, two fully connected layers (both with bias, as in
    the official release), a sigmoid gate for each channel.

    Args:
        channels: channels of the block's output.
        reduction: ratio between ``channels`` and the hidden width.
    """

    def __init__(self, channels: int, *, reduction: int) -> None:
        super().__init__()
        self.squeeze = nn.Linear(channels, channels // reduction)
        self.excite = nn.Linear(channels // reduction, channels)

    def gate(self, features: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c"]:
        """The factor in (0, 1) of each channel."""
        hidden: Tensor = self.squeeze(features.mean((2, 3))).relu()
        gate: Tensor = self.excite(hidden).sigmoid()
        return gate

    def forward(
        self, features: Float[Tensor, "n c h w"], state: State
    ) -> tuple[Float[Tensor, "n c h w"], State]:
        return features * self.gate(features)[:, :, None, None], state
