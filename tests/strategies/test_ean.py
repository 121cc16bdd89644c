import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from jaxtyping import Bool, Float64
from torch import Tensor, nn

from benchmark.testing.search import answers, hills
from strategies._curiosity import Curiosity
from strategies._losses import clipped_surrogate, reinforce_loss
from strategies._networks import perceptron
from strategies._reinforce import Experience, MovingAverage, ReplayBuffer
from strategies.base import Schemes, SearchSpace
from strategies.ean import EAN
from tests.strategies.landscapes import best_of_hills, search

BLOCKS = 6
SPACE = SearchSpace((3, 3), budget=300)


def step_down(adam: torch.optim.Adam, loss: Tensor) -> None:
    adam.zero_grad()
    torch.autograd.backward(loss)
    adam.step()


def connect_probability(network: nn.Sequential) -> list[Tensor]:
    logits = network(torch.full((20,), 0.05, dtype=torch.float64)) / 5.0
    return [torch.softmax(logits[2 * i : 2 * i + 2], dim=0)[1] for i in range(BLOCKS)]


def plain_reinforce(*, seed: int, steps: int) -> list[Schemes]:
    """REINFORCE with a moving-average baseline, written out by hand."""
    rng = np.random.default_rng(seed)
    weights_rng, _, _ = rng.spawn(3)
    network = perceptron(20, 50, 2 * BLOCKS, rng=weights_rng)
    adam = torch.optim.Adam(network.parameters(), lr=5e-2)
    baseline, asked = None, []
    for _ in range(steps):
        connect = connect_probability(network)
        schemes = rng.random((3, BLOCKS)) < np.array([float(p.detach()) for p in connect])
        rewards = 100 * hills(schemes)
        mean = rewards.mean()
        baseline = mean if baseline is None else 0.95 * baseline + 0.05 * mean
        loss = torch.zeros((), dtype=torch.float64)
        for scheme, reward in zip(schemes, rewards, strict=True):
            for p, bit in zip(connect, scheme, strict=True):
                loss = loss - (reward - baseline) * torch.log(p if bit else 1 - p) / 3
        step_down(adam, loss)
        asked.append(schemes)
    return asked


def curious_replaying_reinforce(*, seed: int, steps: int) -> list[Schemes]:
    """The whole method decision by decision, with scalars and lists."""
    rng = np.random.default_rng(seed)
    policy_rng, curiosity_rng, replay_rng = rng.spawn(3)
    policy = perceptron(20, 50, 2 * BLOCKS, rng=policy_rng)
    target = perceptron(BLOCKS, 32, 32, 4 * BLOCKS, rng=curiosity_rng)
    predictor = perceptron(BLOCKS, 32, 4 * BLOCKS, rng=curiosity_rng)
    policy_adam = torch.optim.Adam(policy.parameters(), lr=5e-2)
    predictor_adam = torch.optim.Adam(predictor.parameters(), lr=5e-2)

    def novelty(scheme: Bool[np.ndarray, " blocks"]) -> Tensor:
        row = torch.tensor(scheme).double()
        distance: Tensor = ((target(row).detach() - predictor(row)) ** 2).sum()
        return distance

    baseline, asked = None, []
    memory: list[tuple[Schemes, list[list[float]]]] = []
    for step in range(steps):
        connect = connect_probability(policy)
        schemes = rng.random((3, BLOCKS)) < np.array([float(p.detach()) for p in connect])
        asked.append(schemes)
        chosen = [
            [p if bit else 1 - p for p, bit in zip(connect, scheme, strict=True)]
            for scheme in schemes
        ]
        memory = [*memory, (schemes, [[float(p.detach()) for p in row] for row in chosen])][-30:]
        bonuses = [novelty(scheme) for scheme in schemes]
        totals = [
            100 * float(hills(scheme[None])[0]) + float(bonus.detach())
            for scheme, bonus in zip(schemes, bonuses, strict=True)
        ]
        mean = sum(totals) / 3
        baseline = mean if baseline is None else 0.95 * baseline + 0.05 * mean
        loss = torch.zeros((), dtype=torch.float64)
        for row, total in zip(chosen, totals, strict=True):
            for p in row:
                loss = loss - (total - baseline) * torch.log(p) / 3
        step_down(policy_adam, loss)
        step_down(predictor_adam, bonuses[0] + bonuses[1] + bonuses[2])

        if step >= 10:
            connect = connect_probability(policy)
            loss = torch.zeros((), dtype=torch.float64)
            for scheme, before in zip(*memory[replay_rng.integers(len(memory))], strict=True):
                total = 100 * float(hills(scheme[None])[0]) + float(novelty(scheme).detach())
                for p, bit, old in zip(connect, scheme, before, strict=True):
                    ratio = (p if bit else 1 - p) / old
                    gain = total - baseline
                    objective = torch.minimum(ratio * gain, ratio.clamp(0.9, 1.1) * gain)
                    loss = loss - 0.1 * objective / 3
            step_down(policy_adam, loss)
    return asked


