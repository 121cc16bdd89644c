"""The command that a report names for its repetition."""

import click

from benchmark.commands.options import command_line
from benchmark.commands.transfer import transfer


def test_a_recorded_command_leaves_places_of_results_out() -> None:
    given = ["runs/one", "--task", "digits-voc", "--seeds", "2", "--smoke"]
    places = [
        "--out",
        "here",
        "--paper",
        "paper",
        "--cache",
        "kept",
        "--workers",
        "2",
        "--ray",
        "auto",
    ]
    context = transfer.make_context("transfer", [*given, *places])
    assert isinstance(context, click.Context)
    said = command_line(context)
    assert said == f"python -m benchmark transfer {' '.join(given)}"
