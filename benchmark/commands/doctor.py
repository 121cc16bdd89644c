import json
import sys
from pathlib import Path

import click

from benchmark.commands import options


@click.command()
@click.argument("runs", nargs=-1, metavar="[RUN]…", type=click.Path(path_type=Path))
@options.setting("task", help="Look at the data of this task too.")
@options.settings("data")
@options.cache
@options.as_json
def doctor(
    runs: tuple[Path, ...],
    task: str | None,
    data: Path | None,
    cache: Path | None,
    *,
    as_json: bool,
) -> None:
    """Look over installation, devices, data and stores, and say what to do.

    RUN is the folder of a run. Exit code 0 if nothing is wrong, 1 otherwise.
    """
    from dataclasses import asdict

    from benchmark.basics.errors import UsageError
    from benchmark.doctor.data import data as look_at_data
    from benchmark.doctor.installation import installation
    from benchmark.doctor.stores import cache as look_at_cache
    from benchmark.doctor.stores import run_folder
    from benchmark.studies.cache import default_cache

    if data is not None and task is None:
        raise UsageError("--data needs the task that it belongs to: --task NAME")
    shared = default_cache() if cache is None else cache
    findings = [*installation(), *look_at_cache(shared)]
    if task is not None:
        findings.append(look_at_data(task, data, shared))
    findings += [finding for folder in runs for finding in run_folder(folder)]
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in findings], ensure_ascii=False))
    else:
        click.echo("\n".join(finding.line() for finding in findings))
    if any(finding.state == "problem" for finding in findings):
        sys.exit(1)
