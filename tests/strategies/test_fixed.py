"""Searches that learn nothing: enumeration and the paper's periodic schemes."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from strategies.base import SearchSpace
from strategies.exhaustive import Exhaustive
from strategies.hsp import HSP, periodic_schemes
from tests.strategies.landscapes import search


def bits(schemes: np.ndarray) -> list[str]:
    return ["".join("01"[int(bit)] for bit in scheme) for scheme in schemes]


def test_every_scheme_comes_once_in_ascending_order() -> None:
    strategy = Exhaustive(SearchSpace((1, 2), budget=99), rng=np.random.default_rng(0))
    asked = search(strategy, budget=99, at_most=3)
    assert bits(np.concatenate(asked)) == ["000", "001", "010", "011", "100", "101", "110", "111"]
    assert strategy.ask(9).shape == (0, 3)


def test_more_blocks_than_a_machine_word_has_bits() -> None:
    strategy = Exhaustive(SearchSpace((70,), budget=9), rng=np.random.default_rng(0))
    assert bits(strategy.ask(3)) == ["0" * 70, "0" * 69 + "1", "0" * 68 + "10"]


def test_policies_of_six_blocks_worked_by_hand() -> None:
    expected = {
        1: ["111111"],
        2: ["101010", "010101"],
        3: ["100100", "010010", "001001"],
        4: ["100010", "010001", "001000", "000100"],
        5: ["100001", "010000", "000010"],  # 001000 and 000100 have come already
        6: ["100000", "000001"],
    }
    assert bits(periodic_schemes(6)) == [
        policy for period in expected.values() for policy in period
    ]


@given(blocks=st.integers(1, 30))
def test_policies_are_distinct_and_never_empty(blocks: int) -> None:
    policies = periodic_schemes(blocks)
    assert len(np.unique(policies, axis=0)) == len(policies)
    assert policies.any(axis=1).all()
    assert policies[0].all()


def test_policies_are_handed_out_in_pieces() -> None:
    strategy = HSP(SearchSpace((3, 3), budget=99), rng=np.random.default_rng(0))
    asked = search(strategy, budget=99, at_most=4)
    assert np.array_equal(periodic_schemes(6), np.concatenate(asked))
    assert {len(schemes) for schemes in asked[:-1]} == {4}
