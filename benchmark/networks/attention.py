"""What self-attention modules (SAMs) have in common: they rescale a block's residual features.

Every module maps features to features of the same shape and hands a recurrent
state on to the next connected block of its stage; stateless ones pass it on as it is.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar, Literal

from jaxtyping import Float
from torch import Tensor, nn

from benchmark.basics.errors import unknown_name
from benchmark.basics.names import referred
from benchmark.networks.registry import ATTENTIONS

Form = Literal["small", "cifar", "imagenet"]
"""Forms of backbones, which differ in how many channels their blocks have."""
State = tuple[Tensor, Tensor] | None
"""Recurrent state ``(h, c)`` of a SAM within a stage; ``None`` before its first use."""


class Attention(nn.Module, ABC):
    """A SAM: ``forward(features, state) -> (rescaled features, next state)``.

    It is made by ``cls(channels, divisor)``: channels of the features, and what these are divided
    by, which modules that divide nothing ignore. What ``__init__`` makes of parameters and buffers
    are their initial values, but that convolutions (2d) and linear layers left at torch's own
    are drawn as the backbone's are; ``reset_parameters``, where there is one, is called afterwards
    and has the last word. All randomness is torch's.

    Reports and papers' tables call it by the name of its class: that under which it was published.

    When schemes are scored, batch norms inside of it take statistics as the backbone's do. In
    evaluation mode a row's result must not depend on the rows beside it.
    """

    recurrent: ClassVar[bool] = False
    """Whether it works through its state, so that the blocks of a stage must share it."""
    divisors: ClassVar[Mapping[Form, int]] = {"small": 1, "cifar": 1, "imagenet": 1}
    """What channels are divided by where nobody says otherwise, by the backbone's form."""

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


def attention_class(name: str) -> type[Attention]:
    """The class of the SAM called ``name``.

    Raises:
        UsageError: no SAM has this name.
    """
    if name not in ATTENTIONS:
        raise unknown_name("attention module", name, ATTENTIONS)
    loaded: type[Attention] = referred(ATTENTIONS[name])
    assert issubclass(loaded, Attention)
    return loaded
