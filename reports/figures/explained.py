"""Figures 2 and 3 of the paper, drawn from a table."""

from collections.abc import Mapping, Sequence
from math import isfinite

from markupsafe import Markup

from reports.figures import svg
from reports.figures.search import WIDTH
from reports.numbers.explained import ConnectionScore, Explained, Spread
from reports.tables.formats import Number

_SETS = {"tickets": "Full-SA", "harmful": "Original"}
"""Sets of schemes, and what each is compared with."""


def draw_accuracy_by_ratio(found: Explained, name: str = "accuracy-by-ratio") -> Markup:
    """Accuracy against connections: a box a number of connections, and the known references."""
    references = [(name, 100 * value) for name, value in found.references.items()]
    return _draw_ratios(
        name,
        "Accuracy by connection ratio",
        "oracle accuracy (%, validation)",
        {item.connections: item.accuracy for item in found.ratios},
        scale=100,
        references=references,
    )


def draw_parameters_by_ratio(found: Explained) -> Markup:
    """Parameters against connections."""
    return _draw_ratios(
        "parameters-by-ratio",
        "Parameters by connection ratio",
        "parameters (thousands)",
        {item.connections: item.parameters for item in found.ratios},
        scale=1e-3,
        references=(),
    )


def draw_times_by_ratio(found: Explained) -> Markup | None:
    """Relative inference time against connections; None where no scheme was timed."""
    timed = {item.connections: item.increment for item in found.ratios if item.increment}
    if not timed:
        return None
    return _draw_ratios(
        "times-by-ratio",
        "Inference time by connection ratio",
        "inference time to Original (%)",
        timed,
        scale=100,
        references=(),
        which="the schemes that were timed",
    )


def _draw_ratios(
    name: str,
    title: str,
    label: str,
    spreads: Mapping[int, Spread],
    *,
    scale: Number,
    references: Sequence[tuple[str, Number]],
    which: str = "all schemes",
) -> Markup:
    if not spreads:
        return Markup("")
    ends = [scale * end for spread in spreads.values() for end in (spread.low, spread.high)]
    pad = max((max(ends) - min(ends)) * 0.04, 0.01)
    most = max(spreads)
    x = svg.Axis((-0.6, most + 0.6), (60, WIDTH - 70), whole=True)
    y = svg.Axis((min(ends) - pad, max(ends) + pad), (268, 34))
    lines = [
        svg.line(x.pixels[0], y(value), x.pixels[1], y(value), f"curve c{number}", dash=number)
        + svg.text(x.pixels[1] + 6, y(value), word)
        for number, (word, value) in enumerate(references)
    ]
    return svg.picture(
        name,
        title,
        "Whiskers from the lowest to the highest scheme, boxes between the quartiles, a mark at "
        f"the median of {which} with so many connections.",
        (WIDTH, 312),
        svg.frame(x, y, ("connected blocks", label), (".0f", "g")),
        *lines,
        *(_box(x(connections), y, spread, scale) for connections, spread in spreads.items()),
    )


def _box(x: Number, y: svg.Axis, spread: Spread, scale: Number) -> Markup:
    low, lower, middle, upper, high = (
        y(scale * value)
        for value in (spread.low, spread.lower, spread.middle, spread.upper, spread.high)
    )
    box = svg.element(
        "rect",
        x=x - 6,
        y=upper,
        width=12,
        height=max(lower - upper, 0.5),
        class_="mark hollow c2",
    )
    return svg.line(x, low, x, high, "whisker c2") + box + svg.marker(x, middle, 0, "mark c2", 3)


def draw_scores(found: Explained, name: str = "connection-scores") -> Markup:
    """Connection score of each block in tickets and in harmful schemes, with fitted lines.

    A set whose reference has no answer is left out.
    """
    blocks = len(found.tickets.score)
    known = [word for word, reference in _SETS.items() if reference in found.references]
    if not known:
        return Markup("")
    x = svg.Axis((0.5, blocks + 0.5), (52, WIDTH - 112), whole=True)
    y = svg.Axis((0, 1), (268, 34))
    sets = [(word, getattr(found, word)) for word in known]
    drawn = [_score_marks(score, x, y, number) for number, (_, score) in enumerate(sets)]
    wanted = [
        y.clamp(score.intercept + score.slope * (blocks - 1)) if isfinite(score.slope) else y(0.5)
        for _, score in sets
    ]
    labels = [
        svg.text(x.pixels[1] + 8, at, f"{word} ({score.schemes:,})")
        for (word, score), at in zip(sets, svg.spread(wanted, 16, 34, 268), strict=True)
    ]
    return svg.picture(
        name,
        "Connection score of each block",
        "Share of tickets and of harmful schemes that connect a block, with least-squares lines.",
        (WIDTH, 312),
        svg.frame(x, y, ("block", "share of schemes that connect it"), (".0f", "g")),
        *drawn,
        *labels,
    )


def _score_marks(score: ConnectionScore, x: svg.Axis, y: svg.Axis, number: int) -> Markup:
    if score.schemes == 0:
        return Markup("")
    marks = Markup("").join(
        svg.marker(x(block + 1), y(float(value)), number, f"mark c{number}")
        for block, value in enumerate(score.score)
    )
    if not isfinite(score.slope):
        return marks
    last = len(score.score) - 1
    ends = (y.clamp(score.intercept), y.clamp(score.intercept + score.slope * last))
    line = svg.line(x(1), ends[0], x(last + 1), ends[1], f"curve c{number}", dash=number)
    return marks + line
