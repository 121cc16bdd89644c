from typing import Any

import click

from benchmark.commands import options


@click.command()
@options.settings("backbone", "attention", "sharing")
@click.option(
    "--scheme",
    default="full",
    show_default=True,
    help="full, none, bits (1100|0010) or an integer a stage (12,2).",
)
@options.setting(
    "task",
    help=options.otherwise("Its images and classes.", "those of the backbone's paper"),
)
@options.settings("task_options")
@options.as_json
def describe(*, as_json: bool, scheme: str, task: str | None, **values: Any) -> None:
    """Count parameters, FLOPs and attention modules of the network of a scheme."""
    from benchmark.studies.describe import describe_network

    description = describe_network(scheme=scheme, task=task, **options.filled(values))
    click.echo(description.json() if as_json else description.text())
