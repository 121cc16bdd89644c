"""One contract for every registered strategy."""

import hashlib
import inspect
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from strategies.base import Schemes, SearchSpace, Strategy, StrategyError
from strategies.hsp import periodic_schemes
from strategies.registry import STRATEGIES, load_strategy
from tests.strategies.landscapes import Rewards, answers, hills

ROOT = Path(__file__).parents[2]
BLOCKS_PER_STAGE = (2, 3, 2)
BUDGET = 90

Landscape = Callable[[Schemes], Rewards]

SEEDLESS = {"exhaustive", "hsp"}
"""Strategies that propose the same whatever the seed."""

every_strategy = pytest.mark.parametrize("name", sorted(STRATEGIES))


def create(
    name: str,
    *,
    seed: int = 0,
    budget: int = BUDGET,
    blocks_per_stage: tuple[int, ...] = BLOCKS_PER_STAGE,
) -> Strategy:
    space = SearchSpace(blocks_per_stage, budget=budget)
    return load_strategy(name)(space, rng=np.random.default_rng(seed))


def some_failures(schemes: Schemes) -> Rewards:
    return np.where(schemes[:, 0] & schemes[:, 1], np.nan, hills(schemes))


def only_failures(schemes: Schemes) -> Rewards:
    return np.full(len(schemes), np.nan)


def frozen(array: np.ndarray) -> np.ndarray:
    copy = array.copy()
    copy.flags.writeable = False
    return copy


def proposals(
    strategy: Strategy, landscape: Landscape = hills, *, budget: int = BUDGET
) -> list[Schemes]:
    """All that a strategy asks within the budget, told with arrays it cannot write to."""
    asked: list[Schemes] = []
    while (left := budget - evaluations(asked)) > 0:
        schemes = frozen(strategy.ask(left))
        if len(schemes) == 0:
            break
        asked.append(schemes)
        strategy.tell(schemes, answers(frozen(landscape(schemes))))
    return asked


def evaluations(asked: list[Schemes]) -> int:
    return sum(len(schemes) for schemes in asked)


def assert_legal(asked: list[Schemes], *, blocks: int, budget: int = BUDGET) -> None:
    left = budget
    for schemes in asked:
        assert np.dtype(bool) == schemes.dtype
        assert (len(schemes), blocks) == schemes.shape
        assert 1 <= len(schemes) <= left
        left -= len(schemes)


def assert_same(expected: list[Schemes], actual: list[Schemes]) -> None:
    assert [schemes.tolist() for schemes in expected] == [schemes.tolist() for schemes in actual]


def fingerprints() -> dict[str, str]:
    """A digest of everything each strategy proposes; also called in another process."""
    return {
        name: hashlib.sha256(np.concatenate(proposals(create(name))).tobytes()).hexdigest()
        for name in sorted(STRATEGIES)
    }


@every_strategy
def test_is_registered_under_its_own_name_with_a_summary_and_a_source(name: str) -> None:
    strategy = load_strategy(name)
    assert name == strategy.name
    assert strategy.summary
    assert strategy.source


@every_strategy
def test_hyper_parameters_are_keyword_only_with_defaults_and_documented(name: str) -> None:
    strategy = load_strategy(name)
    _, _, rng, *hyper_parameters = inspect.signature(strategy.__init__).parameters.values()
    assert rng.name == "rng"
    for parameter in hyper_parameters:
        assert parameter.kind is inspect.Parameter.KEYWORD_ONLY
        assert parameter.default is not inspect.Parameter.empty
        assert f"    {parameter.name}: " in (strategy.__doc__ or "")


@every_strategy
@pytest.mark.parametrize("blocks", [1, 2, 12, 64])
def test_proposes_legal_schemes(name: str, blocks: int) -> None:
    asked = proposals(create(name, blocks_per_stage=(blocks,)))
    assert asked
    assert_legal(asked, blocks=blocks)


@every_strategy
@settings(max_examples=15, deadline=None)
@given(allowances=st.lists(st.integers(1, 40), min_size=1, max_size=12))
def test_never_asks_more_than_it_may(name: str, allowances: list[int]) -> None:
    strategy = create(name, blocks_per_stage=(4, 4))
    for allowance in allowances:
        schemes = strategy.ask(allowance)
        assert 0 <= len(schemes) <= allowance
        if len(schemes) == 0:
            break
        strategy.tell(schemes, answers(hills(schemes)))


