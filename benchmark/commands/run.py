import sys
from pathlib import Path
from typing import Any

import click

from benchmark.commands import options
from benchmark.commands.session import served, stoppable
from benchmark.commands.worker_options import WorkerOptions


@click.command()
@options.settings()
@click.option("--dry-run", is_flag=True, help="Print the plan with an estimate, run nothing.")
@options.config
@click.option("--out", type=options.OUTPUT_FOLDER, help="Folder of the run.")
@options.cache
@options.worker_options
@options.serve
def run(
    config: Path | None,
    worker_options: WorkerOptions,
    *,
    dry_run: bool,
    serve: int | None,
    **values: Any,
) -> None:
    """Compare strategies: search, train what they find, write the report.

    The same command again goes on where it stopped. Flags win over the TOML file.
    """
    from benchmark.commands.consoles import console_of

    places = {name: values.pop(name) for name in ("out", "cache")}
    settings = options.read_settings(config, values)
    if dry_run or settings.recipe:
        from benchmark.studies.oracle_source import source_class

        shown = console_of(stderr=not dry_run)
        source_class(settings).print_plan(settings, shown, cache=places["cache"])
    if dry_run:
        return
    console = console_of(stderr=True)
    with stoppable(console):
        from benchmark.studies.experiment import run as run_experiment
        from benchmark.watching.live import LiveProgress

        live = LiveProgress(console)
        with served(serve, console) as show, live.bars:
            workers = worker_options.assembled()
            report = run_experiment(
                settings, **places, workers=workers, progress=live, on_folder=show
            )
    report.print(console_of())
    lanes = report.records.lanes
    for lane in lanes:
        seeds = f"seed {lane.key.strategy_seed}, supernet {lane.key.supernet_seed}"
        if lane.state == "failed":
            click.echo(f"{lane.key.strategy} ({seeds}) failed: {lane.message}", err=True)
        if lane.opened:
            click.echo(f"{lane.key.strategy} ({seeds}) opened {', '.join(lane.opened)}", err=True)
    if any(lane.state == "failed" for lane in lanes):
        sys.exit(1)
