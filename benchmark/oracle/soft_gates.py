"""Gate gradients of a frozen supernet, as DARTS needs them.

Liu et al., "DARTS: Differentiable Architecture Search" (ICLR 2019). Block l passes on
gₗ · SAM(f) + (1 − gₗ) · f, so at gates of 0 and 1 the loss is what the oracle answers for
that scheme. A recurrent SAM's state is mixed alike: gₗ · new + (1 − gₗ) · old.
"""

from collections.abc import Sequence
from copy import deepcopy
from typing import Any, final

import numpy as np
import torch
from jaxtyping import Float, Float64
from torch import Tensor
from torch.nn import functional

from benchmark.basics.devices import repeatable
from benchmark.basics.threads import single_thread
from benchmark.networks.attention import State
from benchmark.networks.backbone import blocks_of
from benchmark.networks.connect import AttentionNetwork
from benchmark.networks.norms import BatchNorm, inner_norms
from benchmark.oracle.base import BatchNormMode
from benchmark.oracle.data import OracleData
from benchmark.oracle.inner_norms import normalise_by
from strategies.base import GateGradient

Gates = Float[Tensor, " blocks"]


@final
class SoftGates:
    """The validation loss as a function of soft gates, in one batch on one thread.

    Batch norms work as when schemes are scored: with ``running`` the supernet's statistics
    are constants; with ``recalibrated`` the calibration draws pass through the same gated
    network before the validation images, and the gradient goes through their statistics.
    Alive at a time are the activations of all layers of both.

    Args:
        network: the frozen supernet; it is copied, never changed.
        data: the part of the validation split, calibration draws.
        batch_norm: statistics.

    Raises:
        UsageError: a batch norm keeps no running statistics.
    """

    def __init__(
        self, network: AttentionNetwork, data: OracleData, batch_norm: BatchNormMode
    ) -> None:
        self.network = deepcopy(network).eval()
        inner_norms(self.network)  # refuses those that have no statistics
        self._norms = [module for module in self.network.modules() if isinstance(module, BatchNorm)]
        # One batch, or one for each stretch of images of one size.
        self._batches = list(data.validation.batches(len(data.validation)))
        self._data = data
        self._recalibrated = batch_norm == "recalibrated"

    @single_thread()
    @repeatable()
    def gradient(
        self, gates: Float64[np.ndarray, " blocks"], virtual_rate: float = 0.0
    ) -> GateGradient:
        """Loss at ``gates`` and its derivative by each of them.

        With ``virtual_rate`` ξ above 0 this is DARTS's second order: ∇_g L_val(w', g) −
        ξ ∇²_{g,w} L_train(w, g) ∇_{w'} L_val(w', g) with w' = w − ξ ∇_w L_train(w, g). The
        product is exact, by a second backward pass, where DARTS takes differences that
        stride over the kinks of ReLU. L_train is taken on as many calibration draws as
        there are validation images, or on all if there are fewer; w are all weights of
        the supernet, which are frozen for the search and are put back.
        """
        like = next(self.network.parameters())
        soft = torch.tensor(gates, dtype=like.dtype, device=like.device, requires_grad=True)
        if virtual_rate > 0:
            loss, gradient = self._second_order(soft, virtual_rate)
        else:
            loss = self.validation_loss(soft)
            (gradient,) = torch.autograd.grad(loss, [soft])
        return GateGradient(float(loss.detach()), gradient.double().cpu().numpy())

    def _second_order(self, gates: Gates, rate: float) -> tuple[Tensor, Gates]:
        weights = list(self.network.parameters())
        trained = torch.autograd.grad(self.training_loss(gates), weights, allow_unused=True)
        frozen = [weight.detach().clone() for weight in weights]
        _step(weights, frozen, trained, -rate)
        loss = self.validation_loss(gates)
        gradient, *direction = torch.autograd.grad(loss, [gates, *weights], allow_unused=True)
        _step(weights, frozen, trained, 0.0)
        slopes = torch.autograd.grad(
            self.training_loss(gates), weights, create_graph=True, allow_unused=True
        )
        along = sum(
            (slope * step).sum()
            for slope, step in zip(slopes, direction, strict=True)
            if slope is not None and step is not None
        )
        assert isinstance(along, Tensor)
        (mixed,) = torch.autograd.grad(along, [gates])
        return loss, gradient - rate * mixed

    def validation_loss(self, gates: Gates) -> Float[Tensor, ""]:
        """Mean loss of the validation images; carries the gradient."""
        return self._loss(gates, self._batches)

    def training_loss(self, gates: Gates) -> Float[Tensor, ""]:
        """Mean loss of as many calibration draws; carries the gradient."""
        assert self._data.targets is not None
        count = sum(len(images) for images, _ in self._batches)
        return self._loss(gates, [(self._data.calibration[:count], self._data.targets[:count])])

    def _loss(self, gates: Gates, batches: Sequence[tuple[Tensor, Tensor]]) -> Float[Tensor, ""]:
        rows = sum(len(images) for images, _ in batches)
        statistics = self._measured(gates) if self._recalibrated else None
        losses = []
        for images, targets in batches:
            if statistics is not None:
                normalise_by(self._norms, _Replay(statistics))
            outputs = gated(self.network, images, gates)
            losses.append(self._data.loss(outputs, targets) * (len(images) / rows))
        return torch.stack(losses).sum()

    def _measured(self, gates: Gates) -> "list[_Affine]":
        """Scale and shift of every batch norm, from the draws; they carry the gradient."""
        measure = _Measure()
        normalise_by(self._norms, measure)
        gated(self.network, self._data.calibration, gates)
        return measure.affine


