import numpy as np
import pytest

from benchmark.oracle.known import Additive, Pairwise
from benchmark.search.budget import Ledger
from benchmark.search.wrappers import MeteredOracle
from benchmark.testing.search import search
from strategies.base import SearchSpace
from strategies.darts import DARTS


def darts(oracle: Additive | Pairwise, *, budget: int, order: str = "first") -> np.ndarray:
    """The first scheme that it asks: that of the signs."""
    space = SearchSpace((oracle.blocks,), budget=budget)
    strategy = DARTS(space, rng=np.random.default_rng(1), order=order)  # type: ignore[arg-type]
    strategy.look_into(MeteredOracle(oracle, Ledger(budget)))
    signs: np.ndarray = strategy.ask(budget)[0]
    return signs


@pytest.mark.parametrize("seed", range(5))
def test_on_an_additive_landscape_it_finds_the_signs(seed: int) -> None:
    landscape = Additive(24, seed=seed)
    assert darts(landscape, budget=60).tolist() == landscape.optimum.tolist()


def test_where_there_are_no_weights_the_second_order_finds_what_the_first_does() -> None:
    landscape = Pairwise(16, seed=3)
    first, second = darts(landscape, budget=60), darts(landscape, budget=200, order="second")
    assert landscape.regret(first[None])[0] < 0.02
    assert second.tolist() == first.tolist()


def test_after_the_signs_come_the_best_k_for_every_other_k_nearest_first() -> None:
    space = SearchSpace((2, 3), budget=60)
    done = search(DARTS(space, rng=np.random.default_rng(0)))
    asked = np.concatenate(done.requests)
    # Slopes of the suite's landscape: cos 1 … cos 5, of which the first and the last are positive.
    assert asked[0].tolist() == [True, False, False, False, True]
    assert asked.sum(axis=1).tolist() == [2, 1, 3, 0, 4, 5]
    nested = asked[np.argsort(asked.sum(axis=1))]
    assert (nested[:-1] <= nested[1:]).all()
    assert done.ended


def test_without_a_budget_for_gradients_it_asks_by_its_first_logits() -> None:
    space = SearchSpace((5,), budget=1)
    done = search(DARTS(space, rng=np.random.default_rng(0)), budget=1)
    assert done.evaluations == 1
