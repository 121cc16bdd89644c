from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.basics.errors import SchemeError, UsageError
from benchmark.oracle.known import (
    BEST,
    LANDSCAPES,
    WORST,
    Additive,
    Needle,
    Noisy,
    Pairwise,
    Plateau,
    Trap,
    make_landscape,
)
from benchmark.records.schemes import all_schemes
from strategies.base import GateQuestion

every_landscape = pytest.mark.parametrize("name", LANDSCAPES)


@every_landscape
@settings(max_examples=15, deadline=None)
@given(blocks=st.integers(1, 9), seed=st.integers(0, 999))
def test_nothing_exceeds_the_optimum(name: str, blocks: int, seed: int) -> None:
    landscape = make_landscape(name, blocks, seed=seed)
    truth = landscape.truth(all_schemes(blocks))
    assert landscape.truth(landscape.optimum[None])[0] == pytest.approx(BEST)
    assert truth.max() == pytest.approx(BEST)
    assert truth.min() >= WORST - 1e-12
    assert landscape.regret(all_schemes(blocks)).min() == pytest.approx(0.0)


@every_landscape
def test_answers_do_not_depend_on_the_batch_or_on_who_asks(name: str) -> None:
    schemes = np.random.default_rng(0).random((40, 24)) < 0.5
    together = make_landscape(name, 24, seed=3).score(schemes).accuracy
    other = make_landscape(name, 24, seed=3)
    alone = [other.score(scheme[None]).accuracy[0] for scheme in schemes[::-1]]
    assert together.tolist() == alone[::-1]
    assert other.score(schemes[:0]).accuracy.shape == (0,)


@every_landscape
def test_another_seed_is_another_landscape(name: str) -> None:
    schemes = np.random.default_rng(0).random((200, 12)) < 0.5
    first, second = (make_landscape(name, 12, seed=seed) for seed in (0, 1))
    assert first.identity != second.identity
    assert first.score(schemes).accuracy.tolist() != second.score(schemes).accuracy.tolist()


@every_landscape
def test_changing_its_optimum_changes_nothing(name: str) -> None:
    landscape = make_landscape(name, 6, seed=0)
    landscape.optimum[:] ^= True
    assert landscape.truth(landscape.optimum[None])[0] == pytest.approx(BEST)


@every_landscape
def test_schemes_that_do_not_fit_are_refused(name: str) -> None:
    with pytest.raises(SchemeError, match=r"expected a boolean matrix of \(n, 4\) schemes"):
        make_landscape(name, 4, seed=0).score(np.zeros((2, 5), dtype=bool))


def test_an_unknown_name_and_an_empty_landscape_are_refused() -> None:
    with pytest.raises(UsageError, match="unknown landscape 'traps'; did you mean 'trap'"):
        make_landscape("traps", 4, seed=0)
    with pytest.raises(UsageError, match="at least 1 block, received 0"):
        make_landscape("trap", 0, seed=0)


def test_additive_blocks_do_not_interact() -> None:
    landscape = Additive(5, seed=0)
    heights = landscape.height(landscape.optimum ^ np.eye(5, dtype=bool))
    two_wrong = landscape.optimum.copy()
    two_wrong[[1, 3]] ^= True
    expected = 1 - (1 - heights[1]) - (1 - heights[3])
    assert landscape.height(two_wrong[None])[0] == pytest.approx(expected)


def test_pairwise_blocks_interact_with_the_next_two_only() -> None:
    landscape = Pairwise(6, seed=0)

    def interaction(first: int, second: int) -> float:
        start = np.zeros(6, dtype=bool)
        schemes = np.array([start] * 4)
        schemes[[1, 3], first] = True
        schemes[[2, 3], second] = True
        neither, one, other, both = landscape.height(schemes)
        return float(both - one - other + neither)

    for first in range(6):
        for second in range(first + 1, 6):
            assert (abs(interaction(first, second)) > 1e-9) == (second - first <= 2)


