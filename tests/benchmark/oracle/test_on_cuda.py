"""Everything that scoring does on a GPU, with tensors that have a device but no numbers.

A GPU isn't needed: torch refuses operations on tensors of two devices here as it does there.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode

from benchmark.networks.connect import AttentionNetwork
from benchmark.oracle import prefix_tree
from benchmark.oracle.data import OracleData
from benchmark.oracle.prefix_tree import PrefixTreeOracle
from benchmark.oracle.reference import ReferenceOracle
from benchmark.oracle.soft_gates import SoftGates
from tasks.metrics import Classification, Score
from tasks.splits import TensorSplit
from tests.benchmark.attentions import KINDS
from tests.benchmark.small import small_data, small_network

Kind = tuple[str, Literal["full", "share"]]
pytestmark = [
    pytest.mark.filterwarnings("ignore:Accessing the data pointer of FakeTensor"),
    pytest.mark.usefixtures("_other_attentions"),
]

SCHEMES = np.array([[0, 0, 1, 1, 0], [0, 1, 0, 1, 1]], dtype=bool)


class _Fetched(Classification):
    """Takes the place of a score, since there are no numbers."""

    def __init__(self) -> None:
        self.fetched: list[str] = []

    def tally(self, outputs: Tensor, targets: Tensor) -> Tensor:
        assert outputs.device == targets.device == torch.device("cuda:0")
        return super().tally(outputs, targets)

    def score(self, tally: Tensor, rows: int) -> Score:
        self.fetched.append(tally.device.type)
        return Score(accuracy=0.5, loss=float(rows))


@pytest.fixture(autouse=True)
def _copies_stay_in_their_mode(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeTensorMode, "__deepcopy__", lambda mode, _: mode, raising=False)
    monkeypatch.setattr(prefix_tree, "_in_type", _in_type)


def _emptied(network: nn.Module, dtype: torch.dtype | None = None) -> None:
    """Have empty tensors on the GPU take the place of all parameters and buffers."""
    for module in network.modules():
        _empty(module._parameters, dtype)  # noqa: SLF001 - no public way in place
        _empty(module._buffers, dtype)  # noqa: SLF001


def _empty(tensors: dict[str, Any], dtype: torch.dtype | None) -> None:
    for name, tensor in tensors.items():
        if tensor is not None:
            kind = dtype if dtype is not None and tensor.is_floating_point() else tensor.dtype
            empty = torch.empty(tensor.shape, dtype=kind, device="cuda")
            tensors[name] = nn.Parameter(empty) if isinstance(tensor, nn.Parameter) else empty


def _in_type(network: AttentionNetwork, dtype: torch.dtype) -> AttentionNetwork:
    """As the original, which can't convert tensors without numbers."""
    network = deepcopy(network)
    _emptied(network.attention, dtype)
    return network


@contextmanager
def _on_cuda(kind: Kind, metric: Classification) -> Iterator[tuple[AttentionNetwork, OracleData]]:
    network, data = small_network(kind[1], attention=kind[0]), small_data()
    with FakeTensorMode():
        _emptied(network)
        images = torch.empty(37, 3, 6, 6, device="cuda")
        targets = torch.zeros(37, dtype=torch.int64, device="cuda")
        yield (
            network,
            replace(
                data,
                validation=TensorSplit(images, targets),
                calibration=images[:24],
                targets=targets[:24],
                metric=metric,
            ),
        )


@pytest.mark.parametrize(
    ("mode", "dtype"), [("recalibrated", torch.bfloat16), ("running", torch.float32)]
)
@pytest.mark.parametrize("kind", KINDS, ids=" ".join)
def test_scoring_stays_on_the_gpu_and_fetches_sums_at_the_end(
    kind: Kind, mode: Literal["recalibrated", "running"], dtype: torch.dtype
) -> None:
    metric = _Fetched()
    with _on_cuda(kind, metric) as (network, data):
        oracle = PrefixTreeOracle(network, data, mode, identity="", dtype=dtype)
        assert oracle.footprint.device == "cuda"
        assert oracle.score(SCHEMES).loss.tolist() == [37, 37]
        assert metric.fetched == ["cpu"] * 2


def test_the_reference_stays_there_too() -> None:
    metric = _Fetched()
    with _on_cuda(("se", "full"), metric) as (network, data):
        ReferenceOracle(network, data, "recalibrated", identity="").score(SCHEMES[:1])
    assert metric.fetched == ["cuda"]


def test_gate_gradients_stay_on_the_gpu() -> None:
    with _on_cuda(("se", "full"), _Fetched()) as (network, data):
        gates = torch.zeros(5, device="cuda")
        soft = SoftGates(network, data, "recalibrated")
        for loss in (soft.validation_loss(gates), soft.training_loss(gates)):
            assert loss.device.type == "cuda"


def test_tensors_of_two_devices_are_noticed() -> None:
    with _on_cuda(("se", "full"), Classification()) as (network, data):
        images, targets = torch.empty(37, 3, 6, 6, device="cuda"), torch.zeros(37).long()
        mixed = replace(data, validation=TensorSplit(images, targets))
        with pytest.raises(RuntimeError, match="at least two devices, cuda:0 and cpu"):
            PrefixTreeOracle(network, mixed, "running", identity="").score(SCHEMES)
