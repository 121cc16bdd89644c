from fractions import Fraction

import numpy as np
import pytest

from benchmark.testing.search import search
from strategies.base import SearchSpace, StrategyError
from strategies.halving import Halving


def halving(budget: int, *, blocks: int = 24, eta: int = 3, cuts: int = 2) -> Halving:
    space = SearchSpace((blocks,), budget=budget)
    return Halving(space, rng=np.random.default_rng(0), eta=eta, cuts=cuts)


def rungs(strategy: Halving, budget: int) -> list[tuple[int, Fraction]]:
    done = search(strategy, budget=budget)
    return [(len(rows), part) for rows, part in zip(done.requests, done.fidelities, strict=True)]


NINTH, THIRD, FULL = Fraction(1, 9), Fraction(1, 3), Fraction(1)


def test_brackets_cut_to_a_third_and_cost_three_evaluations_or_four() -> None:
    expected = [(9, NINTH), (3, THIRD), (1, FULL), (6, THIRD), (2, FULL), (3, FULL)]
    assert rungs(halving(20), 10) == expected
    assert rungs(halving(20), 20) == expected * 2


def test_the_last_bracket_fits_what_is_left() -> None:
    assert rungs(halving(2), 2) == [(3, THIRD), (1, FULL)]
    assert rungs(halving(1), 1) == [(1, FULL)]


def test_the_best_go_on() -> None:
    done = search(halving(3), budget=3)
    slopes = np.cos(1.0 + np.arange(24))
    for before, after in zip(done.requests, done.requests[1:], strict=False):
        heights = np.sort(before @ slopes)[::-1]
        assert sorted(after @ slopes, reverse=True) == pytest.approx(heights[: len(after)].tolist())


def test_an_allowance_cuts_a_rung_into_pieces_of_the_same_bracket() -> None:
    whole = search(halving(10), budget=10)
    pieces = search(halving(10), budget=10, at_most=3)
    assert pieces.bits()[:13] == whole.bits()[:13]


def test_one_of_one_can_not_be_cut() -> None:
    with pytest.raises(StrategyError, match="expected eta of at least 2, received 1"):
        halving(9, eta=1)


def test_parts_too_small_to_be_answered_are_refused() -> None:
    with pytest.raises(StrategyError, match=r"of at most 1000, received 6\^4"):
        halving(9, eta=6, cuts=4)