def gated(network: AttentionNetwork, images: Float[Tensor, "n c h w"], gates: Gates) -> Any:
    """The network's outputs with a soft gate in each block."""
    # Channels last isn't safe on the way back: see `benchmark.training.precision`.
    features = network.backbone.stem(images.contiguous())
    kept = {network.spec.blocks_of(stage).stop for stage in network.spec.earlier}
    earlier: list[Tensor] = []
    state: State = None
    for index, (block, gate) in enumerate(zip(blocks_of(network.backbone), gates, strict=True)):
        if network.starts_stage(index):
            state = None
        residual = block.body(features)
        attended, new = network.attention_of(index)(residual, state)
        state = _mixed(gate, new, state)
        residual = gate * attended + (1 - gate) * residual
        features = block.join(block.skip(features), residual)
        if index + 1 in kept:
            earlier.append(features)
    return network.backbone.head(features, tuple(earlier), (images.shape[2], images.shape[3]))


def _mixed(gate: Float[Tensor, ""], new: State, old: State) -> State:
    if new is None:
        return None
    if old is None:  # a state begins with zeros
        return gate * new[0], gate * new[1]
    return gate * new[0] + (1 - gate) * old[0], gate * new[1] + (1 - gate) * old[1]


_Affine = tuple[Tensor, Tensor]


class _Measure:
    """Normalises draws by their own statistics and keeps what others are to be mapped by.

    As torch does: the draws by their biased variance, the others by the unbiased one
    that becomes the running variance.
    """

    def __init__(self) -> None:
        self.affine: list[_Affine] = []

    def __call__(
        self, norm: BatchNorm, features: Float[Tensor, "n c ..."]
    ) -> Float[Tensor, "n c ..."]:
        variance, mean = torch.var_mean(features, [0, *range(2, features.ndim)])
        scale = torch.rsqrt(variance + norm.eps)
        if norm.affine:
            scale = norm.weight * scale
        shift = -mean * scale
        self.affine.append((scale, norm.bias + shift if norm.affine else shift))
        return functional.batch_norm(
            features, None, None, norm.weight, norm.bias, training=True, eps=norm.eps
        )


class _Replay:
    """Normalises by the statistics of draws that passed before, in the same order."""

    def __init__(self, affine: Sequence[_Affine]) -> None:
        self._affine = iter(affine)

    def __call__(
        self, _: BatchNorm, features: Float[Tensor, "n c ..."]
    ) -> Float[Tensor, "n c ..."]:
        places = (-1, *[1] * (features.ndim - 2))
        scale, shift = next(self._affine)
        return features * scale.view(places) + shift.view(places)


@torch.no_grad()
def _step(
    weights: Sequence[Tensor],
    frozen: Sequence[Tensor],
    direction: Sequence[Tensor | None],
    size: float,
) -> None:
    """Put the weights at the frozen ones plus ``size`` · ``direction``."""
    for weight, start, step in zip(weights, frozen, direction, strict=True):
        weight.copy_(start if step is None else start + size * step)