@pytest.mark.parametrize("seed", range(3))
def test_without_curiosity_and_replay_it_is_plain_reinforce(seed: int) -> None:
    strategy = EAN(SPACE, rng=np.random.default_rng(seed), rnd_weight=0.0, replay_weight=0.0)
    expected = plain_reinforce(seed=seed, steps=60)
    assert np.array_equal(expected, search(strategy, budget=180))


@pytest.mark.parametrize("seed", range(3))
def test_with_curiosity_and_replay_it_is_the_method_written_out(seed: int) -> None:
    strategy = EAN(SPACE, rng=np.random.default_rng(seed))
    expected = curious_replaying_reinforce(seed=seed, steps=60)
    assert np.array_equal(expected, search(strategy, budget=180))


def test_replay_begins_with_the_eleventh_step() -> None:
    with_replay = EAN(SPACE, rng=np.random.default_rng(0), replay_weight=100.0)
    without = EAN(SPACE, rng=np.random.default_rng(0), replay_weight=0.0)
    expected, actual = search(without, budget=180), search(with_replay, budget=180)
    assert np.array_equal(expected[:11], actual[:11])
    assert not np.array_equal(expected[11:], actual[11:])


def test_a_failed_answer_teaches_as_if_the_scheme_had_not_been_asked() -> None:
    failing = EAN(SPACE, rng=np.random.default_rng(0))
    sparing = EAN(SPACE, rng=np.random.default_rng(0))
    for _ in range(40):
        schemes, same = failing.ask(3), sparing.ask(3)
        assert np.array_equal(same, schemes)
        rewards = hills(schemes)
        sparing.tell(schemes[[0, 2]], answers(rewards[[0, 2]]))
        rewards[1] = np.nan
        failing.tell(schemes, answers(rewards))


def test_it_learns_an_additive_landscape() -> None:
    best = hills(best_of_hills(BLOCKS)[None])[0]
    for seed in range(5):
        asked = search(EAN(SPACE, rng=np.random.default_rng(seed)), budget=300)
        first, last = np.concatenate(asked[:10]), np.concatenate(asked[-10:])
        assert best - hills(last).mean() < 0.2 * (best - hills(first).mean())


def test_each_scheme_has_a_curiosity_bonus_of_its_own() -> None:
    curiosity = Curiosity(blocks=4, learning_rate=5e-2, rng=np.random.default_rng(0))
    schemes = np.array([[0, 0, 0, 0], [1, 1, 1, 1], [0, 1, 0, 1]], dtype=bool)
    together = curiosity.bonus(schemes)
    assert len(set(together)) == 3
    alone = [curiosity.bonus(scheme[None])[0] for scheme in schemes]
    np.testing.assert_allclose(alone, together, rtol=1e-12)


