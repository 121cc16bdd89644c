import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from jaxtyping import Bool

from strategies._recurrent import RecurrentController
from strategies.base import Answers, SearchSpace
from strategies.enas import ENAS
from tests.strategies.recurrent_reference import TorchController


def controller() -> RecurrentController:
    return RecurrentController(
        hidden=16,
        temperature=0.02,  # far from coin flips, so that decisions depend on earlier ones
        learning_rate=0.1,
        rng=np.random.default_rng(3),
    )


@pytest.mark.parametrize(("n", "blocks"), [(1, 1), (3, 5), (4, 12)])
def test_policy_gradient_and_steps_are_those_of_torchs_lstm_and_autograd(
    n: int, blocks: int
) -> None:
    rng = np.random.default_rng(n)
    ours = RecurrentController(
        hidden=6, temperature=0.7, learning_rate=0.1, rng=np.random.default_rng(1)
    )
    reference = TorchController(
        hidden=6, temperature=0.7, learning_rate=0.1, rng=np.random.default_rng(1)
    )
    for _ in range(6):
        schemes = ours.sample(n, blocks=blocks, rng=rng)
        slopes = rng.normal(size=(n, blocks))
        walk = ours.walk(schemes)
        expected = reference.log_policy(schemes).detach().numpy()
        np.testing.assert_allclose(walk.log_policy, expected, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(
            ours.gradient(walk, slopes), reference.gradient(schemes, slopes), rtol=1e-8, atol=1e-12
        )
        ours.descend(walk, slopes)
        reference.descend(schemes, slopes)


@settings(deadline=None)
@given(schemes=arrays(bool, (2, 7)), changed=st.integers(0, 6))
def test_a_decision_depends_on_earlier_decisions_only(
    schemes: Bool[np.ndarray, "2 7"], changed: int
) -> None:
    policy = controller()
    before = policy.walk(schemes).log_policy
    altered = schemes.copy()
    altered[:, changed] ^= True
    after = policy.walk(altered).log_policy
    assert before[:, : changed + 1].tolist() == after[:, : changed + 1].tolist()
    np.testing.assert_allclose(np.exp(before).sum(axis=2), 1.0)


def test_a_decision_does_depend_on_the_one_before() -> None:
    zeros, ones = controller().walk(np.array([[0, 0], [1, 0]], dtype=bool)).log_policy
    assert zeros[1].tolist() != ones[1].tolist()


def test_samples_follow_the_policy_that_is_scored() -> None:
    policy = controller()
    schemes = policy.sample(50, blocks=9, rng=np.random.default_rng(7))
    draws = np.random.default_rng(7).random((9, 50)).T
    connect = np.exp(policy.walk(schemes[::-1]).log_policy[::-1, :, 1])
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
