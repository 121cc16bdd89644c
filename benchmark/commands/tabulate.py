from pathlib import Path
from typing import Any

import click

from benchmark.basics import bounds
from benchmark.commands import options
from benchmark.commands.session import equipped
from benchmark.commands.worker_options import WorkerOptions


@click.command()
@options.settings("task", "data", "backbone", "attention", "sharing", "retain", "batch_norm")
@options.settings("supernet_epochs", "seed", "data_seed", "device")
@options.settings("oracle_dtype", "oracle_kernels", "oracle_memory")
@options.config
@click.option(
    "--out", type=options.OUTPUT_FILE, help=options.otherwise("The table.", "TASK.parquet")
)
@options.cache
@options.worker_options
@options.number(
    "--times",
    allowed=bounds.FURTHER,
    default=0,
    show_default=True,
    help="Schemes of each number of connections whose inference is timed.",
)
@click.option("--force", is_flag=True, help="Score more than 2^16 schemes too, up to 2^24.")
def tabulate(
    config: Path | None,
    out: Path | None,
    cache: Path | None,
    worker_options: WorkerOptions,
    *,
    times: int,
    force: bool,
    **values: Any,
) -> None:
    """Score every scheme of a supernet and write the landscape as Parquet.

    Beside it come a page and CSV files that explain it: accuracy, parameters and, with
    --times, inference time by connection ratio, and which blocks tickets connect.
    Strategies search the table with: run --oracle TABLE. The same command again goes on
    where it stopped.
    """
    from benchmark.commands.consoles import console_of

    settings = options.read_settings(config, values)
    path = Path(f"{settings.task}.parquet") if out is None else out
    console = console_of(stderr=True)
    with equipped(console, cache, worker_options) as (shared, workers, live):
        from benchmark.studies.tabulation import tabulate as tabulate_landscape

        table = tabulate_landscape(
            settings,
            cache=shared,
            workers=workers,
            command=options.command_line(click.get_current_context()),
            progress=live,
            times=times,
            force=force,
        )
    table.write(path)
    from benchmark.studies.tabulation import explain_table

    written = ", ".join(str(part) for part in explain_table(table, path))
    console.print(f"Explained in {written}")
    console.print(f"{len(table.schemes):,} schemes in {path} (oracle {table.identity})")
