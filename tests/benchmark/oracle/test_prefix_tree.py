from typing import Literal

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.errors import SchemeError
from benchmark.networks.resnet import ConvNorm, run_unit
from benchmark.oracle.base import checked
from benchmark.oracle.prefix_tree import PrefixTreeOracle, block_passes, descend
from benchmark.oracle.reference import ReferenceOracle
from benchmark.schemes import all_schemes
from tests.benchmark.small import small_data, small_network

Mode = Literal["recalibrated", "running"]
MODES: list[Mode] = ["recalibrated", "running"]
ALL = all_schemes(5)


def _fast(mode: Mode, *, chunk: int = 10, group: int = 1024) -> PrefixTreeOracle:
    return PrefixTreeOracle(
        small_network(), small_data(), mode, identity="small", chunk=chunk, group=group
    )


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("sharing", ["full", "share"])
def test_every_scheme_scores_as_in_the_reference(
    mode: Mode, sharing: Literal["full", "share"]
) -> None:
    network, data = small_network(sharing), small_data()
    reference = ReferenceOracle(network, data, mode, identity="small", batch_size=10).score(ALL)
    fast = PrefixTreeOracle(network, data, mode, identity="small", chunk=10).score(ALL)
    assert np.array_equal(fast.accuracy, reference.accuracy)
    np.testing.assert_allclose(fast.loss, reference.loss, rtol=2e-6)
    assert len(set(reference.loss)) == len(ALL)  # schemes do differ


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("rows", [0, 1, 2, 5, 31, 32])
def test_batches_of_any_size_score_as_one_by_one(mode: Mode, rows: int) -> None:
    oracle = _fast(mode)
    schemes = np.random.default_rng(rows).permutation(ALL)[:rows]
    together = oracle.score(schemes)
    alone = [oracle.score(schemes[row : row + 1]).loss[0] for row in range(rows)]
    assert together.loss.tolist() == alone  # to the bit
    assert together.accuracy.shape == (rows,)


@settings(deadline=None, max_examples=25)
@given(st.lists(st.integers(0, 31), max_size=12))
def test_duplicates_and_order_change_nothing(rows: list[int]) -> None:
    oracle = _fast("recalibrated")
    answers = oracle.score(ALL[rows])
    known = oracle.score(ALL)
    assert np.array_equal(answers.loss, known.loss[rows])
    assert np.array_equal(answers.accuracy, known.accuracy[rows])


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("group", [1, 7, 31, 32, 33])
def test_groups_change_nothing(mode: Mode, group: int) -> None:
    expected = _fast(mode).score(ALL).loss
    assert np.array_equal(_fast(mode, group=group).score(ALL).loss, expected)


@pytest.mark.parametrize("chunk", [1, 36, 37, 38])
def test_chunks_change_nothing_but_rounding(chunk: int) -> None:
    expected = _fast("running").score(ALL).loss
    np.testing.assert_allclose(_fast("running", chunk=chunk).score(ALL).loss, expected, rtol=2e-6)


def test_arguments_are_left_alone() -> None:
    schemes = ALL[::-1].copy()
    schemes.setflags(write=False)
    _fast("running").score(schemes)
    assert np.array_equal(schemes, ALL[::-1])


def test_shared_prefixes_run_once() -> None:
    network = small_network()
    calls = 0

    def counted(unit: ConvNorm, features: torch.Tensor) -> torch.Tensor:
        nonlocal calls
        calls += 1
        return run_unit(unit, features)

    ((images, _),) = small_data().validation.batches(100)
    with torch.inference_mode():
        rows = [row for row, _ in descend(network, ALL, images, counted)]
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
