"""The loop of the contract suite: a strategy, closed-form answers, a record of both."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float64

from benchmark.threads import single_thread
from strategies.base import Answers, Schemes, Strategy

Rewards = Float64[np.ndarray, " n"]
Request = Bool[np.ndarray, "_ blocks"]  # as many rows as the strategy likes
Landscape = Callable[[Schemes], Rewards]

BLOCKS_PER_STAGE = (2, 3, 2)
BUDGET = 60


def hills(schemes: Schemes) -> Rewards:
    """Additive, about as steep as accuracies are, with both signs among its slopes."""
    slopes = np.cos(1.0 + np.arange(schemes.shape[1]))
    rewards: Rewards = 0.75 + 0.01 * (schemes @ slopes)
    return rewards


def some_failures(schemes: Schemes) -> Rewards:
    """`hills`, with NaN for every scheme that connects the first block or leaves out the last."""
    return np.where(schemes[:, 0] & ~schemes[:, -1], np.nan, hills(schemes))


def only_failures(schemes: Schemes) -> Rewards:
    """NaN for every scheme."""
    return np.full(len(schemes), np.nan)


def answers(reward: Rewards) -> Answers:
    """Answers with this reward, and accuracy and loss that follow from it."""
    return Answers(reward=reward, accuracy=reward.copy(), loss=-reward)


@dataclass
class Search:
    """What a strategy asked, request by request.

    Attributes:
        requests: schemes of each request.
        allowances: what it might ask each time.
        ended: whether it said itself that it is finished.
    """

    requests: list[Request] = field(default_factory=list)
    allowances: list[int] = field(default_factory=list)
    ended: bool = False

    @property
    def evaluations(self) -> int:
        """Schemes asked in all."""
        return sum(len(schemes) for schemes in self.requests)

    def bits(self) -> list[str]:
        """One text a scheme, in order."""
        return [
            "".join("01"[bool(bit)] for bit in scheme)
            for schemes in self.requests
            for scheme in schemes
        ]


def require_legal(schemes: object, *, blocks: int, allowance: int) -> Schemes:
    """Return a request if it is one.

    Raises:
        AssertionError: it is no boolean matrix of ``blocks`` columns, or longer than allowed.
    """
    assert isinstance(schemes, np.ndarray), (
        f"expected ask to return a numpy array, received {type(schemes).__name__}"
    )
    assert schemes.dtype == np.bool_, f"expected schemes of dtype bool, received {schemes.dtype}"
    assert schemes.ndim == 2 and schemes.shape[1] == blocks, (  # noqa: PLR2004, PT018 - a matrix, one message
        f"expected schemes of shape (n, {blocks}), received {schemes.shape}"
    )
    assert len(schemes) <= allowance, (
        f"expected at most {allowance} schemes, as many as the budget has left, "
        f"received {len(schemes)}"
    )
    return schemes


@single_thread()
def search(
    strategy: Strategy,
    landscape: Landscape = hills,
    *,
    budget: int = BUDGET,
    at_most: int | None = None,
) -> Search:
    """Drive a strategy until its budget is spent or it is finished.

    Args:
        strategy: a new one.
        landscape: answers.
        budget: evaluations.
        at_most: evaluations it may ask at once, if fewer than are left.

    Raises:
        AssertionError: a request is not legal.
    """
    done = Search()
    while (left := budget - done.evaluations) > 0:
        allowance = left if at_most is None else min(left, at_most)
        schemes = require_legal(
            strategy.ask(allowance), blocks=strategy.space.blocks, allowance=allowance
        ).copy()
        if len(schemes) == 0:
            done.ended = True
            break
        done.allowances.append(allowance)
        done.requests.append(schemes)
        strategy.tell(schemes.copy(), answers(landscape(schemes)))
    return done


def require_same(expected: Search, received: Search, *, when: str) -> None:
    """Compare two searches scheme by scheme.

    Raises:
        AssertionError: names the first difference.
    """
    one, other = expected.bits(), received.bits()
    for number, (left, right) in enumerate(zip(one, other, strict=False), start=1):
        assert left == right, (
            f"expected the same schemes {when}: scheme {number} was {left} and is {right}"
        )
    assert len(one) == len(other), (
        f"expected the same schemes {when}: there were {len(one)} and are {len(other)}"
    )