@every_strategy
def test_does_not_notice_when_the_caller_reuses_its_arrays(name: str) -> None:
    strategy = create(name)
    asked: list[Schemes] = []
    while (left := BUDGET - evaluations(asked)) > 0:
        schemes = strategy.ask(left)
        if len(schemes) == 0:
            break
        asked.append(schemes.copy())
        reward = hills(schemes)
        strategy.tell(schemes, answers(reward))
        schemes[:] = False
        reward[:] = -1.0
    assert_same(proposals(create(name)), asked)


@every_strategy
def test_the_seed_decides_what_is_proposed(name: str) -> None:
    expected = proposals(create(name, seed=1))
    assert_same(expected, proposals(create(name, seed=1)))
    others = proposals(create(name, seed=2))
    same = np.concatenate(expected).tolist() == np.concatenate(others).tolist()
    assert (name in SEEDLESS) == same


def test_another_process_with_another_hash_seed_proposes_the_same() -> None:
    code = f"import json, runpy; print(json.dumps(runpy.run_path({__file__!r})['fingerprints']()))"
    child = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "PYTHONHASHSEED": "4242",
            "OMP_NUM_THREADS": "1",
        },
        capture_output=True,
        text=True,
        check=True,
    )
    assert fingerprints() == json.loads(child.stdout)


@every_strategy
@pytest.mark.parametrize("killed_after", [1, 4])
def test_replaying_recorded_answers_resumes_a_killed_run(name: str, killed_after: int) -> None:
    uninterrupted = proposals(create(name))
    resumed = create(name)
    asked: list[Schemes] = []
    for recorded in uninterrupted[:killed_after]:
        asked.append(resumed.ask(BUDGET - evaluations(asked)))
        resumed.tell(recorded, answers(hills(recorded)))
    rest = proposals(resumed, budget=BUDGET - evaluations(asked))
    assert_same(uninterrupted, asked + rest)


@every_strategy
@pytest.mark.parametrize("landscape", [some_failures, only_failures])
def test_goes_on_after_failed_answers(name: str, landscape: Landscape) -> None:
    asked = proposals(create(name), landscape)
    assert_legal(asked, blocks=sum(BLOCKS_PER_STAGE))
    assert evaluations(asked) == evaluations(proposals(create(name)))


@every_strategy
def test_a_budget_far_beyond_the_space_ends_or_is_spent(name: str) -> None:
    budget = 240
    asked = proposals(create(name, budget=budget, blocks_per_stage=(3,)), budget=budget)
    assert_legal(asked, blocks=3, budget=budget)
    distinct = {scheme.tobytes() for schemes in asked for scheme in schemes}
    spent = budget == evaluations(asked)
    assert spent or len(distinct) == (len(periodic_schemes(3)) if name == "hsp" else 2**3)


@every_strategy
def test_leaves_global_random_states_alone(name: str) -> None:
    def states() -> tuple[str, bytes]:
        numpy_state = repr(np.random.get_state())  # noqa: NPY002 - the state we must not touch
        return numpy_state, torch.get_rng_state().numpy().tobytes()

    before = states()
    proposals(create(name))
    assert before == states()


@pytest.mark.parametrize(
    ("name", "hyper_parameter"),
    [
        ("random", "batch_size"),
        ("ean", "schemes_per_step"),
        ("ean", "replay_capacity"),
        ("ean-released", "schemes_per_step"),
        ("enas", "schemes_per_step"),
        ("ga", "population"),
        ("nsga2", "population"),
        ("evolution", "population"),
        ("evolution", "tournament"),
        ("exhaustive", "batch_size"),
        ("tpe", "startup"),
        ("surrogate", "passes"),
    ],
)
def test_a_count_below_one_is_refused_by_name(name: str, hyper_parameter: str) -> None:
    space = SearchSpace((3,), budget=9)
    strategy: Callable[..., Strategy] = load_strategy(name)
    with pytest.raises(
        StrategyError, match=f"^expected {hyper_parameter} of at least 1, received 0$"
    ):
        strategy(space, rng=np.random.default_rng(0), **{hyper_parameter: 0})
