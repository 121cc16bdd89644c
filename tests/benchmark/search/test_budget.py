from fractions import Fraction
from math import floor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.basics.errors import LaneError
from benchmark.search.budget import Ledger

BUDGETS = st.integers(1, 20)
CHARGES = st.lists(st.integers(0, 8) | st.fractions(0, 3, max_denominator=1000), max_size=10)


@settings(max_examples=30)
@given(BUDGETS, CHARGES)
def test_what_exceeds_the_budget_is_refused_and_nothing_else_is(
    budget: int, charges: list[int | Fraction]
) -> None:
    ledger = Ledger(budget)
    accepted = Fraction(0)
    for charge in charges:
        if accepted + charge <= budget:
            ledger.charge(charge)
            accepted += charge
        else:
            with pytest.raises(LaneError, match=f"of {budget} left"):
                ledger.charge(charge)
        assert ledger.charged == accepted <= budget
        assert ledger.left == floor(budget - accepted)


@settings(max_examples=30)
@given(st.data(), CHARGES)
def test_parts_add_up_to_the_whole_in_any_order(
    data: st.DataObject, charges: list[int | Fraction]
) -> None:
    whole = sum(charges)
    for order in (charges, data.draw(st.permutations(charges))):
        ledger = Ledger(100)
        for charge in order:
            ledger.charge(charge)
        assert ledger.charged == whole


@settings(max_examples=30)
@given(BUDGETS, st.integers(1, 1000))
def test_fractions_fill_a_budget_exactly(budget: int, parts: int) -> None:
    ledger = Ledger(budget)
    for _ in range(parts):
        ledger.charge(Fraction(budget, parts))
    assert ledger.charged == budget
    assert ledger.left == 0


@settings(max_examples=30)
@given(BUDGETS, st.fractions(max_value=Fraction(-1, 10**6)))
def test_nobody_is_paid_for_asking(budget: int, charge: Fraction) -> None:
    ledger = Ledger(budget)
    with pytest.raises(LaneError, match="asked for -"):
        ledger.charge(charge)
    assert ledger.charged == 0
