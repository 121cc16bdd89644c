"""Known landscapes: closed-form oracles with a known optimum, in the manner of COCO.

"COCO: A Platform for Comparing Continuous Optimizers in a Black-Box Setting" (Hansen et
al., 2021) compares searches on functions whose optimum is known, in many random
instances. These are functions of binary schemes: a seed plants the optimum and draws
the coefficients, so nothing is gained by liking all zeros or all ones. All are about as
steep as accuracies are: the optimum answers `BEST`, the worst no less than `WORST`.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from fractions import Fraction
from typing import final

import numpy as np
from jaxtyping import Float64

from benchmark.basics.errors import UsageError, unknown_name
from benchmark.basics.identity import content_hash
from benchmark.basics.seeding import child_rng
from benchmark.oracle.base import (
    SCORES,
    Oracle,
    Schemes,
    Scores,
    checked,
    checked_fraction,
    checked_question,
)
from benchmark.records.schemes import Scheme
from strategies.base import GateGradient, GateQuestion, Need

BEST = 0.80
"""True accuracy of a landscape's optimum."""
WORST = 0.72
"""What no scheme falls below, noise aside."""
ROWS = 10_000
"""Images of the validation split that partial answers pretend to be drawn from."""

Heights = Float64[np.ndarray, " schemes"]


class Landscape(Oracle, ABC):
    """An oracle in closed form; subclasses say how high a scheme is between 0 and 1.

    Args:
        blocks: bits of a scheme.
        seed: of the instance: optimum, coefficients, noise.

    Raises:
        UsageError: fewer than one block.
    """

    def __init__(self, blocks: int, *, seed: int) -> None:
        if blocks < 1:
            raise UsageError(f"expected a landscape of at least 1 block, received {blocks}")
        self._blocks = blocks
        self.seed = seed

    @property
    def identity(self) -> str:
        return content_hash(landscape=type(self).__name__, blocks=self._blocks, seed=self.seed)

    @property
    def blocks(self) -> int:
        return self._blocks

    @property
    @abstractmethod
    def optimum(self) -> Scheme:
        """A scheme that no other exceeds."""

    @abstractmethod
    def height(self, schemes: Schemes) -> Heights:
        """How high schemes are, noise aside: 1 at the optimum, never below 0."""

    def truth(self, schemes: Schemes) -> Heights:
        """Accuracy of schemes, noise aside."""
        return WORST + (BEST - WORST) * self.height(schemes)

    def regret(self, schemes: Schemes) -> Heights:
        """What schemes lack to the optimum: accuracy, noise aside, and never negative."""
        return np.maximum(BEST - self.truth(schemes), 0.0)

    @property
    def offers(self) -> frozenset[Need]:
        return SCORES | {"fidelity"}

    def at(self, fidelity: Fraction) -> Oracle:
        return self if checked_fraction("fidelity", fidelity) == 1 else Glimpse(self, fidelity)

    def score(self, schemes: Schemes) -> Scores:
        accuracy = self.truth(checked(schemes, self.blocks))
        return Scores(accuracy=accuracy, loss=-np.log(accuracy))

    def _rng(self, *names: str) -> np.random.Generator:
        return child_rng(self.seed, "landscape", type(self).__name__, *names)


class _Smooth(Landscape, ABC):
    """A landscape that also has heights between schemes, so that gates may be soft.

    Only landscapes that are sums over single blocks and pairs offer this. For the others
    the natural extension, the mean height of random schemes, would betray the optimum:
    half-open gates of `Needle` or `Plateau` all slope towards it, where schemes are flat.
    There are no weights to be trained, so the second order equals the first.
    """

    @property
    def offers(self) -> frozenset[Need]:
        return super().offers | {"gradients"}

    @abstractmethod
    def soft_height(self, gates: Float64[np.ndarray, "schemes blocks"]) -> Heights:
        """Height at soft gates: linear in each of them, and `height` where all are 0 or 1."""

    def gate_gradient(self, question: GateQuestion) -> GateGradient:
        gates = checked_question(question, self.blocks).gates
        step = np.eye(self.blocks, dtype=bool)
        # Linear in each gate: the slope is the difference between its ends.
        ends = self.soft_height(
            np.concatenate([np.where(step, 1.0, gates), np.where(step, 0.0, gates), gates[None]])
        )
        slope = (BEST - WORST) * (ends[: self.blocks] - ends[self.blocks : -1])
        accuracy = WORST + (BEST - WORST) * float(ends[-1])
        return GateGradient(-float(np.log(accuracy)), -slope / accuracy)


