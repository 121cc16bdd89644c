"""Tables of a race on known landscapes: regret at parts of the budget, tie groups, overhead."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmark.basics.files import write_texts
from benchmark.records.run import Interval, RaceRecord
from reports.numbers.statistics import Values, bootstrap_interval, tie_groups
from reports.tables.formats import count
from reports.tables.table import Column, Table, Value, to_csv, to_markdown

CHECKPOINTS = (10, 30, 100)
"""Where a race's curves are read off, in percent of the budget."""
_SOLVED = 1e-9
"""An instance counts as solved at a regret below: what is left is rounding."""

_STRATEGY = Column("strategy", "strategy", "Name of the strategy.")
_GROUP = Column(
    "group",
    "group",
    "Strategies of one group can't be told from its leader at the full budget.",
    kind="whole",
)
_REGRETS = tuple(
    Column(
        f"regret_{percent}",
        f"regret at {percent}%",
        f"Accuracy that the best scheme lacks to the optimum after {percent}% of the budget.",
        unit="points",
        kind="number",
        interval=True,
        scale=100,
    )
    for percent in CHECKPOINTS
)
_SOLVED_SHARE = Column(
    "solved",
    "optimum found",
    "Share of searches that end at the optimum.",
    unit="%",
    kind="number",
    digits=0,
    scale=100,
)
_OVERHEAD = Column(
    "overhead",
    "overhead",
    "Processor time of the strategy itself for each evaluation, without the oracle.",
    unit="ms",
    kind="number",
    scale=1000,
    timing=True,
)
_FAILED = Column(
    "failed",
    "failed",
    "Seeds with a failed search; they count for nobody.",
    kind="whole",
    terminal=False,
    optional=True,
)
_NOTE = Column(
    "note",
    "note",
    "What a strategy needs that the landscape does not offer.",
    terminal=False,
    optional=True,
)
COLUMNS = (_STRATEGY, _GROUP, *_REGRETS, _SOLVED_SHARE, _OVERHEAD, _FAILED, _NOTE)


def race_tables(records: Sequence[RaceRecord]) -> list[Table]:
    """The mean over all landscapes first, then a table for each, best strategies first."""
    landscapes = list(dict.fromkeys(record.landscape for record in records))
    tables = [_table("race", "All landscapes", records)]
    for name in landscapes:
        own = [record for record in records if record.landscape == name]
        tables.append(_table(f"race-{name}", name, own))
    return tables if len(landscapes) > 1 else tables[1:]


def write_tables(tables: Sequence[Table], folder: Path, *, name: str) -> None:
    """``NAME.md`` with all tables, and one CSV file a table."""
    contents = {f"{table.name}.csv": to_csv(table) for table in tables}
    contents[f"{name}.md"] = "\n".join(to_markdown(table) for table in tables)
    write_texts(folder, contents)


def _table(name: str, title: str, records: Sequence[RaceRecord]) -> Table:
    seeds = sorted({record.seed for record in records})
    left_out = _left_out(records)
    strategies = [
        name for name in dict.fromkeys(r.strategy for r in records) if name not in left_out
    ]
    failed = {
        strategy: {r.seed for r in records if r.strategy == strategy and r.message}
        for strategy in strategies
    }
    # Only seeds that every strategy has count: instances differ, so they are compared in pairs.
    shared = [seed for seed in seeds if not any(seed in lost for lost in failed.values())]
    runners = strategies if shared else []
    beaten = [] if shared else strategies
    found = {strategy: _by_seed(records, strategy, shared) for strategy in runners}
    rng = np.random.default_rng(0)
    groups = tie_groups([found[strategy][:, -1] for strategy in runners], rng=rng)
    ranked = sorted(zip(groups, runners, strict=True), key=lambda one: (one[0], _final(found, one)))
    rows: list[tuple[Value, ...]] = [
        _row(records, strategy, group, found[strategy], len(failed[strategy]))
        for group, strategy in ranked
    ]
    gaps = (None,) * (len(COLUMNS) - 4)
    rows += [(strategy, None, *gaps, len(failed[strategy]), "") for strategy in beaten]
    rows += [(strategy, "n/a", *gaps, 0, note) for strategy, note in left_out.items()]
    caption = _caption(records, len(shared), compared=len(runners), lost=len(beaten))
    return Table(name=name, title=title, caption=caption, columns=COLUMNS, rows=tuple(rows))


def _caption(records: Sequence[RaceRecord], shared: int, *, compared: int, lost: int) -> str:
    landscapes = len({record.landscape for record in records})
    budget = max((len(record.regret) for record in records), default=0)
    each = f" of each of {landscapes} landscapes" if landscapes > 1 else ""
    caption = f"{count(shared, 'instance')}{each}, {count(budget, 'evaluation')}."
    if lost:
        return f"{caption} On no instance every strategy came to its end, so none are compared."
    if not compared:
        return f"{caption} No strategy was run."
    bounds = " with 95% bootstrap intervals over instances" if shared > 1 else ""
    return (
        f"{caption} Mean regret{bounds}; groups by sign-flip tests of paired instances, "
        "Holm-corrected at 5%."
    )


def _left_out(records: Sequence[RaceRecord]) -> dict[str, str]:
    """Why strategies were not run, and on which landscapes where there are several."""
    lacking: dict[str, dict[str, list[str]]] = {}
    for record in records:
        if not record.applicable:
            places = lacking.setdefault(record.strategy, {}).setdefault(record.message, [])
            places += [record.landscape] * (record.landscape not in places)
    several = len({record.landscape for record in records}) > 1
    return {
        strategy: "; ".join(
            f"{reason} ({', '.join(places)})" if several else reason
            for reason, places in reasons.items()
        )
        for strategy, reasons in lacking.items()
    }


def _final(found: dict[str, np.ndarray], one: tuple[int, str]) -> float:
    return float(found[one[1]][:, -1].mean())


def _by_seed(records: Sequence[RaceRecord], strategy: str, seeds: Sequence[int]) -> np.ndarray:
    """Regret at each checkpoint, a row a seed, mean over landscapes."""
    return np.array(
        [
            np.mean(
                [_checkpoints(r) for r in records if r.strategy == strategy and r.seed == seed],
                axis=0,
            )
            for seed in seeds
        ]
    )


def _checkpoints(record: RaceRecord) -> Values:
    budget = len(record.regret)
    return record.regret[[max(budget * percent // 100, 1) - 1 for percent in CHECKPOINTS]]


def _row(
    records: Sequence[RaceRecord], strategy: str, group: int, found: np.ndarray, failed: int
) -> tuple[Value, ...]:
    own = [r for r in records if r.strategy == strategy and not r.message]
    regrets: list[Interval] = [
        bootstrap_interval(column, rng=np.random.default_rng(0)) for column in found.T
    ]
    solved = float(np.mean([record.regret[-1] < _SOLVED for record in own]))
    seconds = float(np.mean([record.seconds for record in own]))
    return (strategy, group, *regrets, solved, seconds, failed, "")
