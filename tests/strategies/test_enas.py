import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from jaxtyping import Bool

from strategies._recurrent import RecurrentController
from strategies.base import Answers, SearchSpace
from strategies.enas import ENAS


def controller() -> RecurrentController:
    return RecurrentController(
        hidden=16,
        temperature=0.02,  # far from coin flips, so that decisions depend on earlier ones
        learning_rate=0.1,
        rng=np.random.default_rng(3),
    )


@settings(deadline=None)
@given(schemes=arrays(bool, (2, 7)), changed=st.integers(0, 6))
def test_a_decision_depends_on_earlier_decisions_only(
    schemes: Bool[np.ndarray, "2 7"], changed: int
) -> None:
    policy = controller()
    before = policy.log_policy(schemes)
    altered = schemes.copy()
    altered[:, changed] ^= True
    after = policy.log_policy(altered)
    assert before[:, : changed + 1].tolist() == after[:, : changed + 1].tolist()
    np.testing.assert_allclose(before.exp().sum(dim=2).detach().numpy(), 1.0)


def test_a_decision_does_depend_on_the_one_before() -> None:
    zeros, ones = controller().log_policy(np.array([[0, 0], [1, 0]], dtype=bool))
    assert zeros[1].tolist() != ones[1].tolist()


def test_samples_follow_the_policy_that_is_scored() -> None:
    policy = controller()
    schemes = policy.sample(50, blocks=9, rng=np.random.default_rng(7))
    draws = np.random.default_rng(7).random((9, 50)).T
    connect = policy.log_policy(schemes)[:, :, 1].exp().detach().numpy()
    assert np.array_equal(draws < connect, schemes)
    assert 0.05 < schemes.mean() < 0.95


@pytest.mark.parametrize(("gain", "connected"), [(0.015, True), (-0.015, False)])
def test_it_converges_where_accuracy_follows_the_number_of_connections(
    gain: float, *, connected: bool
) -> None:
    search = ENAS(SearchSpace((4, 4, 4), budget=300), rng=np.random.default_rng(0))
    for _ in range(100):
        schemes = search.ask(3)
        accuracy = 0.743 + gain * schemes.mean(axis=1)
        search.tell(schemes, Answers(reward=accuracy, accuracy=accuracy, loss=1 - accuracy))
    assert (search.ask(3) == connected).mean() > 0.95


def test_entropy_is_rewarded() -> None:
    flat = np.full(3, 0.5)
    distinct = []
    for weight in (0.0, -1e3):
        search = ENAS(
            SearchSpace((6,), budget=300), rng=np.random.default_rng(0), entropy_weight=weight
        )
        seen = []
        for _ in range(60):
            schemes = search.ask(3)
            search.tell(schemes, Answers(reward=flat, accuracy=flat, loss=flat))
            seen.append(schemes)
        distinct.append(len(np.unique(np.concatenate(seen[-20:]), axis=0)))
    assert distinct[0] > distinct[1]
