from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial
from typing import Literal

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from benchmark.basics.errors import SchemeError, UsageError
from benchmark.networks.backbone import ConvNorm
from benchmark.oracle.base import Oracle, Scores, checked
from benchmark.oracle.convolution import Convolve
from benchmark.oracle.kernels.library import INSTRUCTIONS, Kernels, kernels_name, kernels_of
from benchmark.oracle.passes import Operations
from benchmark.oracle.prefix_tree import PrefixTreeOracle, block_passes, descend
from benchmark.oracle.reference import ReferenceOracle
from benchmark.records.schemes import all_schemes
from tasks.metrics import Classification
from tasks.splits import TensorSplit
from tests.benchmark.attentions import KINDS
from tests.benchmark.backbones import BACKBONES, SIZES
from tests.benchmark.oracle.test_memory import refuse_more_than
from tests.benchmark.small import small_data, small_network

Mode = Literal["recalibrated", "running"]
MODES: list[Mode] = ["recalibrated", "running"]
ALL = all_schemes(5)
SOME = ALL[[0, 5, 11, 14, 21, 26, 31]]

pytestmark = pytest.mark.usefixtures("_other_attentions")

every_network = pytest.mark.parametrize(
    ("backbone", "attention", "sharing"),
    # Every kind meets two backbones, and every backbone several kinds.
    [
        (name, *kind)
        for turn, kind in enumerate(KINDS)
        for name in [*BACKBONES, *BACKBONES][turn % len(BACKBONES) :: len(BACKBONES) // 2][:2]
    ],
    ids=lambda value: value,
)

BEST = next(filter(None, map(kernels_of, INSTRUCTIONS)), None)
"""What is chosen where nobody asks for anything else; `kernels/` holds all kernels to torch."""
KERNELS: list[Kernels | None] = [None, BEST] if BEST else [None]
every_kernels = pytest.mark.parametrize("kernels", KERNELS, ids=kernels_name)

ROUNDING = 5e-5
"""Outputs may differ from the reference's by this part of the largest output (float32).

The worst of six seeds was 1.5e-5, with SGE, whose small deviations magnify rounding.
"""


@pytest.fixture
def _small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight rows a piece, so that the 37 rows are five pieces, the last one shorter."""
    monkeypatch.setattr("benchmark.oracle.memory._MAP", {"cpu": 1})


def _fast(mode: Mode, *, group: int = 1024, memory: int | None = None) -> PrefixTreeOracle:
    return PrefixTreeOracle(
        *(small_network(), small_data(), mode),
        identity="small",
        kernels=BEST,
        group=group,
        memory=memory,
    )


class _Kept(Classification):
    """Classification that keeps the outputs of each tally."""

    def __init__(self) -> None:
        self.outputs: list[torch.Tensor] = []

    def tally(self, outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        self.outputs.append(outputs.clone())
        return super().tally(outputs, targets)


def _answered(
    make: Callable[..., Oracle],
    mode: Mode,
    backbone: str,
    attention: str,
    sharing: Literal["full", "share"],
) -> tuple[Oracle, Scores, torch.Tensor]:
    """An oracle, its scores, and the outputs of all schemes and rows."""
    kept = _Kept()
    network = small_network(sharing, attention=attention, backbone=BACKBONES[backbone])
    data = small_data(size=SIZES[backbone], metric=kept)
    oracle = make(network, data, mode, identity="small")
    return oracle, oracle.score(SOME), torch.stack(kept.outputs)


_referred = cache(partial(_answered, ReferenceOracle))  # the same for all kernels


@every_kernels
@pytest.mark.parametrize("mode", MODES)
@every_network
def test_every_prediction_is_that_of_the_reference_but_for_ties_in_any_company(
    mode: Mode,
    backbone: str,
    attention: str,
    sharing: Literal["full", "share"],
    kernels: Kernels | None,
) -> None:
    _, reference, expected = _referred(mode, backbone, attention, sharing)
    make = partial(PrefixTreeOracle, kernels=kernels)
    oracle, fast, found = _answered(make, mode, backbone, attention, sharing)
    rounding = ROUNDING * float(expected.abs().max())
    torch.testing.assert_close(found, expected, rtol=0, atol=rounding)
    best, second = expected.topk(2, dim=2).values.unbind(dim=2)
    decided = best - second > 2 * rounding
    assert torch.equal(found.argmax(dim=2)[decided], expected.argmax(dim=2)[decided])
    assert decided.double().mean() > 0.99
    ties = (~decided).sum(dim=1).numpy()
    assert (np.abs(fast.accuracy - reference.accuracy) * 37 <= ties + 1e-9).all()
    np.testing.assert_allclose(fast.loss, reference.loss, rtol=ROUNDING)
    assert len(set(reference.loss)) == len(SOME)  # schemes do differ
    # To the bit the same in any company.
    assert oracle.score(SOME[4:5]).loss[0] == fast.loss[4]
    assert np.array_equal(oracle.score(SOME[[6, 2, 3]]).loss, fast.loss[[6, 2, 3]])


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("attention", "sharing"), KINDS)
def test_in_double_precision_nothing_but_its_rounding_is_left(
    mode: Mode, attention: str, sharing: Literal["full", "share"]
) -> None:
    backbone = replace(BACKBONES["bottleneck imagenet"], blocks_per_stage=(4, 6))
    network = small_network(sharing, attention=attention, backbone=backbone).double()
    data = small_data(8, size=16)
    ((images, targets),) = data.validation.batches(8)
    data = replace(
        data,
        validation=TensorSplit(images.double(), targets),
        calibration=data.calibration.double(),
    )
    schemes = np.random.default_rng(0).random((2, 10)) < 0.5
    expected = ReferenceOracle(network, data, mode, identity="small").score(schemes).loss
    found = PrefixTreeOracle(network, data, mode, identity="small").score(schemes).loss
    np.testing.assert_allclose(found, expected, rtol=1e-9)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("rows", [0, 1, 2, 5, 32])
@pytest.mark.usefixtures("_small_pieces")
def test_batches_of_any_size_score_as_one_by_one(mode: Mode, rows: int) -> None:
    oracle = _fast(mode)
    schemes = np.random.default_rng(rows).permutation(ALL)[:rows]
    together = oracle.score(schemes)
    some = range(0, rows, max(rows // 5, 1))
    alone = [oracle.score(schemes[row : row + 1]).loss[0] for row in some]
    assert together.loss[some].tolist() == alone  # to the bit
    assert together.accuracy.shape == (rows,)


@every_kernels
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("side", [1, 2, 4])
def test_maps_of_one_position_score_alone_as_beside_siblings(
    mode: Mode, side: int, kernels: Kernels | None
) -> None:
    # Such maps have other strides where they were added in place than where they were not.
    data = small_data(size=side)
    oracle = PrefixTreeOracle(small_network(), data, mode, identity="tree", kernels=kernels)
    together = oracle.score(ALL).loss
    alone = [oracle.score(ALL[row : row + 1]).loss[0] for row in range(0, len(ALL), 5)]
    assert together[::5].tolist() == alone  # to the bit


@cache
def _known() -> tuple[Oracle, Scores]:
    oracle = _fast("recalibrated")
    return oracle, oracle.score(ALL)


@settings(deadline=None, max_examples=12)
@given(st.lists(st.integers(0, 31), max_size=12))
def test_duplicates_and_order_change_nothing(rows: list[int]) -> None:
    oracle, known = _known()
    answers = oracle.score(ALL[rows])
    assert np.array_equal(answers.loss, known.loss[rows])
    assert np.array_equal(answers.accuracy, known.accuracy[rows])


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("group", [1, 7, 31])
def test_groups_change_nothing(mode: Mode, group: int) -> None:
    expected = _fast(mode).score(ALL).loss
    assert np.array_equal(_fast(mode, group=group).score(ALL).loss, expected)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.usefixtures("_small_pieces")
def test_memory_changes_how_many_rows_travel_but_no_answer(mode: Mode) -> None:
    ample = _fast(mode)
    tight = _fast(mode, memory=ample.footprint.calibration(24) + ample.footprint.peak(16))
    assert (ample.footprint.piece, tight.footprint.piece) == (8, 8)
    assert ample.rows == 32
    bounded = _fast("running", memory=ample.footprint.peak(8))
    assert bounded.rows == 8
    assert np.array_equal(tight.score(ALL).loss, ample.score(ALL).loss)  # to the bit
    assert np.array_equal(bounded.score(ALL).loss, _fast("running").score(ALL).loss)


def test_pieces_change_nothing_but_rounding(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = _fast("running").score(ALL).loss
    for most in (1, 32, 64):
        monkeypatch.setattr("benchmark.oracle.memory._MOST", {"cpu": most})
        oracle = _fast("running")
        assert oracle.footprint.piece == most
        np.testing.assert_allclose(oracle.score(ALL).loss, expected, rtol=2e-6)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_kernels_are_refused_where_numbers_are_not_float32(dtype: torch.dtype) -> None:
    if BEST is None:
        pytest.skip("no kernels on this machine")
    network = small_network().double() if dtype == torch.float64 else small_network()
    with pytest.raises(UsageError, match=f"in float32, received .* to be scored in {dtype}"):
        PrefixTreeOracle(network, small_data(), "running", identity="", dtype=dtype, kernels=BEST)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("make", [PrefixTreeOracle, ReferenceOracle])
def test_a_norm_inside_of_a_module_that_has_no_statistics_is_refused(
    mode: Mode, make: Callable[..., Oracle]
) -> None:
    network = small_network(attention="test-cbam")
    network.get_submodule("attention.3").norm = nn.BatchNorm2d(1, track_running_stats=False)
    with pytest.raises(UsageError, match=r"attention\.3\.norm: .*track_running_stats=False"):
        make(network, small_data(), mode, identity="").score(SOME)


@pytest.mark.parametrize("sharing", ["full", "share"])
@pytest.mark.usefixtures("_small_pieces")
def test_norms_inside_of_modules_are_replayed_whatever_travels_together(
    sharing: Literal["full", "share"], monkeypatch: pytest.MonkeyPatch
) -> None:
    network, data = small_network(sharing, attention="test-cbam"), small_data()
    make = partial(PrefixTreeOracle, network, data, "recalibrated", identity="")
    expected = make().score(SOME).loss
    reference = ReferenceOracle(network, data, "recalibrated", identity="").score(SOME)
    np.testing.assert_allclose(expected, reference.loss, rtol=ROUNDING)
    assert np.array_equal(make(group=3).score(SOME).loss, expected)  # to the bit
    halved = make()
    refuse_more_than(24, monkeypatch)  # as many as there are calibration draws
    assert np.array_equal(halved.score(SOME).loss, expected)
    assert (make().rows, halved.rows) == (32, 16)


def test_scoring_leaves_modules_with_norms_as_they_are() -> None:
    network = small_network(attention="test-cbam")
    before = {name: value.clone() for name, value in network.state_dict().items()}
    images = small_data().calibration
    expected = network(images, ALL[-1])
    for make in (PrefixTreeOracle, ReferenceOracle):
        make(network, small_data(), "recalibrated", identity="").score(SOME)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert torch.equal(network(images, ALL[-1]), expected)


def test_arguments_are_left_alone() -> None:
    schemes = ALL[::-1].copy()
    schemes.setflags(write=False)
    _fast("running").score(schemes)
    assert np.array_equal(schemes, ALL[::-1])


def test_shared_prefixes_run_once() -> None:
    network = small_network()
    calls = 0

    def counted(unit: ConvNorm) -> Convolve:
        nonlocal calls
        calls += 1
        return lambda features: unit.norm(unit.conv(features))

    ((images, _),) = small_data().validation.batches(100)
    with torch.inference_mode():
        rows = [row for row, _ in descend(network, ALL, [images], Operations(counted))]
    assert rows == list(range(32))
    # 31 nodes of two convolutions each, 4 projections (the third block), one stem.
    assert calls == 2 * 31 + 4 + 1


@pytest.mark.parametrize(("schemes", "expected"), [(0, 0), (1, 3), (2, 1 + 2 + 2), (8, 7), (99, 7)])
def test_block_passes_are_the_nodes_of_the_tree(schemes: int, expected: int) -> None:
    assert block_passes(schemes, 3) == expected


@pytest.mark.parametrize(
    "schemes", [np.zeros((2, 4), dtype=bool), np.zeros(5, dtype=bool), np.zeros((2, 5))]
)
def test_what_is_no_matrix_of_schemes_is_refused(schemes: np.ndarray) -> None:
    with pytest.raises(SchemeError, match=r"boolean matrix of \(n, 5\) schemes, received"):
        checked(schemes, 5)


def test_schemes_of_another_backbone_are_refused() -> None:
    with pytest.raises(SchemeError, match=r"\(n, 5\) schemes, received bool of \(2, 4\)"):
        _fast("running").score(np.zeros((2, 4), dtype=bool))


@pytest.mark.parametrize(
    ("mode", "dtype"), [("recalibrated", torch.bfloat16), ("running", torch.float16)]
)
@pytest.mark.parametrize(("attention", "sharing"), KINDS)
def test_half_precision_scores_what_float32_does_but_for_its_rounding(
    mode: Mode, attention: str, sharing: Literal["full", "share"], dtype: torch.dtype
) -> None:
    network = small_network(sharing, attention=attention)
    exact = PrefixTreeOracle(network, small_data(), mode, identity="").score(SOME)
    half = PrefixTreeOracle(network, small_data(), mode, identity="", dtype=dtype).score(SOME)
    np.testing.assert_allclose(half.loss, exact.loss, rtol=0.02)
    assert not np.array_equal(half.loss, exact.loss)
    assert np.abs(half.accuracy - exact.accuracy).max() <= 3 / 37
    assert all(parameter.dtype == torch.float32 for parameter in network.parameters())


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("mode", MODES)
@every_network
def test_on_cuda_schemes_score_as_on_the_cpu_and_alike_in_any_company(
    mode: Mode, backbone: str, attention: str, sharing: Literal["full", "share"]
) -> None:
    network = small_network(sharing, attention=attention, backbone=BACKBONES[backbone])
    data = small_data(size=SIZES[backbone])
    expected = PrefixTreeOracle(network, data, mode, identity="").score(SOME)
    moved = replace(
        data, validation=data.validation.to("cuda"), calibration=data.calibration.to("cuda")
    )
    oracle = PrefixTreeOracle(network.to("cuda"), moved, mode, identity="")
    together = oracle.score(SOME)
    np.testing.assert_allclose(together.loss, expected.loss, rtol=1e-4)
    assert oracle.score(SOME[3:5]).loss.tolist() == together.loss[3:5].tolist()
