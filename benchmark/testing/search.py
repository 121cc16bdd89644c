"""The loop of the contract suite: a strategy, closed-form answers, a record of both."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
from jaxtyping import Bool, Float64

from benchmark.basics.threads import single_thread
from benchmark.search.budget import Ledger
from strategies.base import FULL, Answers, GateGradient, GateQuestion, Request, Schemes, Strategy

Rewards = Float64[np.ndarray, " n"]
Rows = Bool[np.ndarray, "_ blocks"]  # as many as the strategy likes
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
    """A reward function on which every evaluation fails: NaN for every scheme."""
    return np.full(len(schemes), np.nan)


def answers(reward: Rewards, fidelity: Fraction = FULL) -> Answers:
    """Answers with this reward, and accuracy and loss that follow from it."""
    return Answers(reward=reward, accuracy=reward.copy(), loss=-reward, fidelity=fidelity)


class WhiteHills:
    """What `hills` look like from inside; charges a ledger for gradients, as a runner does.

    Weights are drawn anew for each block from a fixed seed.

    Args:
        blocks: bits of a scheme.
        ledger: of the search.
    """

    def __init__(self, blocks: int, ledger: Ledger) -> None:
        self._slopes = np.cos(1.0 + np.arange(blocks))
        self._ledger = ledger

    def gate_gradient(self, question: GateQuestion) -> GateGradient:
        """See `strategies.base.WhiteBox`; the loss is the negative reward, on every part.

        Raises:
            AssertionError: gates of another shape or outside [0, 1].
        """
        gates = question.gates
        assert gates.shape == self._slopes.shape and np.all((gates >= 0) & (gates <= 1)), (  # noqa: PT018 - one message
            f"expected {len(self._slopes)} gates in [0, 1], received {gates.tolist()}"
        )
        self._ledger.charge(question.charge)
        loss = -0.75 - 0.01 * float(gates @ self._slopes)
        return GateGradient(loss, -0.01 * self._slopes)

    def attention_weights(self) -> list[dict[str, np.ndarray]]:
        """Weights of one attention module a block, as `strategies.base.WhiteBox` gives them."""
        rng = np.random.default_rng(0)
        return [{"weight": rng.standard_normal((3, 4))} for _ in self._slopes]


class Sitting:
    """A strategy at work on a budget: every loop of the suite goes through it.

    Args:
        strategy: a new one; it is given the white box that it needs.
        budget: evaluations.
    """

    def __init__(self, strategy: Strategy, budget: int) -> None:
        self._strategy = strategy
        self._ledger = Ledger(budget)
        if {"gradients", "weights"} & set(strategy.needs):
            strategy.look_into(WhiteHills(strategy.space.blocks, self._ledger))

    @property
    def left(self) -> int:
        """Evaluations that may still be asked for."""
        return self._ledger.left

    def ask(self, allowance: int) -> Request:
        """The strategy's next request, charged.

        Raises:
            AssertionError: it is not legal.
        """
        before = self._ledger.charged
        asked = self._strategy.ask(allowance)
        schemes, fidelity = (
            (asked.schemes, asked.fidelity) if isinstance(asked, Request) else (asked, FULL)
        )
        assert fidelity == 1 or "fidelity" in self._strategy.needs, (
            f"expected 'fidelity' among its needs, received a request at {fidelity}"
        )
        assert Fraction(1, 1000) <= fidelity <= 1, (
            f"expected a fidelity from 1/1000 to 1, received {fidelity}"
        )
        rows = require_legal(
            schemes,
            blocks=self._strategy.space.blocks,
            allowance=int((allowance - (self._ledger.charged - before)) / fidelity),
        )
        self._ledger.charge(len(rows) * fidelity)
        return Request(rows, fidelity)

    def tell(self, schemes: Schemes, told: Answers) -> None:
        """Tell the strategy the answers to the schemes that it asked for."""
        self._strategy.tell(schemes, told)


@dataclass
class Search:
    """What a strategy asked, request by request.

    Attributes:
        requests: schemes of each request.
        fidelities: of each request.
        allowances: what it might ask each time.
        ended: whether it said itself that it is finished.
    """

    requests: list[Rows] = field(default_factory=list)
    fidelities: list[Fraction] = field(default_factory=list)
    allowances: list[int] = field(default_factory=list)
    ended: bool = False

    @property
    def evaluations(self) -> int:
        """Number of schemes that were asked for, in all requests together."""
        return sum(len(schemes) for schemes in self.requests)

    def add(self, request: Request) -> None:
        """Write down the schemes and the fidelity of the next request."""
        self.requests.append(request.schemes.copy())
        self.fidelities.append(request.fidelity)

    def bits(self) -> list[str]:
        """One text a scheme, in order, partial answers marked by their fidelity."""
        return [
            "".join("01"[bool(bit)] for bit in scheme) + ("" if part == 1 else f" at {part}")
            for schemes, part in zip(self.requests, self.fidelities, strict=True)
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
    sitting = Sitting(strategy, budget)
    while (left := sitting.left) > 0:
        allowance = left if at_most is None else min(left, at_most)
        request = sitting.ask(allowance)
        if len(request.schemes) == 0:
            done.ended = True
            break
        done.allowances.append(allowance)
        done.add(request)
        schemes = done.requests[-1]
        sitting.tell(schemes.copy(), answers(landscape(schemes), request.fidelity))
    return done


def require_same(expected: Search, received: Search, *, when: str) -> None:
    """Compare two searches scheme by scheme.

    Raises:
        AssertionError: names the first difference.
    """
    require_same_bits(expected.bits(), received.bits(), when=when)


def require_same_bits(one: Sequence[str], other: Sequence[str], *, when: str) -> None:
    """Compare two searches' schemes as texts.

    Raises:
        AssertionError: names the first difference.
    """
    for number, (left, right) in enumerate(zip(one, other, strict=False), start=1):
        assert left == right, (
            f"expected the same schemes {when}: scheme {number} was {left} and is {right}"
        )
    assert len(one) == len(other), (
        f"expected the same schemes {when}: there were {len(one)} and are {len(other)}"
    )
