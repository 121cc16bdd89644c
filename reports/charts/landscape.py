"""The landscape behind a search: all tabulated schemes by connections and accuracy."""

from collections.abc import Mapping, Sequence

import numpy as np
from markupsafe import Markup

from benchmark.records.kinds import SUPERNET, OracleKind
from benchmark.records.schemes import bits_scheme
from reports.charts.chart import Chart, Drawing, drawn_strategies
from reports.figures import svg
from reports.figures.series import WIDTH, legend, legend_rows
from reports.numbers.analysis import Analysis
from reports.numbers.landscape import Density, Landscape, density
from reports.numbers.ranking import LaneScore
from reports.tables.columns import Percent, oracle_column
from reports.tables.formats import count, percent
from reports.tables.table import Column, Table, Value
from reports.tables.words import oracle_words

_COLUMNS = (
    Column("connections", "Connections", "connected blocks", kind="whole"),
    Percent("accuracy_from", "Accuracy from", "lower end of a step of accuracy"),
    Percent("accuracy_to", "Accuracy to", "its upper end"),
    Column("schemes", "Schemes", "with so many connections and such an accuracy", kind="whole"),
)


def draw_landscape(
    table: Landscape,
    lanes: Sequence[LaneScore],
    style: Mapping[str, int],
    blocks: int,
    kind: OracleKind = SUPERNET,
) -> Markup:
    """Density of all tabulated schemes by connections and accuracy, with each lane's best."""
    found = [
        score
        for score in lanes
        if score.ranked
        and score.key.supernet_seed == table.supernet_seed
        and score.key.strategy in style
    ]
    values = np.append(table.accuracy, [score.accuracy for score in found]) * 100
    pad = max(float(np.ptp(values)) * 0.03, 0.01)
    x = svg.Axis((-0.6, blocks + 0.6), (52, WIDTH - 12), whole=True)
    y = svg.Axis((float(values.min()) - pad, float(values.max()) + pad), (308, 34))
    names = [name for name in style if any(score.key.strategy == name for score in found)]
    marks = [
        svg.marker(
            x(
                score_ones(score)
                + 0.7 * (names.index(score.key.strategy) + 0.5) / len(names)
                - 0.35
            ),
            y(score.accuracy * 100),
            style[score.key.strategy],
            f"mark found c{style[score.key.strategy] % svg.COLORS}",
            3.6,
            strategy=score.key.strategy,
        )
        for score in found
    ]
    what = "all" if table.exhaustive else "the tabulated"
    middle = percent(float(np.median(table.accuracy)))
    best = percent(float(table.accuracy.max()))
    labels = ("connected blocks", kind.axis)
    return svg.picture(
        f"landscape-{table.supernet_seed}",
        f"Landscape of {kind.called(table.supernet_seed)}",
        f"Accuracy of {what} {count(len(table.accuracy), 'scheme')} against connected "
        f"blocks: median {middle}, best {best}."
        + (" Marks: the scheme of the best reward of each lane." if found else ""),
        (WIDTH, 362 + 20 * len(legend_rows(names))),
        svg.frame(x, y, labels, (".0f", "g")),
        *_density(density(table, blocks), x, y),
        *marks,
        *legend(names, style, 366),
    )


def score_ones(score: LaneScore) -> int:
    """Connected blocks of a lane's best scheme."""
    return int(bits_scheme(score.bits).sum())


def _density(found: Density, x: svg.Axis, y: svg.Axis) -> list[Markup]:
    # Columns have very different sizes (1 to 924 of 4,096): shade within a column.
    tallest = np.maximum(found.counts.max(axis=1), 1)
    width = 0.8 * (x(1) - x(0))
    height = y(100 * found.edges[0]) - y(100 * found.edges[1])
    return [
        svg.element(
            "rect",
            x=x(column) - width / 2,
            y=y(100 * found.edges[row + 1]),
            width=width,
            height=height,
            fill_opacity=0.08 + 0.5 * found.counts[column, row] / tallest[column],
            class_="density",
        )
        for column in range(len(found.counts))
        for row in np.flatnonzero(found.counts[column]).tolist()
    ]


def landscape_table(analysis: Analysis) -> Table:
    """The shading of the landscapes: one row a step that has schemes."""
    blocks = sum(analysis.records.blocks_per_stage)
    rows: list[tuple[Value, ...]] = []
    for seed, table in analysis.landscapes.items():
        found = density(table, blocks)
        rows += [
            (
                seed,
                size,
                float(found.edges[step]),
                float(found.edges[step + 1]),
                int(found.counts[size, step]),
            )
            for size, step in np.argwhere(found.counts).tolist()
        ]
    caption = f"How tabulated schemes spread; {oracle_words(analysis.records)}."
    columns = (oracle_column(analysis.records.kind), *_COLUMNS)
    return Table("landscape", "Landscape", caption, columns, tuple(rows))


def landscape_caption(analysis: Analysis) -> str:
    """What the landscape figures show."""
    marks = (
        "Marks: each lane's scheme of the best reward within "
        f"{count(analysis.ranking.horizon, 'evaluation')}; {analysis.records.objective.leaning}. "
        if analysis.ranking.placed
        else ""
    )
    return (
        "Shading: how the schemes with that many connections spread, strongest where most lie. "
        f"{marks}{oracle_words(analysis.records).capitalize()}."
    )


def _draw(analysis: Analysis) -> list[Drawing]:
    style, blocks = drawn_strategies(analysis), sum(analysis.records.blocks_per_stage)
    lanes, caption = analysis.ranking.lanes, landscape_caption(analysis)
    kind = analysis.records.kind
    return [
        Drawing(
            f"landscape-{seed}", draw_landscape(table, lanes, style, blocks, kind), caption, seed
        )
        for seed, table in analysis.landscapes.items()
    ]


LANDSCAPE = Chart("landscape", section="landscape", table=landscape_table, draw=_draw)
