"""Tables of strategies against each other: ranks, equal budget, equal sparsity, fronts, curves."""

from collections.abc import Callable, Sequence
from functools import partial
from math import inf, isinf, isnan

import numpy as np

from benchmark.records.schemes import format_bits
from reports.numbers.analysis import Analysis
from reports.numbers.curves import Checkpoint, Curve
from reports.numbers.problems import Problem
from reports.numbers.ranks import Cell, Ranks
from reports.tables.formats import count, level, p_equals, plain, some
from reports.tables.table import Column, Table, Value
from reports.tables.words import interval_words, oracle_words

_LISTED = 8
_Percent = partial(Column, unit="%", kind="number", scale=100)
_Reward = partial(Column, unit="×100", kind="number", scale=100, interval=True)
_STRATEGY = Column("strategy", "Strategy", "the search strategy", filter=True)

RANKS = (
    _STRATEGY,
    Column(
        "mean_rank",
        "Mean rank",
        "rank among the strategies in each complete cell, mean over these; 1 is best",
        kind="number",
        interval=True,
    ),
    Column(
        "tied_with",
        "Tied with",
        "strategies of a common group: no two mean ranks of it differ by more than the critical "
        "difference",
    ),
    Column("cells", "Cells", "complete cells, where every strategy has a result", kind="whole"),
    Column("missing", "Missing", "cells in which it has no result", kind="whole"),
)
BUDGETS = (
    _STRATEGY,
    Column("evaluations", "Evaluations", "charged to each lane so far", kind="whole"),
    _Reward("best_reward", "Best reward", "mean over lanes of the best reward so far"),
    Column("place", "Place", "by that mean, shared by equal means", kind="whole"),
)
SPARSITY = (
    _STRATEGY,
    Column("connections", "Connections", "at most so many connected blocks", kind="whole"),
    _Percent(
        "accuracy",
        "Accuracy",
        "highest oracle accuracy of a lane within so many, mean over the lanes that asked for one",
        interval=True,
    ),
    Column("found", "Lanes with one", "lanes that asked for such a scheme", kind="whole"),
    Column("lanes", "Lanes", "lanes that count", kind="whole"),
)
FRONTS = (
    _STRATEGY,
    Column("supernet_seed", "Supernet seed", "seed of the frozen supernet", kind="whole"),
    Column("connections", "Connections", "connected blocks", kind="whole"),
    _Percent("accuracy", "Accuracy", "oracle accuracy on the validation split"),
    Column("scheme", "Scheme", "that none of the strategy's others beats in both", kind="bits"),
)
VOLUMES = (
    _STRATEGY,
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
    _Percent(
        "share",
        "Of all schemes'",
        "share of the hypervolume of the whole landscape; needs one",
        digits=1,
        optional=True,
    ),
    Column("lanes", "Lanes", "lanes that count", kind="whole"),
)
CURVES = (
    _STRATEGY,
    Column("evaluations", "Evaluations", "charged to each lane", kind="whole"),
    _Reward("best_reward", "Best reward", "mean over lanes; holds until the next row"),
)
CURVES_SECONDS = (
    _STRATEGY,
    Column(
        "seconds",
        "Seconds",
        "the strategy's own processor time (where it is known) plus the oracle's mean time for "
        "each evaluation",
        unit="s",
        kind="number",
        digits=3,
        timing=True,
    ),
    _Reward("best_reward", "Best reward", "mean over lanes; holds until the next row"),
)


def ranks_table(analysis: Analysis) -> Table:
    """One row a strategy, the best mean rank first."""
    ranks = analysis.ranking.ranks
    unranked = [item.strategy for item in analysis.ranking.standings if item.rank is None]
    parts = [
        ranks_caption(ranks, "(supernet seed, strategy seed)"),
        missing_words(ranks, lambda cell: f"supernet {cell[0]}, seed {cell[1]}"),
        f"Without a result in any cell, and so not ranked: {some(unranked)}." if unranked else "",
    ]
    return Table("ranks", "Mean ranks", " ".join(filter(None, parts)), RANKS, ranks_rows(ranks))


