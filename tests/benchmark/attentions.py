"""Every registered attention module, and modules such as users write, registered for tests.

What holds for all modules is tested over `KINDS`; nobody lists names by hand.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import ClassVar

import torch
from torch import Tensor, nn

from benchmark.networks.attention import (
    Attention,
    ChannelAttention,
    Form,
    State,
    attention_class,
)
from benchmark.networks.connect import SHARINGS, Sharing
from benchmark.networks.registry import ATTENTIONS


class CBAM(Attention):
    """Woo et al., "CBAM": gates by channel, then by position, with a batch norm in each."""

    divisors: ClassVar[Mapping[Form, int]] = {"small": 4, "cifar": 16, "imagenet": 16}

    def __init__(self, channels: int, divisor: int) -> None:
        super().__init__()
        hidden = channels // divisor
        self.bottleneck = nn.Sequential(
            nn.Linear(channels, hidden, bias=False),
            nn.BatchNorm1d(hidden),
            nn.ReLU(inplace=True),
            nn.Linear(hidden, channels),
        )
        self.convolution = nn.Conv2d(2, 1, 7, padding=3, bias=False)
        self.norm = nn.BatchNorm2d(1, affine=channels > 4)  # without an affine map too

    def forward(self, features: Tensor, state: State) -> tuple[Tensor, State]:
        features = features * self._channels(features)
        return features * self._positions(features), state

    def rescale_(self, features: Tensor, state: State) -> tuple[Tensor, State]:
        features.mul_(self._channels(features))
        return features.mul_(self._positions(features)), state

    def _channels(self, features: Tensor) -> Tensor:
        # Two poolings through one norm, which is so called twice.
        pooled = self.bottleneck(features.mean((2, 3))) + self.bottleneck(features.amax((2, 3)))
        gate: Tensor = pooled.sigmoid()[:, :, None, None]
        return gate

    def _positions(self, features: Tensor) -> Tensor:
        maps = torch.stack([features.amax(1), features.mean(1)], dim=1)
        gate: Tensor = self.norm(self.convolution(maps)).sigmoid()
        return gate


class Mixed(ChannelAttention):
    """A one-dimensional convolution over channels (as in Wang et al., "ECA-Net"), a layer norm,
    bare parameters, and buffers, some of them not in state dictionaries.
    """

    order: Tensor
    signs: Tensor

    def __init__(self, channels: int, divisor: int) -> None:
        super().__init__()
        del divisor
        self.convolution = nn.Conv1d(1, 1, 3, padding=1, bias=False)
        self.norm = nn.LayerNorm(channels)
        self.scale = nn.Parameter(torch.empty(channels))
        self.shift = nn.Parameter(torch.full((channels,), 0.5))
        self.register_buffer("order", torch.arange(channels - 1, -1, -1), persistent=False)
        self.register_buffer("signs", torch.ones(channels, dtype=torch.bool))

    def reset_parameters(self) -> None:
        nn.init.normal_(self.scale)

    def gate(self, means: Tensor, state: State) -> tuple[Tensor, State]:
        means = self.norm(self.convolution(means[:, None])[:, 0])
        gate = means[:, self.order] * self.scale * self.signs + self.shift
        return gate.sigmoid(), state


class Recurrent(ChannelAttention):
    """A state that batch norms were applied to."""

    recurrent: ClassVar[bool] = True

    def __init__(self, channels: int, divisor: int) -> None:
        super().__init__()
        del divisor
        self.norm = nn.BatchNorm1d(channels)
        self.mixed = nn.Linear(2 * channels, channels)

    def gate(self, means: Tensor, state: State) -> tuple[Tensor, State]:
        before, count = (torch.zeros_like(means),) * 2 if state is None else state
        gate: Tensor = self.mixed(torch.cat([self.norm(means), before], dim=1)).sigmoid()
        return gate, (gate, count + 1)


OTHERS: dict[str, type[Attention]] = {
    "test-cbam": CBAM,
    "test-mixed": Mixed,
    "test-recurrent": Recurrent,
}
"""Modules that don't ship, by the names that `registered` gives them."""
NAMES = [*ATTENTIONS, *OTHERS]


@contextmanager
def registered(others: Mapping[str, type[Attention]] = OTHERS) -> Iterator[None]:
    """Lists ``others`` among the attention modules while inside; in this process only."""
    places = {name: f"{other.__module__}:{other.__qualname__}" for name, other in others.items()}
    ATTENTIONS.update(places)
    try:
        yield
    finally:
        for name in places:
            del ATTENTIONS[name]


with registered():
    KINDS: list[tuple[str, Sharing]] = [
        (name, sharing)
        for name in NAMES
        for sharing in SHARINGS
        if sharing == "share" or not attention_class(name).recurrent
    ]
    """Every module in every sharing that it can have."""
