"""What the paper's tables say of one run: references and what each strategy found."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmark.records.run import Interval
from reports.numbers.analysis import Analysis
from reports.numbers.outcomes import SchemeOutcome, StrategyOutcome
from reports.tables.formats import count

NOT_TRAINED = "no scheme was trained from scratch"
NOT_TIMED = "inference was not timed"
NO_LANDSCAPE = "the landscape was not tabulated"


@dataclass(frozen=True)
class Row:
    """A network or the networks that a strategy chose, one a lane.

    Attributes:
        name: of the reference or the strategy.
        accuracy: stand-alone test accuracy, mean over lanes; None where none was trained.
        parameters: effective, mean over lanes.
        increment: relative increment of inference time over Original, mean over lanes.
        top: lanes whose scheme is among the 5% that the oracle finds most accurate, in words.
        tickets: lanes whose scheme is a ticket, in words.
    """

    name: str
    accuracy: Interval | None
    parameters: float | None
    increment: float | None
    top: str | None = None
    tickets: str | None = None


def reference(analysis: Analysis, name: str) -> Row:
    """Original or Full-SA."""
    found = next((item for item in analysis.schemes if item.name == name), None)
    if found is None:
        return Row(name, None, None, None)
    cost = found.cost
    return Row(
        name,
        None if found.all_diverged else found.test,
        float(cost.parameters) if cost else None,
        cost.increment.center if cost else None,
    )


def strategy_rows(analysis: Analysis) -> list[Row]:
    """One a strategy, in order of rank; those without a trained scheme have gaps."""
    trained = {item.strategy: item for item in analysis.strategies}
    names = [standing.strategy for standing in analysis.ranking.standings]
    return [
        _row(analysis, trained[name]) if name in trained else Row(name, None, None, None)
        for name in names
    ]


def strategy_row(analysis: Analysis, name: str) -> Row:
    """What the strategy ``name`` found; gaps where it has no lane."""
    rows = (row for row in strategy_rows(analysis) if row.name == name)
    return next(rows, Row(name, None, None, None))


def _row(analysis: Analysis, item: StrategyOutcome) -> Row:
    schemes = {scheme.bits: scheme for scheme in analysis.schemes}
    chosen = [schemes[bits] for bits in item.chosen.values()]
    costs = [scheme.cost for scheme in chosen if scheme.cost]
    whole = len(costs) == len(chosen) and bool(costs)
    return Row(
        name=item.strategy,
        accuracy=item.test,
        parameters=float(np.mean([cost.parameters for cost in costs])) if whole else None,
        increment=float(np.mean([cost.increment.center for cost in costs])) if whole else None,
        top=_top(analysis, item, schemes),
        tickets=_tickets(chosen),
    )


def _tickets(chosen: Sequence[SchemeOutcome]) -> str:
    found = sum(scheme.verdict.word == "ticket" for scheme in chosen)
    still = sum(scheme.verdict.word == "undecided" for scheme in chosen)
    return f"{found} of {len(chosen)}" + (f" ({still} undecided)" if still else "")


def _top(
    analysis: Analysis, item: StrategyOutcome, schemes: dict[str, SchemeOutcome]
) -> str | None:
    placed = [
        top
        for key, bits in item.chosen.items()
        if (table := analysis.landscapes.get(key.supernet_seed)) is not None
        and (oracle := schemes[bits].oracle.get(key.supernet_seed)) is not None
        and (top := table.is_top(oracle)) is not None
    ]
    return f"{sum(placed)} of {count(len(placed), 'lane')}" if placed else None
