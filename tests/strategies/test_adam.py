import numpy as np
import pytest
import torch

from strategies._adam import Adam
from strategies._networks import Descent, perceptron


@pytest.mark.parametrize("momentum", [0.9, 0.5])
def test_it_steps_as_torchs_does(momentum: float) -> None:
    rng = np.random.default_rng(0)
    ours = rng.normal(size=7)
    theirs = torch.tensor(ours, requires_grad=True)
    adam = Adam(ours, learning_rate=0.05, momentum=momentum)
    reference = torch.optim.Adam([theirs], lr=0.05, betas=(momentum, 0.999))
    for _ in range(20):
        gradient = rng.normal(size=7) * rng.integers(2, size=7)  # zeros too
        adam.descend(gradient)
        theirs.grad = torch.from_numpy(gradient)
        reference.step()
        np.testing.assert_allclose(ours, theirs.detach().numpy(), rtol=1e-12)


def test_the_gradient_is_left_alone() -> None:
    gradient = np.array([1.0, -2.0])
    Adam(np.zeros(2), learning_rate=0.1).descend(gradient)
    assert gradient.tolist() == [1.0, -2.0]


def test_its_first_step_is_as_long_as_the_learning_rate() -> None:
    weights = np.zeros(2)
    Adam(weights, learning_rate=0.1).descend(np.array([3.0, -1e-3]))
    np.testing.assert_allclose(weights, [-0.1, 0.1], rtol=1e-4)


def test_a_network_descends_as_with_torchs() -> None:
    ours, theirs = (perceptron(3, 4, 2, rng=np.random.default_rng(0)) for _ in range(2))
    descent = Descent(ours.parameters(), learning_rate=0.05)
    reference = torch.optim.Adam(theirs.parameters(), lr=0.05)
    rng = np.random.default_rng(1)
    for _ in range(10):
        rows = torch.from_numpy(rng.normal(size=(5, 3)))
        descent.step(ours(rows).square().sum())
        reference.zero_grad()
        torch.autograd.backward(theirs(rows).square().sum())
        reference.step()
        torch.testing.assert_close(ours(rows), theirs(rows), rtol=1e-9, atol=1e-12)
