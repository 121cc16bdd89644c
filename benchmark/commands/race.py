import sys
from pathlib import Path
from typing import Any

import click

from benchmark.commands import options
from benchmark.commands.session import stoppable


@click.command()
@click.option("--strategies", help="Names, separated by commas.  [default: all]")
@click.option("--landscapes", help="Names, separated by commas.  [default: all]")
@click.option("--blocks", type=click.IntRange(min=1), default=24, show_default=True)
@click.option("--budget", type=click.IntRange(min=10), default=300, show_default=True)
@click.option("--seeds", type=click.IntRange(min=2), default=20, show_default=True)
@click.option("--out", type=click.Path(path_type=Path), help="Folder for race.md and CSV files.")
@options.workers
def race(strategies: str | None, landscapes: str | None, out: Path | None, **values: Any) -> None:
    """Compare strategies on known landscapes, whose optimum is known.

    No network is trained: minutes say which search finds most at equal budget.
    """
    from rich.console import Console

    from benchmark.landscapes import LANDSCAPES
    from strategies.registry import STRATEGIES

    console = Console(stderr=True)
    with stoppable(console):
        from benchmark.race import run_race
        from reports.race import race_tables, write_race

        records = run_race(
            strategies=options.split_names(strategies) or tuple(STRATEGIES),
            landscapes=options.split_names(landscapes) or tuple(LANDSCAPES),
            console=console,
            **values,
        )
        tables = race_tables(records)
    if out:
        write_race(tables, out)
    from reports.table import to_rich

    for table in tables:
        Console().print(to_rich(table))
    failures = [record for record in records if record.message]
    for record in failures:
        lane = f"{record.strategy} on {record.landscape}, seed {record.seed}"
        console.print(f"{lane} failed: {record.message}", markup=False)
    if failures:
        sys.exit(1)
