"""What stands for a batch norm while a tree is scored: measured, replayed, running statistics."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from benchmark.networks.backbone import ConvNorm
from benchmark.oracle.convolution import Affine, Convolve, FrozenConvolutions


class Measure:
    """Normalises by the statistics of the one piece itself and writes them on a tape.

    A convolution's own bias is left out: it is gone when the mean is subtracted.

    Args:
        convolutions: makes convolutions.
        convolve: those that are there already, and where new ones are put.
    """

    def __init__(
        self, convolutions: FrozenConvolutions, convolve: dict[ConvNorm, Convolve]
    ) -> None:
        self._convolutions = convolutions
        self._convolve = convolve
        self.tape: list[Affine] = []

    def __call__(self, unit: ConvNorm) -> Convolve:
        if unit not in self._convolve:
            self._convolve[unit] = self._convolutions.fold(unit.conv)
        convolve = self._convolve[unit]
        # Units are replayed in the order in which they are asked for, which need not be that in
        # which they run; one that doesn't run leaves this in its place.
        place = len(self.tape)
        self.tape.append((unit.norm.weight, unit.norm.bias))
        return lambda features: self._normalised(unit, convolve(features), place)

    def _normalised(
        self, unit: ConvNorm, convolved: Float[Tensor, "n k i j"], place: int
    ) -> Float[Tensor, "n k i j"]:
        norm = unit.norm
        mean, variance = torch.zeros_like(norm.weight), torch.ones_like(norm.weight)
        # With momentum 1 the running statistics become those of this batch.
        normalised = functional.batch_norm(
            convolved,
            mean,
            variance,
            norm.weight,
            norm.bias,
            training=True,
            momentum=1.0,
            eps=norm.eps,
        )
        self.tape[place] = _affine(unit, mean, variance)
        return normalised


class Frozen(ABC):
    """Batch norms that are an affine map behind each convolution.

    Args:
        convolutions: folds it into convolutions.
    """

    varies: ClassVar[bool]
    """Whether a convolution is followed by something else in each node."""

    def __init__(self, convolutions: FrozenConvolutions) -> None:
        self._convolutions = convolutions

    @abstractmethod
    def affine(self, unit: ConvNorm) -> Affine:
        """What follows the convolution of ``unit``; asked in the order in which units run."""

    def __call__(self, unit: ConvNorm) -> Convolve:
        """The convolution of ``unit`` with what follows it."""
        return self._convolutions.fold(unit.conv, self.affine(unit))


class Replay(Frozen):
    """Normalises by the statistics on a tape.

    Args:
        convolutions: folds them into convolutions.
        tape: of `Measure`, for the same tree.
    """

    varies: ClassVar[bool] = True

    def __init__(self, convolutions: FrozenConvolutions, tape: Sequence[Affine]) -> None:
        super().__init__(convolutions)
        self._tape = iter(tape)

    def affine(self, unit: ConvNorm) -> Affine:
        del unit  # they were measured in the same order
        return next(self._tape)


class Running(Frozen):
    """Normalises by the supernet's running statistics, always the same."""

    varies: ClassVar[bool] = False

    def __init__(self, convolutions: FrozenConvolutions) -> None:
        super().__init__(convolutions)
        self._affine: dict[ConvNorm, Affine] = {}
        self._convolve: dict[ConvNorm, Convolve] = {}

    def affine(self, unit: ConvNorm) -> Affine:
        if unit not in self._affine:
            mean, variance = unit.norm.running_mean, unit.norm.running_var
            assert mean is not None
            assert variance is not None
            if unit.conv.bias is not None:  # the mean is that of convolutions with their bias
                mean = mean - unit.conv.bias
            self._affine[unit] = _affine(unit, mean, variance)
        return self._affine[unit]

    def __call__(self, unit: ConvNorm) -> Convolve:
        if unit not in self._convolve:
            self._convolve[unit] = super().__call__(unit)
        return self._convolve[unit]


def _affine(unit: ConvNorm, mean: Tensor, variance: Tensor) -> Affine:
    scale = unit.norm.weight * torch.rsqrt(variance + unit.norm.eps)
    return scale, unit.norm.bias - mean * scale