class _Planted(Landscape, ABC):
    """A landscape that depends on which bits agree with a random optimum."""

    def __init__(self, blocks: int, *, seed: int) -> None:
        super().__init__(blocks, seed=seed)
        self._optimum = self._rng("optimum").random(blocks) < 0.5  # noqa: PLR2004 - a fair coin

    @property
    def optimum(self) -> Scheme:
        return self._optimum.copy()

    def _agreement(self, schemes: Schemes) -> Schemes:
        agreement: Schemes = schemes == self._optimum
        return agreement


@final
class Additive(_Planted, _Smooth):
    """Each block helps or hurts by an amount of its own, whatever the others do.

    Amounts are log-normal (σ = 1), so a few blocks matter most.
    """

    def __init__(self, blocks: int, *, seed: int) -> None:
        super().__init__(blocks, seed=seed)
        amounts = self._rng("amounts").lognormal(size=blocks)
        self._amounts = amounts / amounts.sum()

    def height(self, schemes: Schemes) -> Heights:
        return _sum(self._agreement(schemes) * self._amounts)

    def soft_height(self, gates: Float64[np.ndarray, "schemes blocks"]) -> Heights:
        return _sum(np.where(self._optimum, gates, 1 - gates) * self._amounts)


@final
class Pairwise(_Smooth):
    """Blocks act alone and in pairs with either of the next two, with either sign.

    A spin chain with random fields and couplings to the first and second neighbour: like
    an NK landscape of adjacent blocks (Kauffman and Weinberger, "The NK Model of Rugged
    Fitness Landscapes and its Application to Maturation of the Immune Response"), its
    couplings can contradict each other, and yet dynamic programming along the chain
    finds its optimum.
    """

    def __init__(self, blocks: int, *, seed: int) -> None:
        super().__init__(blocks, seed=seed)
        rng = self._rng("coefficients")
        self._field = 0.5 * rng.standard_normal(blocks)
        self._couplings = rng.standard_normal((2, blocks))
        self._optimum = self._best(sign=1.0)
        ends = np.array([self._optimum, self._best(sign=-1.0)])
        self._highest, self._lowest = self._energy(ends.astype(np.float64)).tolist()

    @property
    def optimum(self) -> Scheme:
        return self._optimum.copy()

    def height(self, schemes: Schemes) -> Heights:
        return self.soft_height(schemes.astype(np.float64))

    def soft_height(self, gates: Float64[np.ndarray, "schemes blocks"]) -> Heights:
        above = self._energy(gates) - self._lowest
        height: Heights = above / (self._highest - self._lowest)
        return height

    def _energy(self, gates: Float64[np.ndarray, "schemes blocks"]) -> Heights:
        spins = 2.0 * gates - 1.0
        terms = spins * self._field
        for step, couplings in enumerate(self._couplings, start=1):
            terms[:, step:] += couplings[step:] * spins[:, step:] * spins[:, :-step]
        return _sum(terms)

    def _best(self, *, sign: float) -> Scheme:
        """The highest scheme (lowest for sign -1): Viterbi over the last two blocks."""
        best: dict[tuple[int, ...], tuple[float, list[int]]] = {(): (0.0, [])}
        for block in range(self._blocks):
            longer: dict[tuple[int, ...], tuple[float, list[int]]] = {}
            for last, (value, path) in best.items():
                for spin in (-1, 1):
                    gain = self._field[block]
                    for step, before in enumerate(reversed(last)):
                        gain += self._couplings[step, block] * before
                    state = (*last, spin)[-2:]
                    total = value + sign * spin * gain
                    if state not in longer or total > longer[state][0]:
                        longer[state] = (total, [*path, spin])
            best = longer
        _, path = max(best.values(), key=lambda end: end[0])
        return np.array(path) > 0


@final
class Trap(_Planted):
    """Groups of four blocks whose slope leads away from where they are highest.

    Concatenated traps of Deb and Goldberg, "Sufficient Conditions for Deceptive and Easy
    Binary Functions" (1994): a group with u of k bits right counts 1 if u = k, else
    (k - 1 - u) / k. Groups are scattered over the blocks; the last may be smaller.
    """

    _ORDER = 4

    def __init__(self, blocks: int, *, seed: int) -> None:
        super().__init__(blocks, seed=seed)
        order = self._rng("groups").permutation(blocks)
        self._groups = [order[i : i + self._ORDER] for i in range(0, blocks, self._ORDER)]

    def height(self, schemes: Schemes) -> Heights:
        agreement = self._agreement(schemes)
        traps = [_trap(agreement[:, group]) for group in self._groups]
        return _sum(np.column_stack(traps)) / len(traps)


def _trap(agreement: Schemes) -> Heights:
    size = agreement.shape[1]
    right = agreement.sum(axis=1)
    return np.where(right == size, 1.0, (size - 1 - right) / size)


