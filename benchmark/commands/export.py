from pathlib import Path
from typing import Any

import click

from benchmark.basics import bounds
from benchmark.basics.errors import UsageError
from benchmark.commands import options
from benchmark.commands.session import equipped
from benchmark.commands.worker_options import WorkerOptions


@click.command()
@click.argument("source", metavar="TICKET|RUN", type=click.Path(path_type=Path))
@click.option(
    "--to",
    "target",
    type=click.Choice(["torch", "onnx"]),
    default="torch",
    show_default=True,
    help="torch.export program, or ONNX (needs the extra `onnx`).",
)
@click.option("--out", type=options.OUTPUT_FILE, help=options.otherwise("The file.", "TICKET.pt2"))
@options.number(
    "--seed",
    "training_seed",
    allowed=bounds.SEED,
    help=options.otherwise("Training.", "the ticket's first"),
)
@click.option(
    "--optuna",
    type=options.OUTPUT_FILE,
    help="Write a run's searches as Optuna studies: SQLite, or Optuna's journal (.log).",
)
@click.option(
    "--tensorboard",
    type=options.OUTPUT_FOLDER,
    help="Write a run's searches as curves for TensorBoard into a folder.",
)
@options.settings("data", "device")
@options.cache
def export(
    source: Path,
    optuna: Path | None,
    tensorboard: Path | None,
    **values: Any,
) -> None:
    """Write a ticket's network, or a run's searches, for other programs.

    The network of the file TICKET is trained once more and runs without us: attention modules
    that it doesn't use are left out, batches may have any size. The searches of the folder RUN,
    finished or not, become Optuna studies (open them with optuna-dashboard) or TensorBoard's
    curves.
    """
    if optuna is not None or tensorboard is not None:
        _export_run(source, optuna, tensorboard)
    elif source.is_dir():
        raise UsageError(
            f"{source} is a folder: say --optuna FILE or --tensorboard FOLDER to export a run's "
            f"searches, or name one of its tickets (in {source / 'tickets'})"
        )
    else:
        _export_ticket(source, **values)


def _export_run(folder: Path, studies: Path | None, curves: Path | None) -> None:
    from benchmark.commands.consoles import console_of
    from benchmark.storage.folder import view_records
    from benchmark.watching.live import LiveProgress

    records = view_records(folder)
    live = LiveProgress(console_of(stderr=True))
    with live.bars:
        if studies is not None:
            from reports.export.optuna import address, write_studies

            total = sum(len(lane.schemes) for lane in records.lanes)
            with live.stage("Writing studies", total, "trials") as advance:
                number = write_studies(records, studies, on_trial=advance)
            click.echo(f"{studies}: {number} studies; optuna-dashboard {address(studies)}")
        if curves is not None:
            from reports.export.tensorboard import write_search_curves

            with live.stage("Writing curves", len(records.lanes), "lanes") as advance:
                write_search_curves(records, curves, on_lane=advance)
            click.echo(f"{curves}: tensorboard --logdir {curves} shows them")


def _export_ticket(
    ticket: Path,
    *,
    target: str,
    out: Path | None,
    training_seed: int | None,
    cache: Path | None,
    **values: Any,
) -> None:
    from benchmark.commands.consoles import console_of

    console = console_of(stderr=True)
    with equipped(console, cache, WorkerOptions(1)) as (shared, _, live):
        from benchmark.records.ticket import read_ticket
        from benchmark.studies.export import TARGETS, export_ticket

        made = export_ticket(
            read_ticket(ticket),
            target,
            ticket.with_suffix(TARGETS[target]) if out is None else out,
            cache=shared.path.parent,
            seed=training_seed,
            progress=live,
            **options.given_values(values),
        )
    click.echo(f"{made.path}: seed {made.seed}, test accuracy {made.accuracy:.2%}")
    if made.stated is not None:
        same = "the same" if made.stated == made.accuracy else f"{made.stated:.2%}, another machine"
        click.echo(f"in the ticket: {same}")
    if made.difference is None:
        click.echo("not compared with the network: onnxruntime is not installed")
    else:
        click.echo(f"outputs equal the network's to {made.difference:.1g}")
