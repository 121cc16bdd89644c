"""Strategies at equal parts of the budget."""

from math import inf, isinf, isnan

from reports.charts.chart import Chart
from reports.numbers.analysis import Analysis
from reports.numbers.curves import Checkpoint
from reports.tables.columns import STRATEGY, Reward
from reports.tables.table import Column, Table, Value
from reports.tables.words import interval_words, oracle_words

_COLUMNS = (
    STRATEGY,
    Column("evaluations", "Evaluations", "charged to each lane so far", kind="whole"),
    Reward("best_reward", "Best reward", "mean over lanes of the best reward so far"),
    Column("place", "Place", "by that mean, shared by equal means", kind="whole"),
)


def budgets_table(analysis: Analysis) -> Table:
    """One row a strategy and part of the budget, the smallest part first."""
    found = analysis.checkpoints
    rows: list[tuple[Value, ...]] = []
    for end in sorted({item.evaluations for item in found}):
        own = sorted((item for item in found if item.evaluations == end), key=_reached)
        places = [_reached(item) for item in own]
        rows += [
            (item.strategy, end, item.reward, None if isinf(place) else 1 + places.index(place))
            for item, place in zip(own, places, strict=True)
        ]
    caption = (
        f"Every lane after the same number of evaluations; {oracle_words(analysis.records)}; mean "
        f"over lanes{interval_words((item.reward for item in found), analysis.confidence)}."
    )
    return Table("budgets", "At equal budget", caption, _COLUMNS, tuple(rows))


def _reached(item: Checkpoint) -> float:
    """What to sort by; equal means, summed in another order, are equal, none comes last."""
    center = item.reward.center
    return inf if isnan(center) else -round(center, 12)


BUDGETS = Chart(
    "budgets",
    section="search",
    table=budgets_table,
    place="below",
    summary="At equal budget: after 10%, 30% and all of the evaluations",
)
