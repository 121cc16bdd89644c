from math import inf, sqrt
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.basics.errors import UsageError
from benchmark.studies.theorem import least_changes, needed_width, predicted_share, try_theorem

TWO_INPUTS: dict[str, Any] = {
    "widths": [1, 8, 64],
    "epsilons": [0.1, 0.5],
    "draws": 300,
    "inputs": 2,
}


def test_taking_a_neuron_away_changes_the_output_by_its_activation() -> None:
    weights = np.array([[3.0, 4.0], [0.0, -1.0]])
    everywhere, at_points = least_changes(weights, np.array([[1.0, 0.0], [0.0, 1.0]]))
    assert everywhere.tolist() == [5, 1]
    assert at_points.tolist() == [4, 0]


def test_two_inputs_have_an_exponential_law() -> None:
    # χ² with two degrees of freedom: P(χ² ≤ ε²) = 1 − exp(−ε²/2).
    assert predicted_share(sqrt(2 * np.log(2)), 3, inputs=2) == pytest.approx(1 - 0.5**3)
    assert needed_width(sqrt(2 * np.log(2)), inputs=2, delta=0.1) == 4


@given(st.floats(0.05, 3), st.integers(1, 6), st.floats(0.01, 0.5))
def test_the_theorems_width_is_the_least_that_keeps_its_promise(
    epsilon: float, inputs: int, delta: float
) -> None:
    width = needed_width(epsilon, inputs=inputs, delta=delta)
    if width < 10**6:
        assert predicted_share(epsilon, int(width), inputs=inputs) >= 1 - delta - 1e-9
        assert predicted_share(epsilon, int(width) - 1, inputs=inputs) < 1 - delta + 1e-9


def test_one_neuron_is_enough_where_every_neuron_can_be_spared() -> None:
    # log(1 − p) of χ² with two degrees of freedom is −ε²/2, also where 1 − p is no number any more.
    assert needed_width(10.0, inputs=2, delta=0.05) == 1
    assert needed_width(1e5, inputs=2, delta=0.05) == 1
    assert predicted_share(1e5, 1, inputs=2) == 1
    assert needed_width(1.0, inputs=2, delta=float(np.exp(-5.25))) == 11


def test_no_width_is_enough_where_the_chance_vanishes() -> None:
    assert needed_width(1e-200, inputs=400, delta=0.05) == inf


def test_draws_agree_with_the_formula_and_with_each_other() -> None:
    records = try_theorem(**TWO_INPUTS, confidence=0.999)
    assert [(r.epsilon, r.width) for r in records] == [
        (epsilon, width) for epsilon in (0.1, 0.5) for width in (1, 8, 64)
    ]
    for record in records:
        assert record.everywhere.low <= record.predicted <= record.everywhere.high
        assert record.sampled >= record.everywhere.center
        assert record.removed >= record.everywhere.center
    assert records == try_theorem(**TWO_INPUTS, confidence=0.999)
    assert records != try_theorem(**TWO_INPUTS, confidence=0.999, seed=1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"widths": [8, 0]}, "widths: expected a whole number from 1 to 1,000,000, received 0"),
        ({"widths": []}, "expected at least one width"),
        ({"epsilons": [0.0]}, "epsilon: expected a number above 0 to 1,000,000, received 0.0"),
        ({"epsilons": [float("nan")]}, "epsilon: expected a number above 0 .*received nan"),
        ({"draws": 0}, "draws: expected a whole number from 1 .*received 0"),
        ({"draws": True}, "draws: expected a whole number from 1 .*received True"),
        ({"delta": 1.0}, "delta: expected a number above 0 to below 1, received 1.0"),
        ({"confidence": 0.0}, "confidence: expected a number above 0 to below 1, received 0.0"),
        ({"widths": [10**6], "inputs": 10**6}, "doesn't fit into 134,217,728 numbers of mem"),
        ({"widths": [10**6], "draws": 10**6}, "2,000,128,000,000 numbers would be drawn, more"),
    ],
)
def test_numbers_that_cannot_be_are_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        try_theorem(**(TWO_INPUTS | change))
