"""What the paper reports of its searches, as far as a landscape in closed form can show it.

"The Lottery Ticket Hypothesis for Self-attention in Convolutional Neural Network". That
EAN without curiosity and replay is plain REINFORCE, step by step, is in `test_ean`; that
DARTS finds the signs of an additive landscape in `test_darts`.
"""

import numpy as np
import pytest

from benchmark.testing.search import Rewards, answers, hills
from strategies.base import Schemes, SearchSpace, Strategy
from strategies.ean import EAN
from strategies.enas import ENAS

PAPER_RATE = 3.5e-3
"""The smallest learning rate at which ENAS's mean probability moves as in Table V."""
RELEASED_RATE = 3.5e-4


def rewards_connections(schemes: Schemes, gain: float) -> Rewards:
    rewards: Rewards = 0.743 + gain * schemes.mean(axis=1)
    return rewards


def mean_probability(search: ENAS, schemes: Schemes) -> float:
    """p̄ of the second paper's Table V: mean probability of the schemes' decisions now."""
    log_policy = search._controller.walk(schemes).log_policy  # noqa: SLF001 - no search needs it
    return float(np.exp(np.where(schemes, log_policy[:, :, 1], log_policy[:, :, 0])).mean())


def probabilities(*, gain: float, rate: float) -> tuple[list[float], Schemes]:
    """ENAS's p̄ in each of 100 iterations, and the last schemes."""
    space = SearchSpace((4, 4, 4), budget=300)
    search = ENAS(space, rng=np.random.default_rng(1), learning_rate=rate)
    means = []
    for _ in range(100):
        schemes = search.ask(3)
        means.append(mean_probability(search, schemes))
        search.tell(schemes, answers(rewards_connections(schemes, gain)))
    return means, schemes


@pytest.mark.parametrize(("gain", "ones"), [(0.03, 1.0), (-0.03, 0.0)])
def test_enas_settles_on_nearly_all_or_no_connections_within_100_iterations(
    gain: float, ones: float
) -> None:
    means, schemes = probabilities(gain=gain, rate=PAPER_RATE)
    assert means[0] < 0.55
    assert max(means) > 0.95
    assert means[-1] > 0.95
    assert schemes.mean() == pytest.approx(ones, abs=0.05)


def test_at_the_released_learning_rate_enas_does_not_settle() -> None:
    means, _ = probabilities(gain=0.03, rate=RELEASED_RATE)
    assert 0.6 < means[-1] < 0.9


def distinct(strategy: Strategy) -> int:
    seen: set[bytes] = set()
    for _ in range(100):
        schemes = strategy.ask(3)
        assert isinstance(schemes, np.ndarray)
        seen.update(scheme.tobytes() for scheme in schemes)
        strategy.tell(schemes, answers(hills(schemes)))
    return len(seen)


def test_ean_tries_more_distinct_schemes_with_curiosity_than_without() -> None:
    space = SearchSpace((8, 8, 8), budget=300)
    curious, plain = (
        [distinct(EAN(space, rng=np.random.default_rng(s), rnd_weight=weight)) for s in range(2)]
        for weight in (1.0, 0.0)
    )
    assert all(more > fewer for more, fewer in zip(curious, plain, strict=True))
    assert sum(curious) > 1.4 * sum(plain)