def test_the_bonus_wears_off_for_schemes_seen_again_and_again() -> None:
    curiosity = Curiosity(blocks=8, learning_rate=5e-3, rng=np.random.default_rng(0))
    familiar = np.array([[0, 1, 0, 1, 0, 1, 0, 1]], dtype=bool)
    strange = ~familiar
    before = curiosity.bonus(strange)[0]
    bonuses = [curiosity.observe(familiar)[0] for _ in range(200)]
    assert bonuses[-1] < 0.01 * bonuses[0]
    assert bonuses[-1] < 0.1 * curiosity.bonus(strange)[0]
    assert curiosity.bonus(strange)[0] > 0.1 * before


def test_observing_returns_the_bonus_before_learning() -> None:
    curiosity = Curiosity(blocks=3, learning_rate=5e-2, rng=np.random.default_rng(0))
    schemes = np.array([[0, 0, 1], [1, 1, 0]], dtype=bool)
    expected = curiosity.bonus(schemes)
    np.testing.assert_array_equal(expected, curiosity.observe(schemes))
    assert np.all(curiosity.bonus(schemes) != expected)


@pytest.mark.parametrize(
    ("ratio", "advantage", "objective", "slope"),
    [
        (1.0, 2.0, 2.0, 2.0),
        (1.05, 2.0, 2.1, 2.1),
        (1.5, 2.0, 2.2, 0.0),  # already likelier than the clip allows: no more of it
        (0.5, 2.0, 1.0, 1.0),  # a good scheme became rarer: pulled back
        (1.5, -2.0, -3.0, -3.0),  # a bad scheme became likelier: pushed back
        (0.5, -2.0, -1.8, 0.0),  # already rarer than the clip allows: no more of it
    ],
)
def test_the_clip_stops_the_gradient_where_ppo_stops_it(
    ratio: float, advantage: float, objective: float, slope: float
) -> None:
    old = torch.tensor([[-0.7]], dtype=torch.float64)
    new = (old + np.log(ratio)).requires_grad_()
    actual = clipped_surrogate(new, old, np.array([advantage]), clip=0.1)
    torch.autograd.backward(actual)
    assert new.grad is not None
    assert objective == pytest.approx(actual.item())
    assert slope == pytest.approx(new.grad.item())


def test_blocks_are_clipped_one_by_one() -> None:
    old = torch.zeros((1, 2), dtype=torch.float64)
    new = torch.tensor([[np.log(2.0), 0.0]], dtype=torch.float64, requires_grad=True)
    torch.autograd.backward(clipped_surrogate(new, old, np.array([3.0]), clip=0.1))
    assert new.grad is not None
    assert new.grad.tolist() == [[0.0, 3.0]]


@given(
    log_probability=arrays(float, (3, 4), elements=st.floats(-3, -0.01)),
    advantage=arrays(float, 3, elements=st.floats(-5, 5)),
)
def test_replaying_a_step_the_policy_has_not_left_is_reinforce(
    log_probability: Float64[np.ndarray, "3 4"], advantage: Float64[np.ndarray, " 3"]
) -> None:
    old = torch.tensor(log_probability)
    new = old.clone().requires_grad_()
    (expected,) = torch.autograd.grad(reinforce_loss(new, advantage), new)
    replay_loss = -clipped_surrogate(new, old, advantage, clip=0.1)
    (actual,) = torch.autograd.grad(replay_loss, new)
    torch.testing.assert_close(actual, expected)


def test_the_baseline_starts_at_the_first_mean_and_decays() -> None:
    baseline = MovingAverage(0.9)
    assert pytest.approx([baseline.update(x) for x in (4.0, 5.0, 0.0)]) == [4.0, 4.1, 3.69]


def test_the_buffer_forgets_its_oldest_steps_and_draws_all_others() -> None:
    buffer = ReplayBuffer(3, rng=np.random.default_rng(0))
    for step in range(5):
        buffer.add(Experience(np.zeros((1, 1), bool), np.array([float(step)]), np.zeros((1, 1))))
    assert {2.0, 3.0, 4.0} == {float(buffer.draw().rewards[0]) for _ in range(50)}
