import logging

import numpy as np
import pytest

from benchmark.testing.search import hills
from strategies.base import SearchSpace
from strategies.random import Random
from strategies.tpe import TPE
from tests.strategies.landscapes import search


def tpe(seed: int = 0, *, blocks: int = 12) -> TPE:
    return TPE(SearchSpace((blocks,), budget=300), rng=np.random.default_rng(seed))


def test_it_beats_random_search() -> None:
    budget, best, chance = 100, [], []
    for seed in range(4):
        best.append(hills(np.concatenate(search(tpe(seed), budget=budget))).max())
        random = Random(SearchSpace((12,), budget=budget), rng=np.random.default_rng(seed))
        chance.append(hills(np.concatenate(search(random, budget=budget))).max())
    assert np.mean(best) > np.mean(chance)
    assert min(best) >= max(chance) - 0.005


def test_no_scheme_is_asked_twice_and_a_small_space_is_exhausted() -> None:
    strategy = tpe(blocks=5)
    schemes = np.concatenate(search(strategy, budget=99))
    assert len(schemes) == len(np.unique(schemes, axis=0)) == 2**5
    assert strategy.ask(9).shape == (0, 5)


def test_it_says_nothing(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.DEBUG):
        search(tpe(), budget=15)
    assert capfd.readouterr() == ("", "")
