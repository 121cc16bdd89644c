import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from benchmark.basics import bounds
from benchmark.basics.errors import UsageError
from benchmark.commands import options
from benchmark.commands.session import stoppable
from benchmark.commands.worker_options import WorkerOptions
from benchmark.records.kinds import KNOWN_BLOCKS

if TYPE_CHECKING:
    from reports.tables.table import Table

_TRIALS = 30


@click.command()
@options.setting(
    "strategies",
    help=options.otherwise(
        "Names or FILE.py:CLASS, separated by commas; all: every one that needs no extra.", "all"
    ),
)
@options.settings("set")
@click.option("--landscapes", help=options.otherwise("Names, separated by commas.", "all"))
@options.number("--blocks", allowed=bounds.BLOCKS, default=KNOWN_BLOCKS, show_default=True)
@options.number("--budget", allowed=bounds.LATE, default=300, show_default=True)
@options.number("--seeds", allowed=bounds.SEVERAL, default=20, show_default=True)
@click.option("--tune", help="Strategies whose hyper-parameters to tune, instead of racing.")
@options.number(
    "--trials", allowed=bounds.SEVERAL, help=options.otherwise("Settings to try.", _TRIALS)
)
@click.option(
    "--out",
    type=options.OUTPUT_FOLDER,
    help="Folder for tables and finished searches, which are not repeated.",
)
@options.settings("ask_timeout")
@options.worker_options
def race(
    strategies: str | None,
    landscapes: str | None,
    tune: str | None,
    *,
    trials: int | None,
    out: Path | None,
    worker_options: WorkerOptions,
    **values: Any,
) -> None:
    """Compare strategies on known landscapes, whose optimum is known.

    No network is trained: minutes say which search finds most at equal budget. With --tune
    Optuna looks for better hyper-parameters on other instances of the landscapes; the race's
    own then say what was gained.
    """
    from benchmark.commands.consoles import console_of
    from benchmark.oracle.known import LANDSCAPES
    from benchmark.plugins.overrides import read_overrides

    if tune and strategies:
        raise UsageError("--tune names the strategies itself; leave --strategies out")
    if trials and not tune:
        raise UsageError("--trials has no effect without --tune")
    values["overrides"] = read_overrides(values.pop("set"))
    values["landscapes"] = options.names_or("--landscapes", landscapes, LANDSCAPES)
    if values["ask_timeout"] is None:
        del values["ask_timeout"]
    values["out"] = out
    console = console_of(stderr=True)
    with stoppable(console, keeps=out is not None):
        from benchmark.watching.live import LiveProgress

        values["progress"] = live = LiveProgress(console)
        values["workers"] = worker_options.assembled()
        with live.bars:
            if tune:
                tables, remarks, failed = _tuned(tune, trials or _TRIALS, values)
            else:
                tables, remarks, failed = _raced(strategies, values)
    _show(tables, out, "tuning" if tune else "race")
    for line in remarks:
        console.print(line, markup=False, highlight=False)
    if failed:
        sys.exit(1)


_Outcome = tuple[Sequence["Table"], list[str], bool]
"""Tables, remarks below them, and whether a search failed."""


def _raced(strategies: str | None, values: dict[str, Any]) -> _Outcome:
    from benchmark.studies.race import run_race
    from reports.pages.race_page import race_tables
    from strategies.registry import COMPARATORS, STRATEGIES

    every = [name for name in STRATEGIES if name not in COMPARATORS]
    names: list[str] = []
    for name in options.names_or("--strategies", strategies, ["all"]):
        names += every if name == "all" else [name]
    records = run_race(strategies=names, **values)
    remarks = [
        f"{r.strategy} on {r.landscape}, seed {r.seed} failed: {r.message}"
        if r.applicable
        else f"{r.strategy} on {r.landscape}: n/a, {r.message}"
        for r in records
        if r.message
    ]
    failed = any(record.message and record.applicable for record in records)
    return race_tables(records), list(dict.fromkeys(remarks)), failed


def _tuned(names: str, trials: int, values: dict[str, Any]) -> _Outcome:
    from benchmark.studies.tune import tune
    from reports.pages.tuning import tuning_tables

    tunings = tune(strategies=options.names_or("--tune", names, ()), trials=trials, **values)
    return tuning_tables(tunings), [tuning.advice() for tuning in tunings], False


def _show(tables: Sequence["Table"], out: Path | None, name: str) -> None:
    from benchmark.commands.consoles import console_of
    from reports.pages.race_page import write_tables
    from reports.tables.terminal import TerminalTable

    if out:
        write_tables(tables, out, name=name)
    for table in tables:
        console_of().print(TerminalTable(table))
