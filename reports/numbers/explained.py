"""What a landscape is made of: numbers by connection ratio, and which blocks tickets connect.

After figures 2 and 3 of "The Lottery Ticket Hypothesis for Self-attention in CNN", with
the oracle's validation accuracy where the paper has test accuracy of trained networks.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isnan, nan

import numpy as np
from jaxtyping import Bool, Float64, Int64

from benchmark.records.schemes import bits_scheme


@dataclass(frozen=True)
class Spread:
    """Lowest, quartiles and highest of some numbers."""

    low: float
    lower: float
    middle: float
    upper: float
    high: float

    @staticmethod
    def of(values: Float64[np.ndarray, " n"] | Int64[np.ndarray, " n"]) -> "Spread":
        """The spread of at least one number; quartiles are interpolated."""
        return Spread(*np.quantile(values.astype(np.float64), [0, 0.25, 0.5, 0.75, 1]).tolist())


@dataclass(frozen=True)
class Ratio:
    """All schemes with one number of connections (the paper's figure 2).

    Attributes:
        connections: connected blocks.
        ratio: their share of all blocks.
        schemes: how many schemes there are.
        accuracy: on the validation split, in [0, 1].
        parameters: effective parameters.
        above_full: share of schemes at least as accurate as Full-SA; NaN where its scoring failed.
        below_original: share of schemes less accurate than Original; NaN where its scoring failed.
        increment: inference time relative to Original's, minus 1, of those of these schemes
            that were timed; None where none was.
        timed: how many were.
    """

    connections: int
    ratio: float
    schemes: int
    accuracy: Spread
    parameters: Spread
    above_full: float
    below_original: float
    increment: Spread | None = None
    timed: int = 0


@dataclass(frozen=True)
class ConnectionScore:
    """How often each block is connected in a set of schemes (the paper's formula 5).

    Attributes:
        schemes: size of the set.
        score: share of its schemes that connect the block, first block first.
        slope: of the least-squares line through the scores, per block; NaN for an empty
            set or a single block.
        intercept: of that line at the first block.
    """

    schemes: int
    score: Float64[np.ndarray, " blocks"]
    slope: float
    intercept: float


@dataclass(frozen=True)
class Explained:
    """Both figures of one landscape.

    Attributes:
        original: accuracy of the scheme without connections; NaN where its scoring failed.
        full: accuracy of Full-SA; NaN where its scoring failed.
        ratios: by number of connections.
        tickets: schemes at least as accurate as Full-SA with strictly fewer parameters;
            their inference time is not known here. None are known without Full-SA's answer.
        harmful: schemes less accurate than Original. None are known without its answer.
    """

    original: float
    full: float
    ratios: Sequence[Ratio]
    tickets: ConnectionScore
    harmful: ConnectionScore

    @property
    def references(self) -> dict[str, float]:
        """Accuracy of Full-SA and Original, of those that have an answer."""
        both = {"Full-SA": self.full, "Original": self.original}
        return {name: value for name, value in both.items() if not isnan(value)}


def explain(
    schemes: Bool[np.ndarray, "n blocks"],
    accuracy: Float64[np.ndarray, " n"],
    parameters: Int64[np.ndarray, " n"],
    increments: Mapping[str, float] | None = None,
) -> Explained:
    """Compute both figures; schemes whose scoring failed (NaN) are left out.

    Args:
        schemes: among them the one without connections and the full one.
        accuracy: of each, on the validation split.
        parameters: of each scheme's network.
        increments: relative inference time of some schemes, by their bits.
    """
    timed: dict[int, list[float]] = {}
    for bits, increment in (increments or {}).items():
        timed.setdefault(int(bits_scheme(bits).sum()), []).append(increment)
    connections = schemes.sum(axis=1)
    blocks = schemes.shape[1]
    empty, whole = connections == 0, connections == blocks
    original, full = float(accuracy[empty][0]), float(accuracy[whole][0])
    above, below = accuracy >= full, accuracy < original
    known = ~np.isnan(accuracy)
    ratios = []
    for size in np.unique(connections[known]).tolist():
        rows = known & (connections == size)
        ratios.append(
            Ratio(
                connections=size,
                ratio=size / blocks,
                schemes=int(rows.sum()),
                accuracy=Spread.of(accuracy[rows]),
                parameters=Spread.of(parameters[rows]),
                above_full=nan if isnan(full) else float(above[rows].mean()),
                below_original=nan if isnan(original) else float(below[rows].mean()),
                increment=Spread.of(np.array(timed[size])) if size in timed else None,
                timed=len(timed.get(size, ())),
            )
        )
    smaller = parameters < parameters[whole][0]
    return Explained(
        original=original,
        full=full,
        ratios=ratios,
        tickets=connection_score(schemes[above & smaller]),
        harmful=connection_score(schemes[below]),
    )


def connection_score(schemes: Bool[np.ndarray, "n blocks"]) -> ConnectionScore:
    """The share of ``schemes`` that connect each block, and the line through the shares."""
    number, blocks = schemes.shape
    if number == 0:
        nothing = np.full(blocks, np.nan)
        return ConnectionScore(0, nothing, nan, nan)
    score: Float64[np.ndarray, " blocks"] = schemes.mean(axis=0)
    if blocks == 1:
        return ConnectionScore(number, score, nan, float(score[0]))
    slope, intercept = np.polyfit(np.arange(blocks), score, 1)
    return ConnectionScore(number, score, float(slope), float(intercept))