def ranks_rows(ranks: Ranks) -> tuple[tuple[Value, ...], ...]:
    """One row a strategy under the columns `RANKS`."""
    rows: list[tuple[Value, ...]] = []
    for name, mean in zip(ranks.strategies, ranks.mean, strict=True):
        friends = dict.fromkeys(
            other for group in ranks.groups if name in group for other in group if other != name
        )
        absent = sum(missing == name for _, missing in ranks.missing)
        rows.append((name, mean, some(tuple(friends)), ranks.cells, absent))
    return tuple(rows)


def ranks_caption(ranks: Ranks, cell: str) -> str:
    """How many cells there are, critical difference and test; ``cell`` says what one is."""
    text = f"Ranks in cells {cell} that every strategy completed: {count(ranks.cells, 'cell')}."
    test = "The sign test's" if len(ranks.strategies) == 2 else "Nemenyi's"  # noqa: PLR2004 - one pair
    if not isinf(ranks.critical_difference):
        text += (
            f" {test} critical difference: {plain(ranks.critical_difference)} ranks at "
            f"{level(ranks.confidence)}; intervals are half of it to each side, so strategies "
            "whose intervals overlap can't be told apart."
        )
    elif ranks.cells and len(ranks.strategies) > 1:
        text += " That is too few to tell any apart, so intervals span all ranks."
    if not np.isnan(ranks.p_value):
        text += f" Friedman's test of no difference at all: p {p_equals(ranks.p_value)}."
    return text


def missing_words(ranks: Ranks, named: Callable[[Cell], str]) -> str:
    """Which cells lack a result; said even when none does. ``named`` is what a cell is called."""
    if not ranks.missing:
        return "No cell is missing." if ranks.cells else ""
    listed = [f"{name} on {named(cell)}" for cell, name in ranks.missing]
    return (
        "Missing (failed, still at work or without an answer), so these cells are left out of "
        f"ranks: {some(listed, _LISTED)}."
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
    return Table("budgets", "At equal budget", caption, BUDGETS, tuple(rows))


def _reached(item: Checkpoint) -> float:
    """What to sort by; equal means, summed in another order, are equal, none comes last."""
    center = item.reward.center
    return inf if isnan(center) else -round(center, 12)


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
    return Table("sparsity", "At equal sparsity", caption, SPARSITY, tuple(rows))


def fronts_table(analysis: Analysis) -> Table:
    """One row a non-dominated scheme of a strategy on a supernet, over all its lanes."""
    stages = analysis.records.blocks_per_stage
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
    return Table("fronts", "Pareto fronts", caption, FRONTS, tuple(rows))


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
    return Table("hypervolume", "Hypervolume", caption, VOLUMES, tuple(rows))


def curves_table(analysis: Analysis) -> Table:
    """The curves against evaluations: one row where a mean changes, and one at the end."""
    rows = _points(analysis.curves, whole=True)
    caption = f"Best reward so far; {oracle_words(analysis.records)}."
    return Table("curves", "Against evaluations", caption, CURVES, rows)


def problem_curves_table(problem: Problem, name: str) -> Table:
    """The curves of one problem of a comparison, as `curves_table` has a run's."""
    caption = f"Best reward so far on {problem.label}; {oracle_words(problem.records)}."
    rows = _points(problem.curves, whole=True)
    return Table(name, f"Against evaluations: {problem.label}", caption, CURVES, rows)


def time_curves_table(analysis: Analysis) -> Table:
    """The curves against seconds: one row where a mean changes, and one at the end."""
    rows = _points(analysis.time_curves, whole=False)
    caption = f"Best reward so far; {oracle_words(analysis.records)}. Times differ from run to run."
    return Table("curves-seconds", "Against seconds", caption, CURVES_SECONDS, rows)


def _points(curves: Sequence[Curve], *, whole: bool) -> tuple[tuple[Value, ...], ...]:
    rows: list[tuple[Value, ...]] = []
    for curve in curves:
        known = np.isfinite(curve.center)
        lines = np.array([curve.center, curve.low, curve.high])
        moved = np.any(lines[:, 1:] != lines[:, :-1], axis=0)
        shown = known & np.concatenate([[True], moved])
        shown[-1] = known[-1]
        rows += [
            (curve.label, int(at) if whole else float(at), curve.interval(point))
            for point, at in zip(np.flatnonzero(shown).tolist(), curve.where[shown], strict=True)
        ]
    return tuple(rows)