@final
class Needle(_Planted):
    """Flat but for a funnel: more than two thirds of the bits must be right before it slopes.

    With less than a third of the bits wrong the height grows by equal steps towards the optimum;
    everywhere else it is 0. Of random schemes of 24 blocks 3 in 100 feel the funnel.
    """

    def height(self, schemes: Schemes) -> Heights:
        wrong = (~self._agreement(schemes)).sum(axis=1)
        height: Heights = np.maximum(0.0, 1.0 - wrong / max(self._blocks // 3, 1))
        return height


@final
class Plateau(_Planted):
    """Blocks count only as far as all before them, in a hidden order, are right.

    LeadingOnes of Rudolph, "Convergence Properties of Evolutionary Algorithms" (1997),
    as IOHprofiler uses it: half of all flips change nothing, and at any moment a single
    block leads upwards.
    """

    def __init__(self, blocks: int, *, seed: int) -> None:
        super().__init__(blocks, seed=seed)
        self._order = self._rng("order").permutation(blocks)

    def height(self, schemes: Schemes) -> Heights:
        right = self._agreement(schemes)[:, self._order]
        leading = np.logical_and.accumulate(right, axis=1).sum(axis=1)
        height: Heights = leading / self._blocks
        return height


@final
class Noisy(Landscape):
    """Pairwise, seen through the noise of a finite validation split.

    Each scheme's answer is off by a normal draw of its own that stays the same however
    often it is asked, as with a frozen supernet; what was found is judged by its true
    height.

    Args:
        blocks: bits of a scheme.
        seed: of the instance.
        deviation: standard deviation of the noise, in accuracy.
    """

    def __init__(self, blocks: int, *, seed: int, deviation: float = 0.01) -> None:
        super().__init__(blocks, seed=seed)
        self._inner = Pairwise(blocks, seed=seed)
        self._deviation = deviation

    @property
    def identity(self) -> str:
        return content_hash(inner=super().identity, deviation=self._deviation)

    @property
    def optimum(self) -> Scheme:
        return self._inner.optimum

    def height(self, schemes: Schemes) -> Heights:
        return self._inner.height(schemes)

    def score(self, schemes: Schemes) -> Scores:
        return _blurred(self._inner.score(schemes), schemes, self._deviation, self.seed, "noise")


@final
class Glimpse(Oracle):
    """A landscape seen on a fraction of a validation split of `ROWS` images.

    Each scheme's answer is off by a normal draw of its own, the same however often it is
    asked at this fidelity f, of the standard deviation that an accuracy halfway between
    `WORST` and `BEST` has on f · `ROWS` rows drawn without replacement.

    Args:
        inner: gives the full answers.
        fidelity: the fraction, in (0, 1).
    """

    def __init__(self, inner: Landscape, fidelity: Fraction) -> None:
        self._inner = inner
        self._fidelity = fidelity
        middle = (WORST + BEST) / 2
        self._deviation = (middle * (1 - middle) * (1 / float(fidelity) - 1) / ROWS) ** 0.5

    @property
    def identity(self) -> str:
        return content_hash(inner=self._inner.identity, fidelity=str(self._fidelity))

    @property
    def blocks(self) -> int:
        return self._inner.blocks

    def score(self, schemes: Schemes) -> Scores:
        names = ("glimpse", type(self._inner).__name__, str(self._fidelity))
        full = self._inner.score(schemes)
        return _blurred(full, schemes, self._deviation, self._inner.seed, *names)


def _blurred(scores: Scores, schemes: Schemes, deviation: float, seed: int, *names: str) -> Scores:
    """Scores off by a normal draw a scheme that depends on nothing but scheme, seed and names."""
    noise = [child_rng(seed, *names, s.tobytes().hex()).standard_normal() for s in schemes]
    accuracy = np.clip(scores.accuracy + deviation * np.array(noise), 0.01, 1.0)
    return Scores(accuracy=accuracy, loss=-np.log(accuracy))


def _sum(terms: Float64[np.ndarray, "schemes terms"]) -> Heights:
    """Sum of each row, in an order that does not depend on how many rows there are."""
    sums: Heights = np.add.accumulate(terms, axis=1)[:, -1]
    return sums


LANDSCAPES: dict[str, Callable[..., Landscape]] = {
    "additive": Additive,
    "pairwise": Pairwise,
    "trap": Trap,
    "needle": Needle,
    "plateau": Plateau,
    "noisy": Noisy,
}
"""Makers of all known landscapes, by name; called with blocks and a seed."""


def make_landscape(name: str, blocks: int, *, seed: int) -> Landscape:
    """An instance of the landscape that ``LANDSCAPES`` lists under ``name``.

    Raises:
        UsageError: no landscape has this name, or there are no blocks.
    """
    if name not in LANDSCAPES:
        raise unknown_name("landscape", name, LANDSCAPES)
    return LANDSCAPES[name](blocks, seed=seed)
