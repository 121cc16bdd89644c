import numpy as np
import pytest

from benchmark.testing.search import Rewards, answers, hills
from strategies.base import Schemes, SearchSpace
from strategies.local import Local
from tests.strategies.landscapes import best_of_hills, search


def local(seed: int = 0, *, blocks: int = 12, kick_probability: float = 0.5) -> Local:
    space = SearchSpace((blocks,), budget=300)
    return Local(space, rng=np.random.default_rng(seed), kick_probability=kick_probability)


def climb(strategy: Local, *, budget: int) -> Schemes:
    return np.concatenate(search(strategy, budget=budget))


@pytest.mark.parametrize("seed", range(5))
def test_without_interactions_one_pass_over_the_blocks_is_enough(seed: int) -> None:
    schemes = climb(local(seed), budget=1 + 12)
    assert best_of_hills(12).tolist() in schemes.tolist()


def test_each_scheme_differs_in_one_block_from_one_that_was_not_worse_than_any_before() -> None:
    schemes = climb(local(), budget=25)
    rewards = hills(schemes)
    for step in range(1, 13):
        best = schemes[rewards[:step].argmax()]
        assert (schemes[step] != best).sum() == 1


def test_it_restarts_when_all_neighbours_are_known() -> None:
    # One pass up, and the neighbours of the top that the pass has not seen; then elsewhere.
    schemes = climb(local(kick_probability=0.0), budget=40)
    jumps = (schemes[1:] != schemes[:-1]).sum(axis=1)
    assert jumps[:12].max() <= 2
    assert jumps.max() > 2


def test_a_kick_stays_near_the_best() -> None:
    strategy = local(kick_probability=1.0)
    schemes = climb(strategy, budget=60)
    distance = (schemes[25:] != best_of_hills(12)).sum(axis=1)
    assert distance.max() <= 5


def test_equals_are_accepted_so_that_it_crosses_plateaus() -> None:
    def corner(schemes: Schemes) -> Rewards:
        return np.where(schemes[:, :7].all(axis=1), 1.0, 0.0)

    strategy = local(blocks=8)
    asked = []
    for _ in range(256):
        schemes = strategy.ask(1)
        asked.append(schemes)
        strategy.tell(schemes, answers(corner(schemes)))
    far = [(a != b).sum() for a, b in zip(asked[0], asked[8], strict=True)]
    assert far[0] > 1
    assert len(np.unique(np.concatenate(asked), axis=0)) == 256
    assert strategy.ask(9).shape == (0, 8)
