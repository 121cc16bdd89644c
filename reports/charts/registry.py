"""Every part of a run's report by name: what pages show and what files hold are the same."""

from collections.abc import Mapping

from markupsafe import Markup

from reports.charts.budgets import BUDGETS
from reports.charts.chart import Chart, RunChart
from reports.charts.convergence import CONVERGENCE
from reports.charts.curves import CURVES, CURVES_SECONDS
from reports.charts.explained import RATIOS, SCORES
from reports.charts.fronts import FRONTS, HYPERVOLUME, SPARSITY
from reports.charts.landscape import LANDSCAPE
from reports.charts.ranks import RANKS
from reports.charts.schemes import SCHEMES
from reports.charts.tables import EVALUATIONS, LANES, RANKING
from reports.charts.times import TIMES
from reports.charts.trust import TRUST, TRUST_POINTS
from reports.numbers.analysis import Analysis

CHARTS: dict[str, Chart] = {
    chart.name: chart
    for chart in (
        RANKING,
        RANKS,
        CURVES,
        CURVES_SECONDS,
        BUDGETS,
        CONVERGENCE,
        SPARSITY,
        FRONTS,
        HYPERVOLUME,
        TIMES,
        SCHEMES,
        LANDSCAPE,
        RATIOS,
        SCORES,
        TRUST,
        TRUST_POINTS,
        LANES,
        EVALUATIONS,
    )
}
"""Every chart by name, in the order of Markdown and of each section of the page."""


def run_charts(analysis: Analysis) -> dict[str, RunChart]:
    """Every registered chart of a run, by name."""
    return {name: RunChart(chart, analysis) for name, chart in CHARTS.items()}


def figures(charts: Mapping[str, RunChart]) -> dict[str, Markup]:
    """All figures that a run has data for, by name."""
    return {one.name: one.figure for chart in charts.values() for one in chart.drawings}
