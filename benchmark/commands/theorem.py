from pathlib import Path
from typing import Any

import click

from benchmark.basics import bounds
from benchmark.commands import options


@click.command()
@click.option("--widths", default="8,16,32,64,128,256,512,1024,2048", show_default=True)
@click.option("--epsilon", "epsilons", default="0.2,0.5,1", show_default=True, help="Tolerances.")
@options.number(
    "--draws", allowed=bounds.COUNT, default=400, show_default=True, help="Networks of each width."
)
@options.number(
    "--inputs", allowed=bounds.COUNT, default=4, show_default=True, help="Size of an input."
)
@options.number(
    "--delta",
    allowed=bounds.INSIDE,
    default=0.05,
    show_default=True,
    help="Chance of failure allowed.",
)
@options.number("--seed", allowed=bounds.SEED, default=0, show_default=True)
@click.option(
    "--out",
    default=Path("runs/theorem"),
    show_default=True,
    type=options.OUTPUT_FOLDER,
    help="Folder for the page, the figure and the numbers.",
)
def theorem(widths: str, epsilons: str, out: Path, **values: Any) -> None:
    """Try Theorem 1 of the paper: how often can a wide network spare a hidden neuron?"""
    from benchmark.commands.consoles import console_of
    from benchmark.studies.theorem import try_theorem

    records = try_theorem(
        widths=options.numbers("--widths", widths, bounds.COUNT),
        epsilons=options.numbers("--epsilon", epsilons, bounds.POSITIVE),
        **values,
    )
    from reports.pages.theorem_page import theorem_table, theorem_words, write_theorem
    from reports.tables.terminal import TerminalTable

    given = {"inputs": values["inputs"], "delta": values["delta"]}
    console = console_of()
    console.print(TerminalTable(theorem_table(records, **given)))
    console.print(theorem_words(records, inputs=values["inputs"]), highlight=False)
    console.print(f"Report: {write_theorem(records, out, **given)[0]}", highlight=False)
