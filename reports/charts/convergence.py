"""Whether searches settle, and whether they still try what is new."""

from benchmark.records.run import Interval
from reports.charts.chart import Chart, Drawing, drawn_strategies
from reports.charts.curves import Look, banded, draw_curves
from reports.numbers.analysis import Analysis
from reports.numbers.curves import Curve
from reports.tables.columns import STRATEGY
from reports.tables.formats import level
from reports.tables.table import Column, Table, Value
from reports.tables.words import interval_words

_COLUMNS = (
    STRATEGY,
    Column("evaluations", "Evaluations", "charged to each lane", kind="whole"),
    Column(
        "agreement",
        "p̄",
        "chance that two of the last schemes agree on a block, mean over blocks and lanes: an "
        "estimate of the paper's mean probability of what was drawn",
        kind="number",
        digits=3,
        interval=True,
    ),
    Column(
        "distinct",
        "Different schemes",
        "asked so far, mean over lanes",
        kind="number",
        digits=1,
        interval=True,
    ),
)
AGREEMENT = Look(
    "agreement", "Mean probability of what is asked", "p̄ (0.5: even draws, 1: settled)"
)
DISTINCT = Look("distinct", "Different schemes asked so far", "different schemes so far")


def convergence_table(analysis: Analysis) -> Table:
    """p̄ and different schemes: one row a strategy and point."""
    found = analysis.convergence
    agreed = {curve.strategy: _by_point(curve) for curve in found.agreement}
    asked = [(curve.strategy, _by_point(curve)) for curve in found.distinct]
    rows: list[tuple[Value, ...]] = [
        (strategy, point, agreed.get(strategy, {}).get(point), count)
        for strategy, counts in asked
        for point, count in counts.items()
    ]
    known = (one for _, points in [*agreed.items(), *asked] for one in points.values())
    caption = (
        f"Mean over lanes{interval_words(known, analysis.confidence)}; p̄ is estimated from the "
        f"last {found.window} schemes of each lane (the paper's Fig. 5 shows a controller's own)."
    )
    return Table("convergence", "How searches settle", caption, _COLUMNS, tuple(rows))


def _by_point(curve: Curve) -> dict[int, Interval]:
    return {int(at): curve.interval(point) for point, at in enumerate(curve.where)}


def _draw(analysis: Analysis) -> list[Drawing]:
    found, style = analysis.convergence, drawn_strategies(analysis)
    bands = f", {level(analysis.confidence)} intervals" if banded(analysis) else ""
    agreement = (
        "p̄, the mean probability of what a search asks (the paper's Fig. 5), estimated for all "
        f"alike as the chance that two of a lane's last {found.window} schemes agree on a block: "
        f"0.5 for even draws, 1 once it always asks the same. Mean over lanes{bands}."
    )
    distinct = (
        f"Different schemes asked so far, mean over lanes{bands}: a search that settles early "
        "stops trying new ones."
    )
    return [
        Drawing("agreement", draw_curves(found.agreement, style, AGREEMENT), agreement),
        Drawing("distinct", draw_curves(found.distinct, style, DISTINCT), distinct),
    ]


CONVERGENCE = Chart(
    "convergence",
    section="search",
    table=convergence_table,
    draw=_draw,
    heading=lambda _: "Do they settle, and do they still try what is new?",
)
