import numpy as np

from benchmark.testing.search import answers, hills
from strategies.base import Schemes, SearchSpace
from strategies.evolution import Evolution
from tests.strategies.landscapes import best_of_hills, search


def evolution(seed: int = 0, *, blocks: int = 12, tournament: int = 5) -> Evolution:
    space = SearchSpace((blocks,), budget=300)
    return Evolution(space, rng=np.random.default_rng(seed), population=20, tournament=tournament)


def test_the_first_generation_is_asked_at_once_and_then_one_child_at_a_time() -> None:
    sizes = [len(schemes) for schemes in search(evolution(), budget=24)]
    assert sizes == [20, 1, 1, 1, 1]


def test_a_child_differs_in_one_block_from_one_of_the_last_twenty() -> None:
    schemes = np.concatenate(search(evolution(), budget=120))
    for number in range(20, 120):
        alive = schemes[number - 20 : number]
        assert (schemes[number] != alive).sum(axis=1).min() == 1


def test_a_larger_tournament_presses_harder() -> None:
    def mean_reward(tournament: int) -> float:
        asked = [
            np.concatenate(search(evolution(seed, tournament=tournament), budget=80))[20:]
            for seed in range(5)
        ]
        return float(hills(np.concatenate(asked)).mean())

    assert mean_reward(10) > mean_reward(1) + 0.005


def test_it_finds_the_best_scheme() -> None:
    best = best_of_hills(12)
    found = sum(
        (np.concatenate(search(evolution(seed), budget=250)) == best).all(axis=1).any()
        for seed in range(5)
    )
    assert found >= 4


def test_failures_have_no_children_while_others_live() -> None:
    strategy = evolution(tournament=40)
    asked: list[Schemes] = []
    for _ in range(60):
        schemes = strategy.ask(20)
        asked.append(schemes)
        rewards = np.where(schemes[:, 0], np.nan, hills(schemes))
        strategy.tell(schemes, answers(rewards))
    # Children of the unconnected, which a tournament of 40 among 20 all but always sends.
    assert np.concatenate(asked[1:])[:, 0].mean() < 0.2
