"""Figures of accuracy against connections: equal sparsity, and Pareto fronts."""

from collections.abc import Mapping, Sequence
from math import isfinite

from markupsafe import Markup

from benchmark.records.kinds import SUPERNET, OracleKind
from benchmark.records.schemes import format_bits
from reports.charts.chart import Chart, Drawing, drawn_strategies
from reports.charts.curves import banded
from reports.figures import svg
from reports.figures.series import WIDTH, legend, legend_rows
from reports.numbers.analysis import Analysis
from reports.numbers.fronts import FrontPoint, Sparsity
from reports.tables.columns import STRATEGY, Percent, oracle_column
from reports.tables.formats import Number, count, level, percent
from reports.tables.table import Column, Table, Value
from reports.tables.words import interval_words, oracle_words

_BOTTOM = 308
_SPARSITY = (
    STRATEGY,
    Column("connections", "Connections", "at most so many connected blocks", kind="whole"),
    Percent(
        "accuracy",
        "Accuracy",
        "highest oracle accuracy of a lane within so many, mean over the lanes that asked for one",
        interval=True,
    ),
    Column("found", "Lanes with one", "lanes that asked for such a scheme", kind="whole"),
    Column("lanes", "Lanes", "lanes that count", kind="whole"),
)
_VOLUMES = (
    STRATEGY,
    Column(
        "hypervolume",
        "Hypervolume",
        "gain in oracle accuracy over Original of the best scheme within a share of connections, "
        "averaged over all shares (reference point: Full-SA's connections, Original's accuracy); "
        "mean over lanes",
        unit="points",
        kind="number",
        scale=100,
        interval=True,
    ),
    Percent(
        "share",
        "Of all schemes'",
        "share of the hypervolume of the whole landscape; needs one",
        digits=1,
        optional=True,
    ),
    Column("lanes", "Lanes", "lanes that count", kind="whole"),
)


def draw_sparsity(
    rows: Sequence[Sparsity],
    style: Mapping[str, int],
    blocks: int,
    kind: OracleKind = SUPERNET,
) -> Markup:
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
        labels=("connected blocks, at most", kind.axis),
        axes=(x, y),
        drawn=marks,
        key=(names, style),
    )


def draw_front(
    points: Sequence[FrontPoint],
    supernet_seed: int,
    style: Mapping[str, int],
    blocks: int,
    kind: OracleKind = SUPERNET,
) -> Markup:
    """Non-dominated schemes of each strategy on one oracle, as steps with marks."""
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
        f"Pareto fronts on {kind.called(supernet_seed)}",
        f"{count(len(own), 'scheme')} that no scheme of the same strategy beats in both accuracy "
        f"and connections; the highest accuracy, {percent(best.accuracy)}, takes no more than "
        f"{count(best.connections, 'connection')}.",
        labels=(f"connected blocks, {kind.called(supernet_seed)}", kind.axis),
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


def sparsity_table(analysis: Analysis) -> Table:
    """One row a strategy and number of connections."""
    rows: list[tuple[Value, ...]] = [
        (row.strategy, row.connections, row.accuracy, row.found, row.lanes)
        for row in analysis.fronts.sparsity
    ]
    caption = (
        "Best accuracy with at most so many connections, whatever the reward; "
        f"{oracle_words(analysis.records)}. Where some lanes have no such scheme the mean is over "
        "the others, so it can't be compared."
    )
    return Table("sparsity", "At equal sparsity", caption, _SPARSITY, tuple(rows))


def fronts_table(analysis: Analysis) -> Table:
    """One row a non-dominated scheme of a strategy on an oracle, over all its lanes."""
    kind, stages = analysis.records.kind, analysis.records.blocks_per_stage
    rows: list[tuple[Value, ...]] = [
        (
            point.strategy,
            point.supernet_seed,
            point.connections,
            point.accuracy,
            format_bits(point.bits, stages),
        )
        for point in analysis.fronts.points
    ]
    caption = f"Accuracy against connections, all lanes together; {oracle_words(analysis.records)}."
    columns = (
        STRATEGY,
        oracle_column(kind),
        Column("connections", "Connections", "connected blocks", kind="whole"),
        Percent("accuracy", "Accuracy", kind.accuracy),
        Column("scheme", "Scheme", "that none of the strategy's others beats in both", kind="bits"),
    )
    return Table("fronts", "Pareto fronts", caption, columns, tuple(rows))


def volumes_table(analysis: Analysis) -> Table:
    """One row a strategy, in order of rank."""
    found = analysis.fronts.volumes
    rows: list[tuple[Value, ...]] = [
        (item.strategy, item.volume, item.share, item.lanes) for item in found
    ]
    caption = (
        f"{oracle_words(analysis.records).capitalize()}; mean over lanes"
        f"{interval_words((item.volume for item in found), analysis.confidence)}. Schemes no more "
        "accurate than Original count nothing."
    )
    return Table("hypervolume", "Hypervolume", caption, _VOLUMES, tuple(rows))


def _draw_sparsity(analysis: Analysis) -> list[Drawing]:
    style, blocks = drawn_strategies(analysis), sum(analysis.records.blocks_per_stage)
    bands = f" with {level(analysis.confidence)} interval" if banded(analysis) else ""
    caption = (
        "At equal sparsity: best oracle accuracy with at most so many connections, mean over "
        f"lanes{bands}. Hollow marks: some lanes asked for no such scheme."
    )
    figure = draw_sparsity(analysis.fronts.sparsity, style, blocks, analysis.records.kind)
    return [Drawing("sparsity", figure, caption)]


def _draw_fronts(analysis: Analysis) -> list[Drawing]:
    style, blocks = drawn_strategies(analysis), sum(analysis.records.blocks_per_stage)
    points, kind = analysis.fronts.points, analysis.records.kind
    caption = "Pareto fronts, all lanes of a strategy together: up and to the left is better."
    return [
        Drawing(f"front-{seed}", draw_front(points, seed, style, blocks, kind), caption)
        for seed in (oracle.supernet_seed for oracle in analysis.records.oracles)
    ]


SPARSITY = Chart("sparsity", section="fronts", table=sparsity_table, draw=_draw_sparsity)
FRONTS = Chart("fronts", section="fronts", table=fronts_table, draw=_draw_fronts)
HYPERVOLUME = Chart("hypervolume", section="fronts", table=volumes_table, place="below")
