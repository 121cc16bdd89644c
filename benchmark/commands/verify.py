import sys
from pathlib import Path
from typing import Any

import click

from benchmark.basics import bounds
from benchmark.commands import options
from benchmark.commands.session import equipped
from benchmark.commands.worker_options import WorkerOptions

_CODES = {"holds": 0, "doesn't hold": 1, "can't be checked": 2}


@click.command()
@click.argument("ticket", type=click.Path(path_type=Path))
@options.settings("data")
@options.number(
    "--seeds",
    "fresh",
    allowed=bounds.COUNT,
    help="Try it with so many fresh seeds instead of repeating the ticket's.",
)
@click.option("--quick", is_flag=True, help="Repeat only the first seed, time briefly.")
@options.settings("device")
@options.cache
@options.worker_options
def verify(
    ticket: Path,
    cache: Path | None,
    worker_options: WorkerOptions,
    *,
    fresh: int | None,
    quick: bool,
    **values: Any,
) -> None:
    """Repeat the evidence of the file TICKET on this machine and say whether it holds.

    Exit code 0: it holds; 1: it doesn't; 2: it can't be checked. The same command again
    goes on where it stopped.
    """
    from benchmark.commands.consoles import console_of

    console = console_of(stderr=True)
    with equipped(console, cache, worker_options) as (shared, workers, live):
        from benchmark.records.ticket import read_ticket
        from benchmark.studies.verification import verify as verify_ticket

        known = read_ticket(ticket)
        found = verify_ticket(
            known,
            cache=shared,
            workers=workers,
            progress=live,
            fresh=fresh,
            quick=quick,
            **options.given_values(values),
        )
    from reports.pages.verification import verification_table
    from reports.tables.terminal import TerminalTable

    shown = console_of()
    if found.comparisons:
        shown.print(TerminalTable(verification_table(known, found)))
    click.echo(f"{ticket} {found.outcome}: {found.reason}")
    sys.exit(_CODES[found.outcome])
