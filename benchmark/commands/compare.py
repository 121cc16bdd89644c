from collections import Counter
from hashlib import sha256
from pathlib import Path
from typing import Any

import click

from benchmark.commands import options
from benchmark.errors import UsageError


@click.command()
@click.argument("folders", metavar="RUN RUN...", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--mix",
    metavar="KINDS",
    help="Compare all the same what differs in splits, objectives, budgets or code.",
)
@click.option("--verdict", "rule", type=click.Choice(["interval", "paper"]), default="interval")
@click.option(
    "--confidence", type=click.FloatRange(0, 1, min_open=True, max_open=True), default=0.95
)
@click.option(
    "--out", type=click.Path(path_type=Path), help="Folder.  [default: runs/compare-RUNS]"
)
@options.paper
def compare(
    folders: tuple[Path, ...],
    mix: str | None,
    out: Path | None,
    paper: Path | None,
    **judged: Any,
) -> None:
    """Compare the runs in several folders, finished or not, in one page and one table.

    Tasks, networks and machines may differ; strategies are ranked in every cell (supernet and
    seed) that has them all. Runs are only read.
    """
    from rich.console import Console

    from benchmark.folder import view_records
    from reports.compared import ComparisonReport
    from reports.mixing import Member

    if len(folders) < 2:  # noqa: PLR2004 - a comparison takes two
        raise UsageError(f"expected two runs or more to compare, received {len(folders)}")
    labels = run_labels(folders)
    members = [
        Member(label, view_records(folder)) for label, folder in zip(labels, folders, strict=True)
    ]
    made = ComparisonReport(members, allowed=options.split_names(mix), **judged)
    identity = "".join(sorted(member.records.experiment for member in members))
    place = out or Path("runs") / f"compare-{sha256(identity.encode()).hexdigest()[:8]}"
    made.write(place)
    if paper is not None:
        made.write_paper(paper)
    made.print(Console())
    click.echo(f"{place / 'compare.html'}")


def run_labels(folders: tuple[Path, ...]) -> list[str]:
    """Names of the folders, with as many of their parents as tell them apart.

    Raises:
        UsageError: a folder is named twice.
    """
    whole = [folder.resolve() for folder in folders]
    twice = [folder for folder, number in Counter(whole).items() if number > 1]
    if twice:
        raise UsageError(f"{twice[0]} is named twice")
    depth = 1
    while len({path.parts[-depth:] for path in whole}) < len(whole):
        depth += 1
    return ["/".join(path.parts[-depth:]) for path in whole]
