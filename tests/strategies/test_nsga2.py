import numpy as np

from benchmark.testing.search import Rewards
from strategies.base import Answers, Schemes, SearchSpace
from strategies.nsga2 import NSGA2


def accuracy_of(schemes: Schemes) -> Rewards:
    """Every connection helps, the first ones most."""
    gains = schemes / (1.0 + np.arange(schemes.shape[1]))
    accuracy: Rewards = 0.7 + 0.02 * gains.sum(axis=1)
    return accuracy


def generations(count: int, *, failing: bool = False) -> list[Schemes]:
    strategy = NSGA2(SearchSpace((10,), budget=900), rng=np.random.default_rng(0))
    asked = []
    for _ in range(count):
        schemes = strategy.ask(900)
        accuracy = accuracy_of(schemes)
        if failing:
            accuracy[schemes[:, 2]] = np.nan
        # Rewards that would mislead: only accuracy and connections may matter.
        strategy.tell(schemes, Answers(reward=-accuracy, accuracy=accuracy, loss=1 - accuracy))
        asked.append(schemes)
    return asked


def test_it_spreads_over_the_front_of_accuracy_and_connections() -> None:
    schemes = np.concatenate(generations(10))
    front = np.tri(11, 10, -1, dtype=bool)  # with k connections the first k are best
    for best in front:
        rivals = schemes[schemes.sum(axis=1) == best.sum()]
        assert len(rivals) > 0
        assert accuracy_of(best[None])[0] - accuracy_of(rivals).max() < 0.005


def test_no_scheme_is_asked_twice() -> None:
    schemes = np.concatenate(generations(20))
    assert len(schemes) == len(np.unique(schemes, axis=0))


def test_schemes_that_fail_die_out() -> None:
    shares = [schemes[:, 2].mean() for schemes in generations(8, failing=True)]
    assert shares[0] > 0.3
    assert np.mean(shares[3:]) < 0.2
