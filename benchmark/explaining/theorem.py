"""Theorem 1 of "The Lottery Ticket Hypothesis for Self-attention in CNN", tried with numbers.

A network with one hidden layer, f(x) = a·ReLU(W x), m hidden neurons and inputs of norm
at most 1, initialised as in Du et al., "Gradient descent provably optimizes
over-parameterized neural networks" (which the paper follows): W from N(0, 1), a from
{−1, +1}, both independent. Taking away neuron k changes f(x) by |a_k|·ReLU(w_k·x), at
most ‖w_k‖ (reached at x = w_k/‖w_k‖), and ‖w_k‖² is chi-square with as many degrees of
freedom as there are inputs. With p = P(χ² ≤ ε²) some neuron changes f by at most ε
everywhere with probability 1 − (1 − p)^m: higher than 1 − δ from m > log δ / log(1 − p) on,
which is the theorem's width. (The formulas are rebuilt from the proof's steps: the text
at hand prints none. Du et al. also divide f by √m, which makes each neuron of a wide
network negligible whatever its weights; the chi-square of the proof has no such factor.)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, inf, log, log1p

import numpy as np
from jaxtyping import Float64
from scipy.stats import binomtest, chi2

from benchmark.errors import UsageError
from benchmark.seeding import child_rng
from benchmark.store.records import Interval


@dataclass(frozen=True)
class TheoremRecord:
    """What draws of networks of one width say for one tolerance.

    Attributes:
        epsilon: tolerated change of the output.
        width: hidden neurons m.
        draws: networks drawn.
        everywhere: share of networks with a neuron that changes no output of the unit
            ball by more than ε; Clopper and Pearson's interval.
        predicted: the same by the formula, 1 − (1 − p)^m.
        sampled: share with a neuron that does so on the inputs that were tried.
        removed: neurons that can go together, everywhere, mean over draws.
        needed: width from which on the theorem promises it with probability 1 − δ.
    """

    epsilon: float
    width: int
    draws: int
    everywhere: Interval
    predicted: float
    sampled: float
    removed: float
    needed: float


def needed_width(epsilon: float, *, inputs: int, delta: float) -> float:
    """The theorem's width: the smallest m with 1 − (1 − p)^m ≥ 1 − δ; infinite where p is 0."""
    p = float(chi2.cdf(epsilon**2, inputs))
    return float(ceil(log(delta) / log1p(-p))) if p > 0 else inf


def predicted_share(epsilon: float, width: int, *, inputs: int) -> float:
    """Probability that a network of ``width`` has a neuron whose loss is at most ``epsilon``."""
    return float(-np.expm1(width * np.log1p(-chi2.cdf(epsilon**2, inputs))))


def least_changes(
    weights: Float64[np.ndarray, "width inputs"], points: Float64[np.ndarray, "n inputs"]
) -> tuple[Float64[np.ndarray, " width"], Float64[np.ndarray, " width"]]:
    """Largest change that the loss of each neuron makes: in the unit ball, and at ``points``."""
    everywhere = np.linalg.norm(weights, axis=1)
    at_points = np.maximum(points @ weights.T, 0).max(axis=0)
    return everywhere, at_points


def try_theorem(
    *,
    widths: Sequence[int],
    epsilons: Sequence[float],
    draws: int,
    inputs: int,
    points: int = 64,
    delta: float = 0.05,
    confidence: float = 0.95,
    seed: int = 0,
) -> list[TheoremRecord]:
    """Draw networks and count how often a hidden neuron can be spared.

    Args:
        widths: hidden neurons to try.
        epsilons: tolerated changes of the output, positive.
        draws: networks of each width; shared by all tolerances.
        inputs: size of an input, and degrees of freedom of the chi-square.
        points: inputs of norm 1 that each network is tried on.
        delta: chance of failure that the theorem's width allows.
        confidence: of the intervals.
        seed: of every draw.

    Raises:
        UsageError: a number that can't be.
    """
    _check(widths, epsilons, draws=draws, inputs=inputs, points=points, delta=delta)
    records = []
    for width in widths:
        rng = child_rng(seed, "theorem", width, inputs)
        changes = [_one_draw(width, inputs, points, rng) for _ in range(draws)]
        records += [
            _record(epsilon, width, changes, inputs=inputs, delta=delta, confidence=confidence)
            for epsilon in epsilons
        ]
    return sorted(records, key=lambda record: (record.epsilon, record.width))


def _one_draw(
    width: int, inputs: int, points: int, rng: np.random.Generator
) -> tuple[Float64[np.ndarray, " width"], float]:
    """Changes in the unit ball in ascending order, and the smallest at some points."""
    # The signs a_k are ±1: no change depends on them, so none are drawn.
    weights = rng.standard_normal((width, inputs))
    tried = rng.standard_normal((points, inputs))
    tried /= np.linalg.norm(tried, axis=1, keepdims=True)
    everywhere, at_points = least_changes(weights, tried)
    return np.sort(everywhere), float(at_points.min())


def _record(
    epsilon: float,
    width: int,
    changes: Sequence[tuple[Float64[np.ndarray, " width"], float]],
    *,
    inputs: int,
    delta: float,
    confidence: float,
) -> TheoremRecord:
    draws = len(changes)
    found = sum(bool(everywhere[0] <= epsilon) for everywhere, _ in changes)
    bounds = binomtest(found, draws).proportion_ci(confidence)
    together = [int(np.sum(np.cumsum(everywhere) <= epsilon)) for everywhere, _ in changes]
    return TheoremRecord(
        epsilon=epsilon,
        width=width,
        draws=draws,
        everywhere=Interval(found / draws, float(bounds.low), float(bounds.high)),
        predicted=predicted_share(epsilon, width, inputs=inputs),
        sampled=sum(least <= epsilon for _, least in changes) / draws,
        removed=float(np.mean(together)),
        needed=needed_width(epsilon, inputs=inputs, delta=delta),
    )


def _check(
    widths: Sequence[int], epsilons: Sequence[float], *, delta: float, **counts: int
) -> None:
    for name, number in [*counts.items(), *(("widths", width) for width in widths)]:
        if number < 1:
            raise UsageError(f"{name}: expected at least 1, received {number}")
    if not widths or not epsilons:
        raise UsageError("expected at least one width and one epsilon, received none")
    for epsilon in epsilons:
        if not 0 < epsilon < inf:
            raise UsageError(f"epsilon: expected a positive number, received {epsilon}")
    if not 0 < delta < 1:
        raise UsageError(f"delta: expected a number between 0 and 1, received {delta}")
