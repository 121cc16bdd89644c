"""Closed-form answers to search against, and the loop that a runner drives."""

import numpy as np
from jaxtyping import Bool, Float64

from strategies.base import Answers, Schemes, Strategy

Rewards = Float64[np.ndarray, " n"]


def best_of_hills(blocks: int) -> Bool[np.ndarray, " blocks"]:
    """The scheme that `hills` rewards most."""
    best: Bool[np.ndarray, " blocks"] = np.cos(1.0 + np.arange(blocks)) > 0
    return best


def hills(schemes: Schemes) -> Rewards:
    """Additive, about as steep as accuracies are, with both signs among its slopes."""
    slopes = np.cos(1.0 + np.arange(schemes.shape[1]))
    rewards: Rewards = 0.75 + 0.01 * (schemes @ slopes)
    return rewards


def answers(reward: Rewards) -> Answers:
    """Answers with this reward and copies of it elsewhere."""
    return Answers(reward=reward, accuracy=reward.copy(), loss=-reward)


def search(strategy: Strategy, *, budget: int, at_most: int = 1000) -> list[Schemes]:
    """All that a strategy asks of `hills`, never allowed more than ``at_most`` at once."""
    asked: list[Schemes] = []
    while (left := budget - sum(len(schemes) for schemes in asked)) > 0:
        schemes = strategy.ask(min(left, at_most))
        if len(schemes) == 0:
            break
        asked.append(schemes)
        strategy.tell(schemes, answers(hills(schemes)))
    return asked
