from pathlib import Path
from typing import Any

import click

from benchmark.commands import options


@click.command()
@click.argument("folders", metavar="RUN RUN...", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--mix",
    metavar="KINDS",
    help="Compare all the same what differs in splits, objectives, budgets or code.",
)
@options.settings("verdict", "confidence")
@click.option(
    "--out", type=options.OUTPUT_FOLDER, help=options.otherwise("Folder.", "runs/compare-HASH")
)
@options.paper
def compare(
    folders: tuple[Path, ...],
    mix: str | None,
    out: Path | None,
    paper: Path | None,
    **values: Any,
) -> None:
    """Compare the runs in several folders, finished or not, in one page and one table.

    Tasks, networks and machines may differ; strategies are ranked in every cell (supernet and
    seed) that has them all. Runs are only read.
    """
    from benchmark.basics.identity import content_hash
    from benchmark.commands.consoles import console_of
    from benchmark.studies.reading import compare_runs

    mixed = options.split_names(mix)
    chosen = options.filled(values)
    judged = {"rule": chosen["verdict"], "confidence": chosen["confidence"]}
    made = compare_runs(*folders, mix=mixed, **judged)
    members = made.comparison.members
    runs = sorted(member.records.experiment for member in members)
    identity = content_hash(runs=runs, mix=sorted(mixed), **judged)
    place = out or Path("runs") / f"compare-{identity[:8]}"
    made.write(place)
    if paper is not None:
        made.write_paper(paper)
    made.print(console_of())
    click.echo(f"{place / 'compare.html'}")
