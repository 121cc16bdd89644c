"""Every number in a chart as a tidy table: what pages offer and files beside them hold."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from math import isnan, nan

import numpy as np

from benchmark.records.run import Interval, OracleAnswers
from benchmark.records.schemes import format_bits
from reports.numbers.analysis import Analysis
from reports.numbers.curves import Curve
from reports.numbers.explained import ratios_table, scores_table
from reports.numbers.landscape import density
from reports.tables.comparison import (
    budgets_table,
    curves_table,
    fronts_table,
    ranks_table,
    sparsity_table,
    time_curves_table,
    volumes_table,
)
from reports.tables.run import trust_table
from reports.tables.table import Column, Table, Value
from reports.tables.words import interval_words, oracle_words

_Percent = partial(Column, unit="%", kind="number", scale=100)
_Seconds = partial(Column, unit="s", kind="number", digits=1, timing=True)
_STRATEGY = Column("strategy", "Strategy", "the search strategy", filter=True)
_SUPERNET = Column("supernet_seed", "Supernet seed", "seed of the frozen supernet", kind="whole")

CONVERGENCE = (
    _STRATEGY,
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
TIMES = (
    _STRATEGY,
    Column("evaluations", "Evaluations", "charged to a lane, mean", kind="number", digits=1),
    _Seconds("search", "Search", "one lane searching alone, mean over lanes", interval=True),
    _Seconds("own", "Of it the strategy's own", "processor time of the strategy itself, mean"),
    _Seconds("training", "Supernet training", "mean over supernets; all strategies share it"),
    _Percent("share", "Search / training", "both on this machine", digits=1, timing=True),
    Column("lanes", "Lanes", "lanes that count", kind="whole"),
)
LANDSCAPE = (
    _SUPERNET,
    Column("connections", "Connections", "connected blocks", kind="whole"),
    _Percent("accuracy_from", "Accuracy from", "lower end of a step of oracle accuracy"),
    _Percent("accuracy_to", "Accuracy to", "its upper end"),
    Column("schemes", "Schemes", "with so many connections and such an accuracy", kind="whole"),
)
TRUST_POINTS = (
    Column("trained", "Trained", "here, or where else the scheme was trained"),
    Column("batch_norm", "Batch norm", "of the oracle"),
    _SUPERNET,
    Column("scheme", "Scheme", "one bit a block, first block first; 1 = connected", kind="bits"),
    _Percent("oracle_accuracy", "Oracle accuracy", "of the oracle, validation split"),
    _Percent("test_accuracy", "Test accuracy", "stand-alone, mean over seeds", interval=True),
)


def chart_tables(analysis: Analysis) -> list[Table]:
    """All of them; what a run has no data for has no rows."""
    return [make(analysis) for make in _MADE]


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
    return Table("convergence", "How searches settle", caption, CONVERGENCE, tuple(rows))


def _by_point(curve: Curve) -> dict[int, Interval]:
    return {int(at): curve.interval(point) for point, at in enumerate(curve.where)}


def times_table(analysis: Analysis) -> Table:
    """Search against training: one row a strategy."""
    rows: list[tuple[Value, ...]] = [
        (
            item.strategy,
            item.evaluations,
            item.search,
            item.own,
            item.training,
            item.share,
            item.lanes,
        )
        for item in analysis.times
    ]
    caption = (
        "Seconds of this machine, as if each lane had searched alone: the strategy's own time and "
        "the oracle's mean time for each evaluation. The paper's Table VI reports 25.4% for "
        "ResNet38 and 21.3% for ResNet164."
    )
    return Table("times", "Search time against training time", caption, TIMES, tuple(rows))


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
    return Table("landscape", "Landscape", caption, LANDSCAPE, tuple(rows))


def ratios_by_supernet(analysis: Analysis) -> Table:
    """Accuracy by number of connections (the paper's Fig. 2), for every whole landscape."""
    found = {seed: ratios_table(item) for seed, item in analysis.explained.items()}
    return _stacked("ratios", "Schemes by connection ratio", found)


def scores_by_supernet(analysis: Analysis) -> Table:
    """Connection scores of each block (the paper's Fig. 3), for every whole landscape."""
    found = {seed: scores_table(item) for seed, item in analysis.explained.items()}
    return _stacked("scores", "Connection score of each block", found)


def _stacked(name: str, title: str, tables: Mapping[int, Table]) -> Table:
    """Tables of the same columns as one, with the supernet's seed in front."""
    if not tables:
        return Table(name, title, "No landscape was tabulated.", (_SUPERNET,), ())
    first = next(iter(tables.values()))
    rows = tuple((seed, *row) for seed, table in tables.items() for row in table.rows)
    caption = " ".join(dict.fromkeys(table.caption for table in tables.values()))
    return replace(
        first,
        name=name,
        title=title,
        caption=caption,
        columns=(_SUPERNET, *first.columns),
        rows=rows,
    )


def oracle_answers(analysis: Analysis) -> list[OracleAnswers]:
    """Both modes of a supernet side by side; the run's own mode where no other was asked."""
    records = analysis.records
    if records.answers:
        return sorted(records.answers, key=lambda one: one.supernet_seed)
    mode = str(records.settings.get("batch_norm", ""))
    return [
        OracleAnswers(
            mode,
            seed,
            {item.bits: item.oracle[seed] for item in analysis.schemes if seed in item.oracle},
        )
        for seed in (item.supernet_seed for item in analysis.trust)
    ]


def trust_points_table(analysis: Analysis) -> Table:
    """Oracle against training: one row a scheme and oracle."""
    stages = analysis.records.blocks_per_stage
    sources = (("here", analysis.schemes), (analysis.records.outside_source, analysis.outside))
    rows: list[tuple[Value, ...]] = [
        (
            source,
            answers.batch_norm,
            answers.supernet_seed,
            format_bits(item.bits, stages),
            answers.accuracy[item.bits],
            item.test,
        )
        for source, trained in sources
        for answers in oracle_answers(analysis)
        for item in trained
        if not item.all_diverged and not isnan(answers.accuracy.get(item.bits, nan))
    ]
    caption = "Oracle: validation split. Stand-alone: test split, mean over seeds."
    return Table(
        "trust-points",
        "Oracle against training, scheme by scheme",
        caption,
        TRUST_POINTS,
        tuple(rows),
    )


_MADE: Sequence[Callable[[Analysis], Table]] = (
    ranks_table,
    curves_table,
    time_curves_table,
    convergence_table,
    budgets_table,
    times_table,
    sparsity_table,
    fronts_table,
    volumes_table,
    landscape_table,
    ratios_by_supernet,
    scores_by_supernet,
    trust_table,
    trust_points_table,
)
