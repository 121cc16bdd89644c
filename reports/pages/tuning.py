"""What tuning found, cost and brings, as a table."""

from collections.abc import Sequence

from benchmark.records.run import TuningRecord
from reports.tables.formats import count, words
from reports.tables.table import Column, Table

_REGRET = "Accuracy that the best scheme lacks to the optimum, on instances not tuned on"
COLUMNS = (
    Column("strategy", "strategy", "Name of the strategy."),
    Column(
        "trials",
        "trials",
        "Settings that were tried, defaults included.",
        kind="whole",
        terminal=False,
    ),
    Column(
        "failed",
        "failed",
        "Settings it could not run with.",
        kind="whole",
        terminal=False,
        optional=True,
    ),
    Column(
        "evaluations",
        "cost",
        "Budget of all searches of the tuning together.",
        unit="evaluations",
        kind="whole",
    ),
    Column(
        "seconds",
        "time",
        "Wall time of the tuning.",
        unit="s",
        kind="number",
        digits=1,
        timing=True,
    ),
    Column(
        "default_regret",
        "default regret",
        f"{_REGRET}.",
        unit="points",
        kind="number",
        scale=100,
    ),
    Column(
        "tuned_regret",
        "tuned regret",
        f"{_REGRET}, with the best settings.",
        unit="points",
        kind="number",
        scale=100,
    ),
    Column(
        "gain",
        "gain",
        "Mean of the paired differences.",
        unit="points",
        kind="signed",
        interval=True,
        scale=100,
    ),
    Column("settings", "settings", "The best, as options.", terminal=False),
)


def tuning_tables(tunings: Sequence[TuningRecord]) -> list[Table]:
    """A table with one row a tuned strategy: what tuning took, and what it gained."""
    one = tunings[0]
    bounds = ", with a 95% bootstrap interval over instances" if one.seeds > 1 else ""
    caption = (
        f"{count(one.trials, 'setting')}, tuned on {count(one.seeds, 'instance')} of "
        f"{words(one.landscapes)}; gain on {count(one.seeds, 'other')} of each{bounds}."
    )
    rows = tuple(
        (
            tuning.strategy,
            tuning.trials,
            tuning.failed,
            tuning.evaluations,
            tuning.seconds,
            tuning.default_regret,
            tuning.tuned_regret,
            tuning.gain,
            tuning.advice(),
        )
        for tuning in tunings
    )
    return [Table(name="tuning", title="Tuning", caption=caption, columns=COLUMNS, rows=rows)]
