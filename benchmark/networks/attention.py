"""What self-attention modules (SAMs) have in common: they rescale a block's residual features.

Every module maps features to features of the same shape and hands a recurrent
state on to the next connected block of its stage; stateless ones pass it on as it is.
"""

from abc import ABC, abstractmethod
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor, nn

State = tuple[Tensor, Tensor] | None
"""Recurrent state ``(h, c)`` of a SAM within a stage; ``None`` before its first use."""


class Attention(nn.Module, ABC):
    """A SAM: ``forward(features, state) -> (rescaled features, next state)``."""

    recurrent: ClassVar[bool] = False
    """Whether it works through its state, so that the blocks of a stage must share it."""

    @abstractmethod
    def forward(
        self, features: Float[Tensor, "n c h w"], state: State
    ) -> tuple[Float[Tensor, "n c h w"], State]:
        """Rescale ``features`` into a new tensor.

        ``state`` is what the stage's last connected block left; it is never written to.
        """

    @abstractmethod
    def rescale_(
        self, features: Float[Tensor, "n c h w"], state: State
    ) -> tuple[Float[Tensor, "n c h w"], State]:
        """Do what `forward` does, to the bit, in the memory of ``features``."""


class ChannelAttention(Attention):
    """A SAM that sees nothing but the mean of each channel, and rescales whole channels."""

    @abstractmethod
    def gate(self, means: Float[Tensor, "n c"], state: State) -> tuple[Float[Tensor, "n c"], State]:
        """The factor in (0, 1) of each channel, and the next state."""

    def forward(
        self, features: Float[Tensor, "n c h w"], state: State
    ) -> tuple[Float[Tensor, "n c h w"], State]:
        gate, state = self.gate(features.mean((2, 3)), state)
        return features * gate[:, :, None, None], state

    def rescale_(
        self, features: Float[Tensor, "n c h w"], state: State
    ) -> tuple[Float[Tensor, "n c h w"], State]:
        gate, state = self.gate(features.mean((2, 3)), state)
        return features.mul_(gate[:, :, None, None]), state
