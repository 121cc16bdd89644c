"""Slow and obvious scoring: the specification that fast oracles are tested against."""

from copy import deepcopy

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from benchmark.evaluation import evaluate
from benchmark.networks.connect import AttentionNetwork
from benchmark.oracle.base import BatchNormMode, Oracle, OracleData, Schemes, Scores, checked
from benchmark.workers.threads import single_thread
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

    Means and (unbiased) variances are taken in one pass over all images in
    training mode, as torch does.
    """
    network = deepcopy(network)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 1.0  # running statistics become those of the one batch
    network.train()
    network(images, scheme)
    network.eval()
    return network
