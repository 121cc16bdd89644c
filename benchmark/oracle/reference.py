"""Slow and obvious scoring: the specification that fast oracles are tested against."""

from collections.abc import Sequence
from copy import deepcopy
from itertools import cycle

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.utils.hooks import RemovableHandle

from benchmark.basics.devices import repeatable
from benchmark.basics.threads import single_thread
from benchmark.networks.connect import AttentionNetwork
from benchmark.networks.norms import BatchNorm, inner_norms
from benchmark.oracle.base import BatchNormMode, Oracle, Schemes, Scores, checked
from benchmark.oracle.data import OracleData
from benchmark.training.evaluation import evaluate
from tasks.metrics import Score

Scheme = Bool[np.ndarray, " blocks"]


class ReferenceOracle(Oracle):
    """One scheme after the other, one batch after the other, module by module.

    Args:
        network: the frozen supernet.
        data: validation split, calibration draws, metric.
        batch_norm: statistics at scoring time.
        identity: content hash of the above.
        batch_size: validation rows of one forward pass.

    Raises:
        UsageError: a batch norm inside of a SAM or a head keeps no running statistics.
    """

    def __init__(
        self,
        network: AttentionNetwork,
        data: OracleData,
        batch_norm: BatchNormMode,
        *,
        identity: str,
        batch_size: int = 500,
    ) -> None:
        inner_norms(network)  # refuses those that have no statistics
        self._network = network
        self._data = data
        self._batch_norm = batch_norm
        self._identity = identity
        self._batch_size = batch_size

    @property
    def identity(self) -> str:
        return self._identity

    @property
    def blocks(self) -> int:
        return self._network.spec.blocks

    @single_thread()
    @repeatable()
    def score(self, schemes: Schemes) -> Scores:
        scores = [self._score_one(scheme) for scheme in checked(schemes, self.blocks)]
        return Scores(
            accuracy=np.array([score.accuracy for score in scores], dtype=np.float64),
            loss=np.array([score.loss for score in scores], dtype=np.float64),
        )

    def _score_one(self, scheme: Scheme) -> Score:
        network = self._network
        if self._batch_norm == "recalibrated":
            network = recalibrated(network, scheme, self._data.calibration)
        network.eval()
        return evaluate(
            lambda images: network(images, scheme),
            self._data.validation,
            self._data.metric,
            batch_size=self._batch_size,
        )


@torch.no_grad()
def recalibrated(
    network: AttentionNetwork, scheme: Scheme, images: Float[Tensor, "n c h w"]
) -> AttentionNetwork:
    """A copy of ``network`` whose batch-norm statistics are those of ``images`` under ``scheme``.

    Means and (unbiased) variances are taken in one pass over all images, as torch takes them in
    training mode; whatever isn't a batch norm stays in evaluation mode. A norm that is called
    several times in a pass, such as one in a SAM that blocks share, has statistics for each call.
    The copy can be called under ``scheme`` only.
    """
    network = deepcopy(network).eval()
    norms = [module for module in network.modules() if isinstance(module, BatchNorm)]
    found = {norm: _measured(norm) for norm in norms}
    network(images, scheme)
    for norm, (calls, hook) in found.items():
        hook.remove()
        _replay(norm.eval(), calls)
    return network


_Statistics = tuple[Tensor, Tensor]


def _measured(norm: BatchNorm) -> tuple[list[_Statistics], RemovableHandle]:
    """Have ``norm`` take each batch's own statistics; they are kept until the hook is removed."""
    calls: list[_Statistics] = []

    def keep(*_: object) -> None:
        assert norm.running_mean is not None
        assert norm.running_var is not None
        calls.append((norm.running_mean.clone(), norm.running_var.clone()))

    norm.momentum = 1.0  # running statistics become those of the one batch
    norm.train()
    return calls, norm.register_forward_hook(keep)


def _replay(norm: BatchNorm, calls: Sequence[_Statistics]) -> None:
    """Have ``norm`` take the statistics of ``calls``, one after the other, and again."""
    following = cycle(calls)

    def put(*_: object) -> None:
        norm.running_mean, norm.running_var = next(following)

    norm.register_forward_pre_hook(put)
