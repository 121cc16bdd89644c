"""A supernet's oracle that strategies may look into: answers in part, gate gradients, weights."""

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import get_args

import numpy as np
from jaxtyping import Int64
from torch import Tensor

from benchmark.basics.identity import content_hash
from benchmark.basics.numerical_state import numerical_state
from benchmark.networks.connect import AttentionNetwork
from benchmark.oracle.base import (
    BatchNormMode,
    Oracle,
    Schemes,
    Scores,
    Wrapper,
    checked_fraction,
    checked_question,
)
from benchmark.oracle.data import OracleData
from benchmark.oracle.soft_gates import SoftGates
from strategies.base import GateGradient, GateQuestion, Need

Make = Callable[..., Oracle]
"""Makes what answers schemes: called with network, data, batch norm and ``identity=``."""


class OpenOracle(Wrapper):
    """What `make` answers, and everything else that a strategy may ask of a frozen supernet.

    A fraction of the validation split is a prefix of one order of its rows, in which every prefix
    has each class (or other stratum) in proportion; within it rows keep the split's order.

    Args:
        network: the frozen supernet.
        data: validation split, calibration draws, metric.
        batch_norm: statistics at scoring time.
        identity: content hash of the above.
        make: makes the oracle that answers schemes, in full or in part.
    """

    @numerical_state()
    def __init__(
        self,
        network: AttentionNetwork,
        data: OracleData,
        batch_norm: BatchNormMode,
        *,
        identity: str,
        make: Make,
    ) -> None:
        super().__init__(make(network, data, batch_norm, identity=identity))
        self._network = network
        self._data = data
        self._batch_norm: BatchNormMode = batch_norm
        self._make = make
        self._order = balanced_order(data.validation.strata())
        self._parts: dict[Fraction, Oracle] = {}

    @property
    def offers(self) -> frozenset[Need]:
        return frozenset(get_args(Need))

    def score(self, schemes: Schemes) -> Scores:
        return self.inner.score(schemes)

    @numerical_state()
    def at(self, fidelity: Fraction) -> Oracle:
        """See `Oracle.at`.

        Raises:
            UsageError: the fraction is not between `LEAST` and 1.
        """
        if checked_fraction("fidelity", fidelity) == 1:
            return self
        if fidelity not in self._parts:
            data = self._data_of(self._rows(Fraction(0), fidelity))
            identity = content_hash(whole=self.identity, fidelity=str(fidelity))
            self._parts[fidelity] = self._make(
                self._network, data, self._batch_norm, identity=identity
            )
        return self._parts[fidelity]

    @numerical_state()
    def gate_gradient(self, question: GateQuestion) -> GateGradient:
        """See `Oracle.gate_gradient`.

        Raises:
            UsageError: there is no such gate or share.
        """
        question = checked_question(question, self.blocks)
        shares = int(1 / question.share)  # whole ones; a rest of the split is left out
        start = question.part % shares * question.share
        rows = self._rows(start, start + question.share)
        # A pass of its own on a copy: the frozen weights stay what they are.
        gates = SoftGates(self._network, self._data_of(rows), self._batch_norm)
        return gates.gradient(question.gates, question.virtual_rate)

    def attention_weights(self) -> list[dict[str, np.ndarray]]:
        return [
            {
                name: parameter.detach().cpu().numpy().copy()
                for name, parameter in self._network.attention_of(block).named_parameters()
            }
            for block in range(self.blocks)
        ]

    def _rows(self, start: Fraction, stop: Fraction) -> Int64[np.ndarray, " rows"]:
        """Rows from one place of the order to another; one row at least."""
        first, end = (int(place * len(self._order)) for place in (start, stop))
        return self._order[first : max(end, first + 1)]

    def _data_of(self, rows: Int64[np.ndarray, " rows"]) -> OracleData:
        data = self._data
        part = data.validation.take(rows)
        return replace(data, validation=part)


def balanced_order(strata: Int64[Tensor, " n"]) -> Int64[np.ndarray, " n"]:
    """Rows in an order in which every prefix has each stratum about as often as the whole."""
    classes = strata.numpy()
    order = np.argsort(classes, kind="stable")
    _, starts, counts = np.unique(classes[order], return_index=True, return_counts=True)
    rank = np.arange(len(classes)) - np.repeat(starts, counts)
    place = np.empty(len(classes))
    place[order] = (rank + 0.5) / np.repeat(counts, counts)
    return np.argsort(place, kind="stable").astype(np.int64)
