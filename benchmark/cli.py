"""The command line: a thin layer over `benchmark.run`. Heavy imports are inside commands."""

import multiprocessing
import os
import signal
import sqlite3
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from benchmark import __version__
from benchmark.errors import BenchmarkError, UsageError
from tasks.errors import DataError

_USAGE = 2
_STOPPED = 130  # 128 + SIGINT, as shells count


class _Commands(click.Group):
    """Turns our exceptions into one line and an exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (UsageError, DataError) as error:
            raise _failure(error, code=_USAGE) from error
        except OSError as error:
            # A path that can't be made, read or written: theirs to change.
            raise _failure(error, code=_USAGE) from error
        except (BenchmarkError, FloatingPointError, sqlite3.Error) as error:
            raise _failure(error, code=1) from error


class _UsageFailure(click.ClickException):
    exit_code = _USAGE


def _failure(error: Exception, *, code: int) -> click.ClickException:
    failure = _UsageFailure if code == _USAGE else click.ClickException
    return failure(" ".join(str(error).split()))


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="ticket-benchmark")
def main() -> None:
    """Which blocks of a CNN should get an attention module, and how best to find out?"""


@main.command()
@click.option("--strategies", help="Names, separated by commas.  [default: ean,ga,enas]")
@click.option("--task", help="Task to search on.  [default: digits]")
@click.option("--recipe", help="Named settings to start from; see `list recipes`.")
@click.option("--data", type=click.Path(path_type=Path), help="Where the task's files are.")
@click.option("--task-option", multiple=True, help="NAME=VALUE among what the task offers.")
@click.option("--skip-broken", is_flag=True, default=None, help="Leave out unreadable images.")
@click.option("--backbone", help="Instead of the task's.")
@click.option("--budget", type=int, help="Evaluations of each run.  [default: 300]")
@click.option("--seeds", type=int, help="Runs of each strategy.  [default: 5]")
@click.option("--supernet-seeds", type=int, help="Supernets to search.  [default: 1]")
@click.option("--standalone-seeds", type=int, help="Trainings of each scheme.  [default: 3]")
@click.option("--candidates", type=int, help="Schemes of each run to train.  [default: 3]")
@click.option("--attention", help="Attention module.  [default: se]")
@click.option("--sharing", help="One module a block (full) or a stage (share).  [default: full]")
@click.option("--retain", type=float, help="Connection probability in training.  [default: 0.8]")
@click.option("--batch-norm", help="recalibrated or running statistics.  [default: recalibrated]")
@click.option(
    "--objective-weight", type=float, help="λ, the price of connections.  [default: 0.02]"
)
@click.option("--confidence", type=float, help="Confidence of verdicts.  [default: 0.95]")
@click.option("--supernet-epochs", type=int, help="Instead of the task's.")
@click.option("--standalone-epochs", type=int, help="Instead of the task's.")
@click.option("--training", multiple=True, help="supernet.NAME=VALUE or standalone.NAME=VALUE.")
@click.option("--seed", type=int, help="Root of every seed but the data's.  [default: 0]")
@click.option("--data-seed", type=int, help="Fixes the task's splits.  [default: 0]")
@click.option("--device", help="cpu, cuda or cuda:N.  [default: cpu]")
@click.option("--smoke", is_flag=True, default=None, help="A few images and steps: try it out.")
@click.option("--dry-run", is_flag=True, help="Print the plan with an estimate, run nothing.")
@click.option("--config", type=click.Path(path_type=Path), help="TOML file of the options above.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the run.")
@click.option("--cache", type=click.Path(path_type=Path), help="Folder shared by all runs.")
@click.option("--workers", type=click.IntRange(min=1), help="Processes.  [default: one a core]")
def run(
    config: Path | None,
    out: Path | None,
    cache: Path | None,
    workers: int | None,
    dry_run: bool,  # noqa: FBT001 - click's way
    **options: Any,
) -> None:
    """Compare strategies: search, train what they find, write the report.

    The same command again goes on where it stopped. Flags win over the TOML file.
    """
    from rich.console import Console

    from benchmark.settings import Settings

    given = _given(options)
    settings = Settings.from_toml(config, **given) if config else Settings(**given)
    if dry_run or settings.recipe:
        from benchmark.estimate import Estimate

        Estimate(settings).print(Console(stderr=not dry_run))
    if dry_run:
        return
    console = Console(stderr=True)
    with _stoppable(console):
        from benchmark.experiment import run as run_experiment
        from benchmark.live import LiveProgress

        live = LiveProgress(console)
        with live.bars:
            report = run_experiment(settings, out=out, cache=cache, workers=workers, progress=live)
    report.print(Console())
    if any(lane.state == "failed" for lane in report.records.lanes):
        sys.exit(1)


def _given(options: Mapping[str, Any]) -> dict[str, Any]:
    values = {name: value for name, value in options.items() if value is not None}
    if "strategies" in values:
        names = [name.strip() for name in values["strategies"].split(",")]
        values["strategies"] = tuple(name for name in names if name)
    if pairs := values.pop("task_option", None):
        values["task_options"] = dict(_pair(pair) for pair in pairs)
    for name, value in map(_pair, values.pop("training", ())):
        section, _, key = name.partition(".")
        if section not in ("supernet", "standalone") or not key:
            raise UsageError(
                f"--training: expected supernet.NAME or standalone.NAME, received {name}"
            )
        changed = value.split(",") if key == "milestones" else value
        values.setdefault(section, {})[key] = changed
    return values


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise UsageError(f"expected NAME=VALUE, received {text!r}")
    return name, value


@main.command()
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


@main.command("list")
@click.argument("kind", type=click.Choice(["strategies", "tasks", "recipes"]))
def list_(kind: str) -> None:
    """List what there is to choose from."""
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None)
    for title in ("name", "what it is", "source"):
        table.add_column(title)
    if kind == "strategies":
        from strategies.registry import STRATEGIES, load_strategy

        for name in STRATEGIES:
            strategy = load_strategy(name)
            table.add_row(name, strategy.summary, strategy.source)
    elif kind == "recipes":
        from benchmark.recipes import RECIPES

        for name, recipe in RECIPES.items():
            table.add_row(name, recipe.summary, recipe.source)
    else:
        from tasks.registry import TASKS, task_class

        for name in TASKS:
            task = task_class(name)
            table.add_row(name, task.summary, task.source)
    Console().print(table)


@contextmanager
def _stoppable(console: Any) -> Iterator[None]:
    def stop(*_: object) -> None:
        # Stores survive a kill at any moment, so nobody waits for the jobs that are running.
        console.show_cursor()
        console.print(
            "Stopped. Nothing finished is lost: the same command again goes on from here."
        )
        for worker in multiprocessing.active_children():
            if worker.pid is not None:
                os.kill(worker.pid, signal.SIGTERM)
        os._exit(_STOPPED)

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
