from pathlib import Path

import click

from benchmark.basics.errors import UsageError
from benchmark.commands import options


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@options.setting("verdict", help="Instead of the run's.")
@click.option("--out", type=options.OUTPUT_FOLDER, help="Another folder for its files.")
@options.paper
def report(folder: Path, verdict: str | None, out: Path | None, paper: Path | None) -> None:
    """Write and print the report of the run in FOLDER, finished or not.

    The run may be at work meanwhile, and FOLDER read-only: then the report is printed only,
    unless --out names another folder. Ticket files beside the report follow its --verdict.
    FOLDER may also be a table that tabulate wrote: it is explained anew.
    """
    from contextlib import closing
    from dataclasses import replace

    from benchmark.commands.consoles import console_of

    if folder.suffix == ".parquet":
        if paper is not None:
            raise UsageError("--paper needs the folder of a run; a table is explained beside it")
        from benchmark.oracle.answers_file import read_table
        from benchmark.studies.tabulation import explain_table

        for path in explain_table(read_table(folder), folder):
            click.echo(path)
        return
    from benchmark.storage.folder import RunFolder, read_records
    from benchmark.studies.ticket_rule import judge_files
    from reports.numbers.tickets import FOLDER
    from reports.pages.report import Report

    with closing(RunFolder(folder).view()) as store:
        records = read_records(store)
    if verdict is not None:
        records = replace(records, settings=records.settings | {"verdict": verdict})
    made = Report(records)
    try:
        made.write(out or folder)
        kept, rule = folder / FOLDER, made.analysis.rule
        for problem in judge_files(kept, rule, kept if out is None else out / FOLDER):
            click.echo(problem, err=True)
    except OSError as error:
        if out is not None:
            raise
        click.echo(
            f"The report's files can't be written ({error}); --out FOLDER puts them elsewhere.",
            err=True,
        )
    if paper is not None:
        made.write_paper(paper)
    made.print(console_of())
