from typing import Any

import click

from benchmark.networks.registry import ATTENTIONS


@click.command()
@click.option("--backbone", help="resnet26-thin, resnet38, resnet164, resnet50, …")
@click.option("--attention", default="se", help=f"{', '.join(ATTENTIONS)}.  [default: se]")
@click.option("--sharing", default="full", help="full or share.  [default: full]")
@click.option(
    "--scheme",
    default="full",
    help="full, none, bits (1100|0010) or an integer a stage (12,2).  [default: full]",
)
@click.option("--task", help="Its images and classes.  [default: those of the backbone's paper]")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def describe(*, as_json: bool, **options: Any) -> None:
    """Count parameters, FLOPs and attention modules of the network of a scheme."""
    from benchmark.studies.describe import describe_network

    description = describe_network(**options)
    click.echo(description.json() if as_json else description.text())
