from pathlib import Path

import click


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
def report(folder: Path) -> None:
    """Write and print the report of the run in FOLDER, finished or not."""
    from contextlib import closing

    from rich.console import Console

    from benchmark.folder import RunFolder, read_records
    from reports.report import Report

    with closing(RunFolder(folder).open()) as store:
        made = Report(read_records(store))
    made.write(folder)
    made.print(Console())
