from pathlib import Path
from typing import Any

import click

from benchmark.commands import options
from benchmark.commands.session import equipped


@click.command()
@click.argument("ticket", type=click.Path(path_type=Path))
@click.option(
    "--to",
    "target",
    type=click.Choice(["torch", "onnx"]),
    default="torch",
    show_default=True,
    help="torch.export program, or ONNX (needs the extra `onnx`).",
)
@click.option("--out", type=click.Path(path_type=Path), help="The file.  [default: TICKET.pt2]")
@click.option(
    "--seed",
    "training_seed",
    type=click.IntRange(min=0),
    help="Training.  [default: the ticket's first]",
)
@options.data
@options.device
@options.cache
def export(
    ticket: Path,
    target: str,
    out: Path | None,
    training_seed: int | None,
    cache: Path | None,
    **values: Any,
) -> None:
    """Train the network of the file TICKET and write it as a file that runs without us.

    Attention modules that it doesn't use are left out; batches may have any size.
    """
    from rich.console import Console

    console = Console(stderr=True)
    with equipped(console, cache, None) as (shared, _, live):
        from benchmark.export import TARGETS, export_ticket
        from benchmark.ticket import read_ticket

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
