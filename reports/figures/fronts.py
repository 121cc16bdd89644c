"""Figures of accuracy against connections: equal sparsity, and Pareto fronts."""

from collections.abc import Mapping, Sequence
from math import isfinite

from markupsafe import Markup

from reports.figures import svg
from reports.figures.search import WIDTH, legend, legend_rows
from reports.numbers.fronts import FrontPoint, Sparsity
from reports.tables.formats import Number, count, percent

_LABELS = ("oracle accuracy (%, validation)",)
_BOTTOM = 308


def draw_sparsity(rows: Sequence[Sparsity], style: Mapping[str, int], blocks: int) -> Markup:
    """Mean best accuracy at equal numbers of connections; hollow where lanes are missing."""
    known = [row for row in rows if row.accuracy is not None and row.strategy in style]
    ends = [
        100 * value
        for row in known
        if row.accuracy is not None
        for value in (row.accuracy.center, row.accuracy.low, row.accuracy.high)
        if isfinite(value) and (row.found == row.lanes or value == row.accuracy.center)
    ]
    if not ends:
        return Markup("")
    x, y = _axes(ends, blocks)
    names = list(dict.fromkeys(row.strategy for row in known))
    marks = [
        _sparsity_mark(row, _beside(row.connections, row.strategy, names, x), y, style)
        for row in known
    ]
    last = {row.strategy: row for row in known}
    said = "; ".join(
        f"{name} {percent(row.accuracy.center)}"
        for name, row in last.items()
        if row.accuracy is not None
    )
    return _framed(
        "sparsity",
        "Best accuracy at equal sparsity",
        f"Mean over lanes of the best oracle accuracy with at most so many connections: {said}.",
        labels=("connected blocks, at most", *_LABELS),
        axes=(x, y),
        drawn=marks,
        key=(names, style),
    )


def draw_front(
    points: Sequence[FrontPoint], supernet_seed: int, style: Mapping[str, int], blocks: int
) -> Markup:
    """Non-dominated schemes of each strategy on one supernet, as steps with marks."""
    own = [p for p in points if p.supernet_seed == supernet_seed and p.strategy in style]
    if not own:
        return Markup("")
    x, y = _axes([100 * point.accuracy for point in own], blocks)
    names = list(dict.fromkeys(point.strategy for point in own))
    drawn = [
        _steps([point for point in own if point.strategy == name], style[name], x, y)
        for name in names
    ]
    best = max(own, key=lambda point: (point.accuracy, -point.connections))
    return _framed(
        f"front-{supernet_seed}",
        f"Pareto fronts on supernet {supernet_seed}",
        f"{count(len(own), 'scheme')} that no scheme of the same strategy beats in both accuracy "
        f"and connections; the highest accuracy, {percent(best.accuracy)}, takes no more than "
        f"{count(best.connections, 'connection')}.",
        labels=(f"connected blocks, supernet {supernet_seed}", *_LABELS),
        axes=(x, y),
        drawn=drawn,
        key=(names, style),
    )


def _axes(values: Sequence[Number], blocks: int) -> tuple[svg.Axis, svg.Axis]:
    pad = max((max(values) - min(values)) * 0.05, 0.01)
    x = svg.Axis((-0.6, blocks + 0.6), (52, WIDTH - 12), whole=True)
    return x, svg.Axis((min(values) - pad, max(values) + pad), (_BOTTOM, 34))


def _framed(
    name: str,
    title: str,
    description: str,
    *,
    labels: tuple[str, str],
    axes: tuple[svg.Axis, svg.Axis],
    drawn: Sequence[Markup],
    key: tuple[Sequence[str], Mapping[str, int]],
) -> Markup:
    names, style = key
    return svg.picture(
        name,
        title,
        description,
        (WIDTH, 362 + 20 * len(legend_rows(names))),
        svg.frame(*axes, labels, (".0f", "g")),
        *drawn,
        *legend(names, style, 366),
    )


def _beside(connections: int, strategy: str, names: Sequence[str], x: svg.Axis) -> Number:
    """Strategies stand side by side at each number of connections."""
    return x(connections + 0.7 * (names.index(strategy) + 0.5) / len(names) - 0.35)


def _sparsity_mark(row: Sparsity, left: Number, y: svg.Axis, style: Mapping[str, int]) -> Markup:
    mean, number = row.accuracy, style[row.strategy]
    assert mean is not None
    color = f"c{number % svg.COLORS}"
    whole = row.found == row.lanes
    kind = f"mark {color}" if whole else f"mark hollow {color}"
    whisker = (
        svg.line(left, y.clamp(100 * mean.low), left, y.clamp(100 * mean.high), f"whisker {color}")
        if whole and isfinite(mean.low)
        else Markup("")
    )
    mark = svg.marker(left, y(100 * mean.center), number, kind, 3.4)
    return svg.element("g", whisker, mark, data_strategy=row.strategy)


def _steps(points: Sequence[FrontPoint], number: int, x: svg.Axis, y: svg.Axis) -> Markup:
    color = f"c{number % svg.COLORS}"
    corners: list[str] = []
    for point in points:
        here = x(point.connections)
        if corners:
            corners.append(f"{here:.1f} {corners[-1].split()[1]}")
        corners.append(f"{here:.1f} {y(100 * point.accuracy):.1f}")
    dash = svg.DASHES[number % len(svg.DASHES)]
    path = svg.element(
        "path", d="M" + "L".join(corners), class_=f"curve {color}", stroke_dasharray=dash
    )
    marks = [
        svg.marker(x(p.connections), y(100 * p.accuracy), number, f"mark {color}", 3.4)
        for p in points
    ]
    return svg.element("g", path, *marks, data_strategy=points[0].strategy)