def test_traps_lead_away_from_the_optimum() -> None:
    landscape = Trap(4, seed=0)
    wrong = np.tri(5, 4, -1, dtype=bool)  # 0, 1, … 4 bits wrong
    expected = [1.0, 0.0, 0.25, 0.5, 0.75]
    np.testing.assert_allclose(landscape.height(landscape.optimum ^ wrong), expected)


def test_the_needle_is_felt_within_a_third_of_the_blocks() -> None:
    landscape = Needle(12, seed=0)
    wrong = np.tri(13, 12, -1, dtype=bool)
    expected = [1.0, 0.75, 0.5, 0.25, *[0.0] * 9]
    np.testing.assert_allclose(landscape.height(landscape.optimum ^ wrong), expected)


def test_on_the_plateau_one_flip_leads_up_and_those_behind_it_change_nothing() -> None:
    landscape = Plateau(8, seed=0)
    heights = landscape.height(~landscape.optimum ^ np.eye(8, dtype=bool))
    assert sorted(heights) == [0.0] * 7 + [1 / 8]


def test_noise_has_the_deviation_it_says_and_does_not_move_the_truth() -> None:
    noisy, clear = Noisy(24, seed=5, deviation=0.02), Pairwise(24, seed=5)
    schemes = np.random.default_rng(0).random((2000, 24)) < 0.5
    noise = noisy.score(schemes).accuracy - clear.score(schemes).accuracy
    assert noisy.truth(schemes).tolist() == clear.truth(schemes).tolist()
    assert abs(noise.mean()) < 0.002
    assert noise.std() == pytest.approx(0.02, rel=0.1)
    assert len(set(noise.tolist())) == len(np.unique(schemes, axis=0))


@pytest.mark.parametrize("name", sorted(LANDSCAPES))
def test_a_glimpse_is_off_by_what_fewer_images_leave_open(name: str) -> None:
    landscape = make_landscape(name, 10, seed=2)
    schemes = all_schemes(10)
    full = landscape.score(schemes).accuracy
    deviations = []
    for fidelity in (Fraction(1, 100), Fraction(1, 4)):
        glimpse = landscape.at(fidelity)
        seen = glimpse.score(schemes).accuracy
        assert seen[:5].tolist() == glimpse.score(schemes[:5]).accuracy.tolist()
        deviations.append(float(np.std(seen - full)))
    # √(0.76 · 0.24 / rows) without replacement, of 100 and 2,500 of 10,000 rows.
    assert deviations == pytest.approx([0.0425, 0.0074], rel=0.1)
    assert landscape.at(Fraction(1)) is landscape
    assert len({landscape.identity, glimpse.identity, landscape.at(Fraction(1, 2)).identity}) == 3
    with pytest.raises(UsageError, match="fidelity from 1/1000 to 1, received 0"):
        landscape.at(Fraction(0))


@pytest.mark.parametrize("name", ["additive", "pairwise"])
def test_soft_gates_meet_schemes_at_the_ends_and_slope_as_they_are(name: str) -> None:
    landscape = make_landscape(name, 7, seed=1)
    scheme = landscape.optimum
    ends = GateQuestion(scheme.astype(float))
    assert landscape.gate_gradient(ends).loss == pytest.approx(-np.log(BEST))
    gates = np.linspace(0.1, 0.9, 7)
    numeric = [
        landscape.gate_gradient(GateQuestion(gates + side)).loss
        - landscape.gate_gradient(GateQuestion(gates - side)).loss
        for side in 1e-6 * np.eye(7)
    ]
    slope = landscape.gate_gradient(GateQuestion(gates)).gradient
    assert slope == pytest.approx(np.array(numeric) / 2e-6, rel=1e-4)


def test_only_sums_over_blocks_and_pairs_offer_gradients() -> None:
    offers = {name for name in LANDSCAPES if "gradients" in make_landscape(name, 4, seed=0).offers}
    assert offers == {"additive", "pairwise"}
    with pytest.raises(UsageError, match="offers gradients, received Trap with fidelity, scores"):
        make_landscape("trap", 4, seed=0).gate_gradient(GateQuestion(np.zeros(4)))
