"""What the paper's tables say of one run: references and what each strategy found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from benchmark.records.costs import paper_costs
from benchmark.records.run import Interval
from reports.numbers.analysis import Analysis
from reports.numbers.outcomes import SchemeOutcome, StrategyOutcome
from reports.tables.formats import count

NOT_TRAINED = "no scheme was trained from scratch"
NO_LANDSCAPE = "the landscape was not tabulated"


@dataclass(frozen=True)
class Row:
    """A network or the networks that a strategy chose, one a lane.

    Attributes:
        name: of the reference or the strategy.
        accuracy: stand-alone test accuracy, mean over lanes; None where none was trained.
        costs: by name what `Cost.shown_in_paper` says, mean over lanes; none that wasn't measured.
        top: lanes whose scheme is among the 5% that the oracle finds most accurate, in words.
        tickets: lanes whose scheme is a ticket, in words.
    """

    name: str
    accuracy: Interval | None = None
    costs: Mapping[str, float] = field(default_factory=dict)
    top: str | None = None
    tickets: str | None = None


def reference(analysis: Analysis, name: str) -> Row:
    """The row of Original or Full-SA, whichever ``name`` says; gaps where it wasn't trained."""
    found = next((item for item in analysis.schemes if item.name == name), None)
    if found is None:
        return Row(name)
    return Row(name, None if found.all_diverged else found.test, _costs([found]))


def _costs(schemes: Sequence[SchemeOutcome]) -> dict[str, float]:
    """Means over ``schemes`` of the costs that were measured of all of them."""
    means = {}
    for cost in paper_costs():
        found = [measure for item in schemes if (measure := cost.of(item.cost)) is not None]
        if found and len(found) == len(schemes):
            means[cost.name] = float(np.mean([cost.shown_in_paper(one) for one in found]))
    return means


def strategy_rows(analysis: Analysis) -> list[Row]:
    """One a strategy, in order of rank; those without a trained scheme have gaps."""
    trained = {item.strategy: item for item in analysis.strategies}
    names = [standing.strategy for standing in analysis.ranking.standings]
    return [_row(analysis, trained[name]) if name in trained else Row(name) for name in names]


def strategy_row(analysis: Analysis, name: str) -> Row:
    """What the strategy ``name`` found; gaps where it has no lane."""
    rows = (row for row in strategy_rows(analysis) if row.name == name)
    return next(rows, Row(name))


def _row(analysis: Analysis, item: StrategyOutcome) -> Row:
    schemes = {scheme.bits: scheme for scheme in analysis.schemes}
    chosen = [schemes[bits] for bits in item.chosen.values()]
    return Row(
        name=item.strategy,
        accuracy=item.test,
        costs=_costs(chosen),
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
