"""Results in the units in which a field reports them, with intervals as accuracies have."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isnan, nan

import numpy as np

from benchmark.records.noise import Noise, paired_difference, residual_noise
from benchmark.records.run import FigureKind, Interval, StandaloneRecord
from reports.tables.formats import MISSING, bounds, plain
from reports.tables.table import Column

_ACCURACY = "test_accuracy"


@dataclass(frozen=True)
class FieldFigure:
    """One figure of all trained networks.

    Attributes:
        kind: name, unit and direction.
        scores: by network, then seed.
        noise: of one training, seeds' own effects left out.
        confidence: of intervals.
    """

    kind: FigureKind
    scores: Mapping[str, Mapping[int, float]]
    noise: Noise
    confidence: float

    def mean(self, network: str) -> Interval:
        """Mean of a network over its seeds; NaN where none came to its end."""
        values = list(self.scores.get(network, {}).values())
        if not values:
            return Interval(nan, nan, nan)
        center = float(np.mean(values))
        half = self.noise.half_width(1 / len(values), self.confidence)
        return Interval(center, center - half, center + half)

    def difference(self, network: str, other: str) -> Interval | None:
        """Mean of one network minus another's, paired over seeds."""
        return paired_difference(self.scores, network, other, self.noise, self.confidence)

    @property
    def scale(self) -> int:
        """What values are multiplied with to be shown."""
        return 100 if self.kind.unit == "%" else 1

    @property
    def column(self) -> Column:
        """The column that holds the figure's mean of each network, with its interval."""
        better = "lower" if self.kind.lower_is_better else "higher"
        return Column(
            self.kind.name.lower().replace(" ", "_"),
            self.kind.name,
            f"test split, mean over seeds; {better} is better",
            unit=self.kind.unit,
            kind="number",
            digits=self.kind.digits,
            interval=True,
            scale=self.scale,
        )

    def shown(self, interval: Interval) -> str:
        """``3.21 [3.05, 3.37]`` with its unit."""
        if isnan(interval.center):
            return MISSING
        unit = "%" if self.kind.unit == "%" else self.kind.unit and f" {self.kind.unit}"

        def number(value: float) -> str:
            return plain(value * self.scale, self.kind.digits)

        return f"{number(interval.center)}{unit} {bounds(interval, number)}"


def with_figures(
    columns: Sequence[Column], place: int, figures: Sequence[FieldFigure]
) -> tuple[Column, ...]:
    """``columns`` with those of ``figures`` at ``place``; of the scores a terminal has one only."""
    if not figures:
        return tuple(columns)
    shown = [replace(figure.column, terminal=number == 0) for number, figure in enumerate(figures)]
    rest = [
        replace(column, terminal=column.terminal and column.key != _ACCURACY)
        for column in columns[place:]
    ]
    return (*columns[:place], *shown, *rest)


def score_words(figures: Sequence[FieldFigure]) -> str:
    """What accuracies are where the field has figures of its own, for captions."""
    if not figures:
        return ""
    main = figures[0].kind.name
    return f" Accuracies are the score in [0, 1] that searches maximise, made of the {main}."


def field_figures(
    kinds: Sequence[FigureKind],
    trained: Iterable[tuple[str, StandaloneRecord]],
    confidence: float,
) -> list[FieldFigure]:
    """One a kind, the main one first; failed trainings are left out.

    Args:
        kinds: what the field reports; none where that is accuracy.
        trained: networks and their trainings.
        confidence: of intervals.
    """
    known = [(network, record) for network, record in trained if not record.failure]
    found = []
    for kind in kinds:
        scores: dict[str, dict[int, float]] = {}
        for network, record in known:
            value = record.figures.get(kind.name, record.test_accuracy)
            scores.setdefault(network, {})[record.seed] = value
        found.append(FieldFigure(kind, scores, residual_noise(scores), confidence))
    return found
