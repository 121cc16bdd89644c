"""What a task changes about a backbone: how its stages are used, and what stands on them."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import nn


@dataclass(frozen=True)
class Trunk:
    """How a task uses the stages of its backbone; picklable, and part of identities.

    Attributes:
        stages: leading stages that are used; None uses all.
        strides: of each used stage's first block; empty leaves the backbone's own (1, 2, 2, …).
        dilations: of each used stage's 3×3 convolutions; empty for 1 everywhere.
        earlier: stages, counted from 0, whose features the head is given beside the last one's.
        output_stride: what height and width of images must be divided by in the last stage's
            features, stem included; None takes whatever comes.
    """

    stages: int | None = None
    strides: tuple[int, ...] = ()
    dilations: tuple[int, ...] = ()
    earlier: tuple[int, ...] = ()
    output_stride: int | None = None


@dataclass(frozen=True)
class Head(ABC):
    """What stands on a backbone's blocks instead of pooling and a linear classifier.

    A frozen dataclass whose fields are JSON values: picklable, and part of identities.
    The module that it makes is called as ``module(features, size)``: features of the
    `Trunk.earlier` stages and, at last, of the last one, and height and width of the images.
    It returns a tensor whose first axis are rows; in training mode it may return a tuple, the
    outputs first, which `Task.loss` then gets. It draws nothing at random but through
    `torch.nn.Dropout`.
    """

    @abstractmethod
    def build(self, channels: tuple[int, ...]) -> nn.Module:
        """The module for features of so many ``channels``, its weights not yet drawn."""

    def initialise(self, module: nn.Module, generator: torch.Generator) -> None:  # noqa: B027 - most draw no others
        """Draw initial weights other than the usual ones, in place.

        Called when everything has the values that `build` gave it, but that convolutions (2d) and
        linear layers left at torch's own were drawn: convolutions from N(0, 2 / (k² · outputs)),
        linear layers and biases as torch does. A parameter or a buffer that is still without
        values afterwards is refused.
        """
