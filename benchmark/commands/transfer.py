from pathlib import Path
from typing import Any

import click

from benchmark.basics import bounds
from benchmark.commands import options
from benchmark.commands.session import equipped
from benchmark.commands.worker_options import WorkerOptions


@click.command()
@click.argument("source", type=click.Path(path_type=Path))
@options.setting("task", required=True, help="Task to carry the scheme to.")
@options.settings("data")
@click.option("--source-data", type=click.Path(path_type=Path), help="Files of the source task.")
@options.settings("task_options", "skip_broken", "standalone")
@options.settings(standalone_seeds="--seeds", standalone_epochs="--epochs")
@options.number(
    "--candidates",
    allowed=bounds.FURTHER,
    default=0,
    show_default=True,
    help="So many more schemes that the run trained, for the rank correlation.",
)
@click.option("--scheme", "schemes", multiple=True, help="A further scheme; repeatable.")
@click.option("--schemes", "listed", type=click.Path(path_type=Path), help="File, one a line.")
@options.settings("confidence", "data_seed", "device", "smoke")
@click.option(
    "--out",
    type=options.OUTPUT_FOLDER,
    help=options.otherwise("Folder.", "runs/transfer-SOURCE-TASK-HASH"),
)
@options.paper
@options.cache
@options.worker_options
def transfer(
    source: Path,
    source_data: Path | None,
    candidates: int,
    schemes: tuple[str, ...],
    listed: Path | None,
    *,
    out: Path | None,
    paper: Path | None,
    cache: Path | None,
    worker_options: WorkerOptions,
    **values: Any,
) -> None:
    """Carry the scheme of SOURCE, a run's folder or a ticket file, to another task.

    Original, Full-SA, Full-Share and the ticket are trained on the source task and, from
    these weights, on the target. The same command again goes on where it stopped.
    """
    from benchmark.commands.consoles import console_of
    from benchmark.planning.settings import Settings

    settings = Settings(**options.given_values(values))
    console = console_of(stderr=True)
    with equipped(console, cache, worker_options) as (shared, workers, live):
        from benchmark.studies.chosen_schemes import listed_schemes
        from benchmark.studies.source import read_source
        from benchmark.studies.transfer import default_folder
        from benchmark.studies.transfer import transfer as carry

        known = read_source(source)
        best = known.best(candidates)
        if len(best) < candidates:
            said = f"{source} trained {len(best)} other candidates, fewer than {candidates}: all go"
            click.echo(said, err=True)
        more = [*best, *schemes]
        records = carry(
            known,
            settings,
            out=out,
            cache=shared,
            workers=workers,
            source_data=source_data,
            schemes=[*more, *(listed_schemes(listed) if listed else ())],
            command=options.command_line(click.get_current_context()),
            progress=live,
        )
    from reports.pages.transfer_page import (
        rank_table,
        transfer_sentences,
        transfer_table,
        write_transfer,
    )
    from reports.tables.terminal import TerminalTable

    folder = out or default_folder(source, settings.task, records.experiment)
    page = write_transfer(records, folder)[0]
    if paper is not None:
        from reports.paper.folder import write_transfer_paper

        write_transfer_paper(records, paper)
    shown = console_of()
    for sentence in transfer_sentences(records):
        shown.print(f"• {sentence}", markup=False, highlight=False)
    for table in (transfer_table(records), rank_table(records)):
        if table.rows:
            shown.print()
            shown.print(TerminalTable(table.shown()))
    shown.print(f"Report: {page}", markup=False, highlight=False)
