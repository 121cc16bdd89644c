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

from collections.abc import Mapping, Sequence
from math import ceil, inf, log, log1p

import numpy as np
from jaxtyping import Float64
from scipy.stats import binomtest, chi2

from benchmark.basics import bounds
from benchmark.basics.errors import UsageError
from benchmark.basics.seeding import child_rng
from benchmark.records.run import Interval
from benchmark.records.theorem import TheoremRecord

_AT_ONCE = 2**27
"""Numbers of one network with its trial inputs: 1 GiB."""
_IN_ALL = 10**10
"""Numbers that are drawn for all networks: some minutes."""


def needed_width(epsilon: float, *, inputs: int, delta: float) -> float:
    """The theorem's width: the smallest m with 1 − (1 − p)^m ≥ 1 − δ; infinite where p is 0."""
    spared = _log_of_none(epsilon, inputs)
    return float(max(ceil(log(delta) / spared), 1)) if spared < 0 else inf


def predicted_share(epsilon: float, width: int, *, inputs: int) -> float:
    """Probability that a network of ``width`` has a neuron whose loss is at most ``epsilon``."""
    return float(-np.expm1(width * _log_of_none(epsilon, inputs)))


def _log_of_none(epsilon: float, inputs: int) -> float:
    """log(1 − p), to full precision where p is close to 0 or to 1; −∞ where p is 1."""
    squared = epsilon * epsilon  # infinite where ** would raise an error
    p = float(chi2.cdf(squared, inputs))
    return log1p(-p) if p < 0.5 else float(chi2.logsf(squared, inputs))  # noqa: PLR2004 - a half


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
    chances = {"delta": delta, "confidence": confidence}
    _check(widths, epsilons, chances, draws=draws, inputs=inputs, points=points)
    records = []
    for width in widths:
        rng = child_rng(seed, "theorem", width, inputs)
        counts = np.zeros((3, len(epsilons)))
        for _ in range(draws):
            counts += _one_draw(width, inputs, points, epsilons, rng)
        records += [
            _record(epsilon, width, draws, found, inputs=inputs, delta=delta, confidence=confidence)
            for epsilon, found in zip(epsilons, counts.T, strict=True)
        ]
    return sorted(records, key=lambda record: (record.epsilon, record.width))


def _one_draw(
    width: int, inputs: int, points: int, epsilons: Sequence[float], rng: np.random.Generator
) -> Float64[np.ndarray, "3 epsilons"]:
    """For each tolerance: is a neuron below it in the unit ball; at the points; how many are."""
    # The signs a_k are ±1: no change depends on them, so none are drawn.
    weights = rng.standard_normal((width, inputs))
    tried = rng.standard_normal((points, inputs))
    tried /= np.linalg.norm(tried, axis=1, keepdims=True)
    everywhere, at_points = least_changes(weights, tried)
    tolerated = np.array(epsilons)
    together = np.searchsorted(np.cumsum(np.sort(everywhere)), tolerated, side="right")
    counts = [everywhere.min() <= tolerated, at_points.min() <= tolerated, together]
    return np.array(counts, dtype=np.float64)


def _record(
    epsilon: float,
    width: int,
    draws: int,
    counts: Float64[np.ndarray, " 3"],
    *,
    inputs: int,
    delta: float,
    confidence: float,
) -> TheoremRecord:
    found, sampled, together = counts
    share = binomtest(int(found), draws).proportion_ci(confidence)
    return TheoremRecord(
        epsilon=epsilon,
        width=width,
        draws=draws,
        everywhere=Interval(float(found / draws), float(share.low), float(share.high)),
        predicted=predicted_share(epsilon, width, inputs=inputs),
        sampled=float(sampled / draws),
        removed=float(together / draws),
        needed=needed_width(epsilon, inputs=inputs, delta=delta),
    )


def _check(
    widths: Sequence[int],
    epsilons: Sequence[float],
    chances: Mapping[str, float],
    *,
    draws: int,
    inputs: int,
    points: int,
) -> None:
    counts = {"draws": draws, "inputs": inputs, "points": points}
    for name, number in [*counts.items(), *(("widths", width) for width in widths)]:
        bounds.COUNT.checked(name, number)
    if not widths or not epsilons:
        raise UsageError("expected at least one width and one epsilon, received none")
    for epsilon in epsilons:
        bounds.POSITIVE.checked("epsilon", epsilon)
    for name, chance in chances.items():
        bounds.INSIDE.checked(name, chance)
    widest = max(widths)
    if (widest + points) * inputs + widest * points > _AT_ONCE:
        raise UsageError(
            f"a network of {widest:,} neurons and {inputs:,} inputs doesn't fit into "
            f"{_AT_ONCE:,} numbers of memory: lower --widths or --inputs"
        )
    drawn = draws * sum((width + points) * inputs for width in widths)
    if drawn > _IN_ALL:
        raise UsageError(
            f"{drawn:,} numbers would be drawn, more than {_IN_ALL:,}: lower --draws, --widths or "
            "--inputs"
        )
