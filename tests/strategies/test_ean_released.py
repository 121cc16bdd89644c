import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from jaxtyping import Bool
from torch import Tensor

from benchmark.testing.search import hills
from strategies._losses import reversed_clip
from strategies._networks import perceptron
from strategies.base import Schemes, SearchSpace
from strategies.ean_released import EANReleased, scrambled
from tests.strategies.landscapes import search

BLOCKS = 5
SPACE = SearchSpace((2, 3), budget=300)


def step_down(adam: torch.optim.Adam, loss: Tensor) -> None:
    adam.zero_grad()
    torch.autograd.backward(loss)
    adam.step()


def released_search(*, seed: int, steps: int) -> list[Schemes]:
    """The released loop decision by decision, with scalars and lists."""
    rng = np.random.default_rng(seed)
    policy_rng, curiosity_rng, replay_rng = rng.spawn(3)
    policy = perceptron(20, 50, 2 * BLOCKS, rng=policy_rng)
    target = perceptron(BLOCKS, 32, 32, 4 * BLOCKS, rng=curiosity_rng)
    predictor = perceptron(BLOCKS, 32, 4 * BLOCKS, rng=curiosity_rng)
    policy_adam = torch.optim.Adam(policy.parameters(), lr=0.05)
    predictor_adam = torch.optim.Adam(predictor.parameters(), lr=0.05)

    def probability() -> list[Tensor]:
        logits = policy(torch.zeros(20, dtype=torch.float64)) / 5.0
        return [torch.softmax(logits[2 * i : 2 * i + 2], dim=0) for i in range(BLOCKS)]

    baseline, asked = None, []
    memory: list[tuple[list[list[int]], list[float], list[list[float]]]] = []
    for step in range(steps):
        p = probability()
        connect = [float(pair[1].detach()) for pair in p]
        schemes = rng.random((3, BLOCKS)) < np.array(connect)
        rewards = [100 * float(hills(scheme[None])[0]) - 54 for scheme in schemes]
        first, second, third = schemes.astype(int).tolist()
        mixed = [bit for pair in zip(second, third, strict=True) for bit in pair]
        rows = [first, mixed[:BLOCKS], mixed[BLOCKS:]]
        old = [
            [float(p[i][bit].detach()) for i, bit in enumerate(row)]
            for row in (first, second, third)
        ]
        memory = [*memory, (rows, rewards, old)][-30:]

        seen = torch.tensor(rows, dtype=torch.float64)
        bonus = ((target(seen).detach() - predictor(seen)) ** 2).sum()
        totals = [reward + float(bonus.detach()) for reward in rewards]
        mean = sum(totals) / 3
        baseline = mean if baseline is None else 0.95 * baseline + 0.05 * mean
        loss = torch.zeros((), dtype=torch.float64)
        for row, total in zip((first, second, third), totals, strict=True):
            for i, bit in enumerate(row):
                loss = loss - torch.log(p[i][bit]) * (total - baseline) / 3
        step_down(policy_adam, loss)
        step_down(predictor_adam, bonus)
        asked.append(schemes)

        if step >= 10:
            p = probability()
            rows, rewards, old = memory[replay_rng.integers(len(memory))]
            plain = clipped = torch.zeros((), dtype=torch.float64)
            for row, reward, before in zip(rows, rewards, old, strict=True):
                for i, bit in enumerate(row):
                    ratio = float(p[i][bit].detach()) / before[i]
                    term = torch.log(p[i][bit]) * (reward - baseline) / 3
                    plain = plain + ratio * term
                    clipped = clipped + min(max(ratio, 0.9), 1.1) * term
            step_down(policy_adam, -0.1 * torch.minimum(plain, clipped))
    return asked


@pytest.mark.parametrize("seed", range(3))
def test_it_is_the_released_loop_step_by_step(seed: int) -> None:
    actual = search(EANReleased(SPACE, rng=np.random.default_rng(seed)), budget=180)
    assert np.array_equal(released_search(seed=seed, steps=60), actual)


def test_recorded_rows_are_cut_from_a_block_by_block_list() -> None:
    schemes = np.array([[1, 0, 0, 1], [1, 1, 0, 0], [1, 0, 1, 0]], dtype=bool)
    expected = [[1, 0, 0, 1], [1, 1, 1, 0], [0, 1, 0, 0]]
    assert expected == scrambled(schemes).astype(int).tolist()


@given(schemes=arrays(bool, st.tuples(st.integers(1, 5), st.integers(1, 9))))
def test_scrambling_keeps_the_first_row_and_the_number_of_connections(
    schemes: Bool[np.ndarray, "n blocks"],
) -> None:
    actual = scrambled(schemes)
    assert schemes.shape == actual.shape
    assert schemes[0].tolist() == actual[0].tolist()
    assert schemes.sum() == actual.sum()
    if len(schemes) <= 2:
        assert schemes.tolist() == actual.tolist()


@pytest.mark.parametrize(
    ("ratio", "advantage", "weight"),
    [
        (1.5, 2.0, 1.5),  # PPO would clip to 1.1
        (0.5, 2.0, 0.9),  # PPO would not clip
        (1.5, -2.0, 1.1),  # PPO would not clip
        (0.5, -2.0, 0.5),  # PPO would clip to 0.9
    ],
)
def test_the_clip_is_reversed_and_never_stops_the_gradient(
    ratio: float, advantage: float, weight: float
) -> None:
    new = torch.tensor([[-0.5]], dtype=torch.float64, requires_grad=True)
    old = new.detach() - np.log(ratio)
    objective = reversed_clip(new, old, np.array([advantage]), clip=0.1)
    torch.autograd.backward(objective)
    assert new.grad is not None
    assert weight * advantage * -0.5 == pytest.approx(objective.item())
    assert weight * advantage == pytest.approx(new.grad.item())


def test_the_minimum_is_taken_of_the_two_totals() -> None:
    new = torch.tensor([[-1.0, -2.0], [-1.0, -1.0]], dtype=torch.float64)
    old = new - torch.tensor([[1.5, 0.5], [1.0, 1.0]], dtype=torch.float64).log()
    # plain: (1.5 · -1 + 0.5 · -2) · 2 / 2 = -2.5; clipped: (1.1 · -1 + 0.9 · -2) · 2 / 2 = -2.9
    assert pytest.approx(-2.9) == reversed_clip(new, old, np.array([2.0, 0.0]), clip=0.1).item()


def test_the_offset_cancels_from_every_advantage(monkeypatch: pytest.MonkeyPatch) -> None:
    with_offset = search(EANReleased(SPACE, rng=np.random.default_rng(0)), budget=180)
    monkeypatch.setattr(EANReleased, "reward_offset", 0.0)
    without = search(EANReleased(SPACE, rng=np.random.default_rng(0)), budget=180)
    assert np.array_equal(without, with_offset)
