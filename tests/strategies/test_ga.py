import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.testing.search import answers, hills
from strategies.base import Schemes, SearchSpace, Strategy
from strategies.ga import GA
from strategies.random import Random
from tests.strategies import landscapes
from tests.strategies.landscapes import best_of_hills


def search(strategy: Strategy, *, budget: int, at_most: int = 1000) -> Schemes:
    return np.concatenate(landscapes.search(strategy, budget=budget, at_most=at_most))


def genetic(seed: int, *, blocks: int = 12, population: int = 30) -> GA:
    space = SearchSpace((blocks,), budget=300)
    return GA(space, rng=np.random.default_rng(seed), population=population)


def test_it_finds_the_best_scheme_more_often_than_random_search() -> None:
    best = best_of_hills(12)
    found, found_by_chance = 0, 0
    for seed in range(10):
        found += (search(genetic(seed), budget=200) == best).all(axis=1).any()
        chance = Random(SearchSpace((12,), budget=200), rng=np.random.default_rng(seed))
        found_by_chance += (search(chance, budget=200) == best).all(axis=1).any()
    assert found >= 8
    assert found_by_chance <= 3


def test_no_scheme_is_asked_twice() -> None:
    schemes = search(genetic(0), budget=600)
    assert len(np.unique(schemes, axis=0)) == 600


def test_a_small_space_is_exhausted_and_the_search_finishes() -> None:
    strategy = genetic(0, blocks=4)
    assert len(np.unique(search(strategy, budget=100), axis=0)) == 2**4
    assert strategy.ask(100).shape == (0, 4)


def test_a_population_of_one_climbs_by_mutation() -> None:
    schemes = search(genetic(0, population=1), budget=60)
    assert len(np.unique(schemes, axis=0)) == 60


@settings(max_examples=10, deadline=None)
@given(at_most=st.integers(1, 31))
def test_handing_out_generations_in_pieces_changes_nothing(at_most: int) -> None:
    assert np.array_equal(
        search(genetic(3), budget=120), search(genetic(3), budget=120, at_most=at_most)
    )


def test_a_generation_is_asked_at_once_when_it_may_be() -> None:
    strategy = genetic(0)
    sizes = []
    for _ in range(3):
        schemes = strategy.ask(100)
        sizes.append(len(schemes))
        strategy.tell(schemes, answers(hills(schemes)))
    assert sizes == [30, 30, 30]


def test_schemes_that_fail_die_out() -> None:
    strategy = genetic(0)
    shares = []
    for _ in range(6):
        schemes = strategy.ask(30)
        failed = schemes[:, 3]
        shares.append(failed.mean())
        strategy.tell(schemes, answers(np.where(failed, np.nan, hills(schemes))))
    assert shares[0] > 0.3
    assert np.mean(shares[2:]) < 0.15


def test_immigrants_come_when_breeding_yields_nothing_new() -> None:
    strategy = GA(
        SearchSpace((5,), budget=60),
        rng=np.random.default_rng(0),
        population=6,
        crossover_probability=0.0,
        mutation_probability=0.0,
    )
    asked = landscapes.search(strategy, budget=60)
    assert [len(schemes) for schemes in asked] == [6, 6, 6, 6, 6, 2]
    assert len(np.unique(np.concatenate(asked), axis=0)) == 2**5
