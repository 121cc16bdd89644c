import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.testing.search import Rewards, answers, hills
from strategies._horseshoe import Horseshoe
from strategies._quadratic import Quadratic, second_order
from strategies.base import Schemes, SearchSpace
from strategies.surrogate import Surrogate
from tests.strategies.landscapes import best_of_hills, search


def test_features_of_three_blocks_worked_by_hand() -> None:
    features = second_order(np.array([[True, False, True]]))
    assert features.tolist() == [[1.0, 1.0, -1.0, 1.0, -1.0, 1.0, -1.0]]


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 999), blocks=st.integers(1, 7))
def test_a_quadratic_is_its_features_and_its_gains_are_differences(seed: int, blocks: int) -> None:
    rng = np.random.default_rng(seed)
    schemes = rng.random((5, blocks)) < 0.5
    coefficients = rng.standard_normal(1 + blocks + blocks * (blocks - 1) // 2)
    model = Quadratic(coefficients, blocks=blocks)
    np.testing.assert_allclose(model.value(schemes), second_order(schemes) @ coefficients)
    for block in range(blocks):
        other = schemes.copy()
        other[:, block] ^= True
        expected = model.value(other) - model.value(schemes)
        np.testing.assert_allclose(model.gains(schemes)[:, block], expected, atol=1e-9)
    assert model.gains(model.climb(schemes)).max() <= 1e-9


def test_a_plane_is_climbed_to_its_top() -> None:
    model = Quadratic(np.array([0.0, 1.0, -2.0, 3.0, 0.0, 0.0, 0.0]), blocks=3)
    start = np.array([[False, True, False], [True, True, True]])
    assert model.climb(start).tolist() == [[True, False, True]] * 2
    assert start.tolist() == [[False, True, False], [True, True, True]]


def test_the_horseshoe_finds_the_few_coefficients_among_many_with_fewer_observations() -> None:
    rng = np.random.default_rng(0)
    design = np.column_stack([np.ones(60), rng.choice([-1.0, 1.0], (60, 120))])
    truth = np.zeros(121)
    truth[[5, 40, 99]] = [3.0, -2.0, 1.5]
    targets = 7 + design @ truth + 0.1 * rng.standard_normal(60)
    model = Horseshoe(121, rng=rng)
    model.add(design[:20], targets[:20])
    model.sweep()
    model.add(design[20:], targets[20:])
    draws = np.array([model.sweep() for _ in range(300)])[100:] * targets.std()
    mean = draws.mean(axis=0)[1:]
    np.testing.assert_allclose(mean[[4, 39, 98]], [3.0, -2.0, 1.5], atol=0.15)
    assert np.abs(np.delete(mean, [4, 39, 98])).max() < 0.1


@pytest.mark.parametrize("way", ["_by_features", "_by_observations"])
def test_either_way_draws_from_the_posterior_of_a_linear_model(way: str) -> None:
    rng = np.random.default_rng(1)
    design = np.column_stack([np.ones(6), rng.choice([-1.0, 1.0], (6, 4))])
    targets, variance = rng.standard_normal(6), np.array([100.0, 4.0, 1e-6, 0.5, 1.0])
    model = Horseshoe(5, rng=rng)
    model.add(design, targets)
    draws = np.array([getattr(model, way)(design, targets, variance) for _ in range(5_000)])
    # Unit noise: N(A⁻¹Xᵀy, A⁻¹) with A = XᵀX + D⁻¹.
    covariance = np.linalg.inv(design.T @ design + np.diag(1 / variance))
    np.testing.assert_allclose(draws.mean(axis=0), covariance @ design.T @ targets, atol=0.05)
    np.testing.assert_allclose(np.cov(draws.T), covariance, atol=0.05)


def test_observations_beyond_the_features_change_the_way_and_not_what_is_learnt() -> None:
    rng = np.random.default_rng(0)
    design = np.column_stack([np.ones(12), rng.choice([-1.0, 1.0], (12, 5))])
    targets = 3 + 2 * design[:, 2] - design[:, 4]
    model = Horseshoe(6, rng=rng)
    for stop in (6, 7, 12):  # as many as features, one more, twice as many
        model.add(design[len(model) : stop], targets[len(model) : stop])
        draws = np.array([model.sweep() for _ in range(400)])[100:]
    slopes = draws.mean(axis=0) * targets.std()
    np.testing.assert_allclose(slopes[1:], [0, 2, 0, -1, 0], atol=0.1)


def test_the_horseshoe_survives_targets_without_variance() -> None:
    model = Horseshoe(7, rng=np.random.default_rng(0))
    model.add(second_order(np.eye(3, dtype=bool)), np.full(3, 0.5))
    assert all(np.isfinite(model.sweep()).all() for _ in range(200))


def surrogate(seed: int = 0, *, blocks: int = 12, passes: int = 1) -> Surrogate:
    space = SearchSpace((blocks,), budget=300)
    return Surrogate(space, rng=np.random.default_rng(seed), passes=passes)


def test_the_first_pass_solves_what_has_no_interactions() -> None:
    for seed in range(3):
        schemes = np.concatenate(search(surrogate(seed), budget=13))
        assert best_of_hills(12).tolist() in schemes.tolist()


def couples(schemes: Schemes) -> Rewards:
    """The first block likes company, each other pair of neighbours differs."""
    x = np.where(schemes, 1.0, -1.0)
    pairs = x[:, 0] * x[:, 11] - (x[:, 1:-1] * x[:, 2:]).sum(axis=1)
    rewards: Rewards = 0.7 + 0.01 * (pairs + 0.5 * x[:, 5])
    return rewards


@pytest.mark.parametrize("seed", range(3))
def test_it_learns_pairs(seed: int) -> None:
    strategy = surrogate(seed)
    asked: list[Schemes] = []
    for _ in range(90):
        asked.append(strategy.ask(300))
        strategy.tell(asked[-1], answers(couples(asked[-1])))
    assert couples(np.concatenate(asked)).max() == pytest.approx(0.7 + 0.01 * (1 + 10 + 0.5))


def test_no_scheme_is_asked_twice_and_a_small_space_is_exhausted() -> None:
    strategy = surrogate(blocks=5)
    schemes = np.concatenate(search(strategy, budget=99))
    assert len(schemes) == len(np.unique(schemes, axis=0)) == 2**5
    assert strategy.ask(9).shape == (0, 5)


def test_a_failed_answer_is_no_observation() -> None:
    strategy = surrogate()
    rewards: list[float] = []
    for _ in range(80):
        schemes = strategy.ask(1)
        failed = schemes[:, 3]
        rewards += np.where(failed, 0.0, hills(schemes)).tolist()
        strategy.tell(schemes, answers(np.where(failed, np.nan, hills(schemes))))
    reachable = best_of_hills(12)
    reachable[3] = False
    assert max(rewards) == pytest.approx(hills(reachable[None])[0])
