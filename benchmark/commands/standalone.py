from pathlib import Path
from typing import Any

import click

from benchmark.basics.errors import UsageError
from benchmark.commands import options
from benchmark.commands.session import equipped
from benchmark.commands.worker_options import WorkerOptions


@click.command()
@click.option("--scheme", "schemes", multiple=True, help="Bits, full or none; repeatable.")
@click.option("--schemes", "listed", type=click.Path(path_type=Path), help="File, one a line.")
@options.settings(standalone_seeds="--seeds")
@options.settings("task", "data", "backbone", "attention", "sharing", standalone_epochs="--epochs")
@options.settings("confidence", "verdict", "best_epoch", "seed", "data_seed", "device")
@options.config
@click.option("--out", type=options.OUTPUT_FILE, help="JSON file for every training.")
@click.option(
    "--tickets",
    type=options.OUTPUT_FOLDER,
    help="Judge each scheme (against Full-SA, which is trained too), write ticket files here.",
)
@options.cache
@options.worker_options
def standalone(
    schemes: tuple[str, ...],
    listed: Path | None,
    config: Path | None,
    *,
    out: Path | None,
    tickets: Path | None,
    cache: Path | None,
    worker_options: WorkerOptions,
    **values: Any,
) -> None:
    """Train schemes from scratch, several seeds each, and say how well they do.

    The same command again goes on where it stopped.
    """
    from benchmark.commands.consoles import console_of

    settings = options.read_settings(config, values)
    console = console_of(stderr=True)
    with equipped(console, cache, worker_options) as (shared, workers, live):
        from benchmark.studies.chosen_schemes import judge_schemes, listed_schemes, train_schemes

        wanted = [*schemes, *(listed_schemes(listed) if listed else ())]
        if not wanted:
            raise UsageError("nothing to train: name schemes with --scheme or --schemes FILE")
        if tickets is not None:
            wanted += ["none", "full"]
        evidence = train_schemes(
            settings,
            wanted,
            cache=shared,
            workers=workers,
            command=options.command_line(click.get_current_context()),
            progress=live,
        )
        judged = (
            judge_schemes(settings, evidence, cache=shared, progress=live)
            if tickets is not None
            else []
        )
    from reports.pages.evidence import standalone_table
    from reports.tables.terminal import TerminalTable

    if out is not None:
        evidence.write(out)
    shown = console_of()
    shown.print(TerminalTable(standalone_table(evidence, settings.confidence).shown()))
    if tickets is not None:
        from benchmark.studies.tickets import write_tickets

        for ticket, path in zip(judged, write_tickets(judged, tickets), strict=True):
            shown.print(f"{path}: {ticket.claim.sentence}", markup=False, highlight=False)
