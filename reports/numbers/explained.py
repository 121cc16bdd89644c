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
from reports.tables.formats import count, signed, words
from reports.tables.table import Column, Table


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


_QUANTILES = (
    ("low", "lowest"),
    ("lower", "lower quartile"),
    ("middle", "median"),
    ("upper", "upper quartile"),
    ("high", "highest"),
)


def ratios_table(found: Explained) -> Table:
    """The numbers of figure 2, a row a number of connections."""
    columns = (
        Column("connections", "connections", "connected blocks", kind="whole"),
        Column("ratio", "ratio", "share of blocks that are connected", kind="number"),
        Column("schemes", "schemes", "schemes with so many connections", kind="whole"),
        *(
            Column(
                f"accuracy_{key}",
                f"{word} accuracy",
                f"{word} oracle accuracy, validation split",
                unit="%",
                kind="number",
                scale=100,
            )
            for key, word in _QUANTILES
        ),
        *(
            Column(f"parameters_{key}", f"{word} parameters", f"{word} parameters", kind="whole")
            for key, word in _QUANTILES
        ),
        Column("above_full", "≥ Full-SA", "share at least as accurate as Full-SA", unit="%",
               kind="number", digits=1, scale=100),
        Column("below_original", "< Original", "share less accurate than Original", unit="%",
               kind="number", digits=1, scale=100),
        *(
            Column(
                f"increment_{key}",
                f"{word} time increment",
                f"{word} inference time relative to Original's, minus 1, of the schemes timed",
                unit="%",
                kind="signed",
                digits=1,
                scale=100,
                optional=True,
            )
            for key, word in _QUANTILES
        ),
    )  # fmt: skip
    rows = tuple(
        (
            item.connections,
            item.ratio,
            item.schemes,
            *(getattr(item.accuracy, key) for key, _ in _QUANTILES),
            *(getattr(item.parameters, key) for key, _ in _QUANTILES),
            item.above_full,
            item.below_original,
            *(item.increment and getattr(item.increment, key) for key, _ in _QUANTILES),
        )
        for item in found.ratios
    )
    caption = "Every scheme with an answer, by its number of connections. Validation split."
    return Table("ratios", "Schemes by connection ratio", caption, columns, rows)


def scores_table(found: Explained) -> Table:
    """The numbers of figure 3, a row a block."""
    columns = (
        Column("block", "block", "number of the block, from 1", kind="whole"),
        Column("tickets", "tickets", "share of tickets that connect it", kind="number", digits=3),
        Column("harmful", "harmful", "share of harmful schemes that connect it", kind="number",
               digits=3),
    )  # fmt: skip
    rows = tuple(
        (number + 1, float(ticket), float(harmful))
        for number, (ticket, harmful) in enumerate(
            zip(found.tickets.score, found.harmful.score, strict=True)
        )
    )
    return Table("scores", "Connection score of each block", scores_caption(found), columns, rows)


def ratios_caption(found: Explained) -> str:
    """What the figure of the ratios shows."""
    lines = f"; lines at {words(list(found.references))}" if found.references else ""
    return (
        "Accuracy of all schemes with an answer by their number of connections (the paper's "
        "Fig. 2): whiskers from lowest to highest, boxes between the quartiles, marks at the "
        f"median{lines}."
    )


def scores_caption(found: Explained) -> str:
    """Who is in the two sets, and the slopes of their lines."""
    return " ".join(
        [
            _set_words(
                found,
                "Tickets",
                "at least as accurate as Full-SA with fewer connections or parameters (inference "
                "time is not known here)",
                "Full-SA",
            ),
            _set_words(found, "Harmful", "less accurate than Original", "Original"),
            "Oracle accuracy, validation split.",
        ]
    )


def _set_words(found: Explained, name: str, rule: str, reference: str) -> str:
    own: ConnectionScore = getattr(found, name.lower())
    if reference not in found.references:
        return f"{name}: not known, as {reference} has no answer."
    slope = "" if isnan(own.slope) else f"; slope {signed(own.slope, 4)} a block"
    return f"{name}: {count(own.schemes, 'scheme')} {rule}{slope}."
