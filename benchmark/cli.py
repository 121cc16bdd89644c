"""The command line: a thin layer over `benchmark.run`. Heavy imports are inside commands."""

import multiprocessing
import os
import signal
import sqlite3
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from benchmark import __version__
from benchmark.errors import BenchmarkError, UsageError
from tasks.errors import DataError

if TYPE_CHECKING:
    from benchmark.live import LiveProgress
    from benchmark.settings import Settings
    from benchmark.store import Store
    from benchmark.workers import Workers

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
@click.option(
    "--strategies", help="Names or FILE.py:CLASS, separated by commas.  [default: ean,ga,enas]"
)
@click.option(
    "--set",
    multiple=True,
    metavar="STRATEGY.NAME=VALUE",
    help="Set a hyper-parameter (repeatable); `list strategies` names them.",
)
@click.option("--task", help="Task to search on.  [default: digits]")
@click.option("--recipe", help="Named settings to start from; see `list recipes`.")
@click.option("--data", type=click.Path(path_type=Path), help="Where the task's files are.")
@click.option("--task-option", multiple=True, help="NAME=VALUE among what the task offers.")
@click.option("--skip-broken", is_flag=True, default=None, help="Leave out unreadable images.")
@click.option("--budget", type=int, help="Evaluations of each run.  [default: 300]")
@click.option("--seeds", type=int, help="Runs of each strategy.  [default: 5]")
@click.option("--supernet-seeds", type=int, help="Supernets to search.  [default: 1]")
@click.option("--standalone-seeds", type=int, help="Trainings of each scheme.  [default: 3]")
@click.option("--candidates", type=int, help="Schemes of each run to train.  [default: 3]")
@click.option("--backbone", help="resnet26-thin, resnet38, resnet164, …; instead of the task's.")
@click.option("--attention", help="Attention module: se, sge or dia.  [default: se]")
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
@click.option("--oracle", help="Table of answers (Parquet) to search instead of a supernet.")
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

    settings = _settings(config, options)
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
    failed = [lane for lane in report.records.lanes if lane.state == "failed"]
    for lane in failed:
        seeds = f"seed {lane.key.strategy_seed}, supernet {lane.key.supernet_seed}"
        click.echo(f"{lane.key.strategy} ({seeds}) failed: {lane.message}", err=True)
    if failed:
        sys.exit(1)


def _settings(config: Path | None, options: Mapping[str, Any]) -> "Settings":
    from benchmark.settings import Settings

    given = _given(options)
    return Settings.from_toml(config, **given) if config else Settings(**given)


def _given(options: Mapping[str, Any]) -> dict[str, Any]:
    from benchmark.overrides import read_overrides

    values = {name: value for name, value in options.items() if value is not None}
    if overrides := values.pop("set", None):
        values["set"] = read_overrides(overrides)
    if "strategies" in values:
        values["strategies"] = _names(values["strategies"])
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


def _names(text: str | None) -> tuple[str, ...]:
    names = [name.strip() for name in (text or "").split(",")]
    return tuple(name for name in names if name)


@main.command()
@click.option("--task", help="Task of the supernet.  [default: digits]")
@click.option("--data", type=click.Path(path_type=Path), help="Where the task's files are.")
@click.option("--backbone", help="resnet26-thin, resnet38, resnet164, …; instead of the task's.")
@click.option("--attention", help="Attention module.  [default: se]")
@click.option("--sharing", help="One module a block (full) or a stage (share).  [default: full]")
@click.option("--retain", type=float, help="Connection probability in training.  [default: 0.8]")
@click.option("--batch-norm", help="recalibrated or running statistics.  [default: recalibrated]")
@click.option("--supernet-epochs", type=int, help="Instead of the task's.")
@click.option("--seed", type=int, help="Root of every seed but the data's.  [default: 0]")
@click.option("--data-seed", type=int, help="Fixes the task's splits.  [default: 0]")
@click.option("--device", help="cpu, cuda or cuda:N.  [default: cpu]")
@click.option("--config", type=click.Path(path_type=Path), help="TOML file of the options above.")
@click.option("--out", type=click.Path(path_type=Path), help="The table.  [default: TASK.parquet]")
@click.option("--cache", type=click.Path(path_type=Path), help="Folder shared by all runs.")
@click.option("--workers", type=click.IntRange(min=1), help="Processes.  [default: one a core]")
@click.option("--force", is_flag=True, help="Score more than 2^16 schemes too.")
def tabulate(
    config: Path | None,
    out: Path | None,
    cache: Path | None,
    workers: int | None,
    *,
    force: bool,
    **options: Any,
) -> None:
    """Score every scheme of a supernet and write the landscape as Parquet.

    Strategies search it with: run --oracle TABLE. The same command again goes on
    where it stopped.
    """
    from rich.console import Console

    settings = _settings(config, options)
    path = Path(f"{settings.task}.parquet") if out is None else out
    console = Console(stderr=True)
    with _equipped(console, cache, workers) as (shared, crew, live):
        from benchmark.tabulation import tabulate as tabulate_landscape

        table = tabulate_landscape(settings, cache=shared, workers=crew, progress=live, force=force)
    table.write(path)
    console.print(f"{len(table.schemes):,} schemes in {path} (oracle {table.identity})")


@main.command()
@click.option("--scheme", "schemes", multiple=True, help="Bits, full or none; repeatable.")
@click.option("--schemes", "listed", type=click.Path(path_type=Path), help="File, one a line.")
@click.option("--seeds", "standalone_seeds", type=int, help="Trainings of each.  [default: 3]")
@click.option("--task", help="Task to train on.  [default: digits]")
@click.option("--data", type=click.Path(path_type=Path), help="Where the task's files are.")
@click.option("--backbone", help="resnet26-thin, resnet38, resnet164, …; instead of the task's.")
@click.option("--attention", help="Attention module.  [default: se]")
@click.option("--sharing", help="One module a block (full) or a stage (share).  [default: full]")
@click.option("--epochs", "standalone_epochs", type=int, help="Instead of the task's.")
@click.option("--confidence", type=float, help="Confidence of intervals.  [default: 0.95]")
@click.option("--seed", type=int, help="Root of every seed but the data's.  [default: 0]")
@click.option("--data-seed", type=int, help="Fixes the task's splits.  [default: 0]")
@click.option("--device", help="cpu, cuda or cuda:N.  [default: cpu]")
@click.option("--config", type=click.Path(path_type=Path), help="TOML file of the options above.")
@click.option("--out", type=click.Path(path_type=Path), help="JSON file for every training.")
@click.option("--cache", type=click.Path(path_type=Path), help="Folder shared by all runs.")
@click.option("--workers", type=click.IntRange(min=1), help="Processes.  [default: one a core]")
def standalone(
    schemes: tuple[str, ...],
    listed: Path | None,
    config: Path | None,
    *,
    out: Path | None,
    cache: Path | None,
    workers: int | None,
    **options: Any,
) -> None:
    """Train schemes from scratch, several seeds each, and say how well they do.

    The same command again goes on where it stopped.
    """
    from rich.console import Console

    settings = _settings(config, options)
    console = Console(stderr=True)
    with _equipped(console, cache, workers) as (shared, crew, live):
        from benchmark.standalone_run import listed_schemes, train_schemes

        wanted = [*schemes, *(listed_schemes(listed) if listed else ())]
        if not wanted:
            raise UsageError("nothing to train: name schemes with --scheme or --schemes FILE")
        evidence = train_schemes(settings, wanted, cache=shared, workers=crew, progress=live)
    from reports.evidence import standalone_table
    from reports.table import to_rich

    if out is not None:
        evidence.write(out)
    Console().print(to_rich(standalone_table(evidence, settings.confidence)))


@main.command()
@click.argument("evidence", type=click.Path(path_type=Path))
@click.option("--data", type=click.Path(path_type=Path), help="Where the task's files are.")
@click.option("--supernet-seeds", type=int, help="Supernets to ask.  [default: 1]")
@click.option("--retain", type=float, help="Connection probability in training.  [default: 0.8]")
@click.option("--supernet-epochs", type=int, help="Instead of the task's.")
@click.option("--confidence", type=float, help="Confidence of intervals.  [default: 0.95]")
@click.option("--seed", type=int, help="Root of every seed but the data's.  [default: 0]")
@click.option("--cache", type=click.Path(path_type=Path), help="Folder shared by all runs.")
@click.option("--workers", type=click.IntRange(min=1), help="Processes.  [default: one a core]")
def trust(evidence: Path, cache: Path | None, workers: int | None, **options: Any) -> None:
    """Hold supernets against the stand-alone results in EVIDENCE, in both batch-norm modes."""
    from rich.console import Console

    settings = _settings(None, options)
    console = Console(stderr=True)
    with _equipped(console, cache, workers) as (shared, crew, live):
        from benchmark.evidence import read_evidence
        from benchmark.trust_run import ask_oracles

        known = read_evidence(evidence)
        oracles = ask_oracles(known, cache=shared, workers=crew, progress=live, **_given(options))
    from reports.evidence import trust_sentences, trust_table
    from reports.table import to_rich

    shown = Console()
    for sentence in trust_sentences(known, oracles):
        shown.print(f"• {sentence}", highlight=False)
    shown.print(to_rich(trust_table(known, oracles, settings.confidence)))


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


@main.command()
@click.option("--backbone", help="resnet26-thin, resnet38, resnet164, resnet50, …")
@click.option("--attention", default="se", help="se, sge or dia.  [default: se]")
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
    from benchmark.describe import describe_network

    description = describe_network(**options)
    click.echo(description.json() if as_json else description.text())


@main.command()
@click.option("--strategies", help="Names, separated by commas.  [default: all]")
@click.option("--landscapes", help="Names, separated by commas.  [default: all]")
@click.option("--blocks", type=click.IntRange(min=1), default=24, show_default=True)
@click.option("--budget", type=click.IntRange(min=10), default=300, show_default=True)
@click.option("--seeds", type=click.IntRange(min=2), default=20, show_default=True)
@click.option("--out", type=click.Path(path_type=Path), help="Folder for race.md and CSV files.")
@click.option("--workers", type=click.IntRange(min=1), help="Processes.  [default: one a core]")
def race(strategies: str | None, landscapes: str | None, out: Path | None, **options: Any) -> None:
    """Compare strategies on known landscapes, whose optimum is known.

    No network is trained: minutes say which search finds most at equal budget.
    """
    from rich.console import Console

    from benchmark.landscapes import LANDSCAPES
    from strategies.registry import STRATEGIES

    console = Console(stderr=True)
    with _stoppable(console):
        from benchmark.race import run_race
        from reports.race import race_tables, write_race

        records = run_race(
            strategies=_names(strategies) or tuple(STRATEGIES),
            landscapes=_names(landscapes) or tuple(LANDSCAPES),
            console=console,
            **options,
        )
        tables = race_tables(records)
    if out:
        write_race(tables, out)
    from reports.table import to_rich

    for table in tables:
        Console().print(to_rich(table))
    failures = [record for record in records if record.message]
    for record in failures:
        lane = f"{record.strategy} on {record.landscape}, seed {record.seed}"
        console.print(f"{lane} failed: {record.message}", markup=False)
    if failures:
        sys.exit(1)


@main.command("list")
@click.argument("kind", type=click.Choice(["strategies", "tasks", "recipes"]))
@click.argument("names", nargs=-1)
def list_(kind: str, names: tuple[str, ...]) -> None:
    """List what there is to choose from; strategies that are named are described in full."""
    from rich.console import Console

    from benchmark.listing import list_recipes, list_strategies, list_tasks

    if kind == "strategies":
        list_strategies(Console(), names)
    elif names:
        raise UsageError(f"expected no names after {kind!r}, received {', '.join(names)}")
    elif kind == "recipes":
        list_recipes(Console())
    else:
        list_tasks(Console())


@main.command()
@click.argument("strategy")
def check(strategy: str) -> None:
    """Run the contract suite on STRATEGY: a name, or FILE.py:CLASS.

    Exit code 0 if it passes every check, 1 if it fails one.
    """
    from rich.console import Console

    from benchmark.testing import Subject, check_strategy, verdict_table

    verdicts = check_strategy(Subject.of(strategy))
    Console().print(verdict_table(strategy, verdicts))
    if not all(verdict.passed for verdict in verdicts):
        sys.exit(1)


@contextmanager
def _equipped(
    console: Any, cache: Path | None, workers: int | None
) -> Iterator[tuple["Store", "Workers", "LiveProgress"]]:
    """What every long command needs: the shared cache, processes, bars, Ctrl-C."""
    with _stoppable(console):
        from benchmark.experiment import default_cache, opened_cache
        from benchmark.live import LiveProgress
        from benchmark.workers import Workers, available_cores

        live = LiveProgress(console)
        crew = Workers(available_cores() if workers is None else workers)
        with live.bars, opened_cache(default_cache() if cache is None else cache) as shared:
            yield shared, crew, live


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

    # The process that cleans up behind killed workers would list what it cleans up.
    quiet = "ignore:resource_tracker:UserWarning"
    chosen = os.environ.get("PYTHONWARNINGS")
    os.environ["PYTHONWARNINGS"] = f"{chosen},{quiet}" if chosen else quiet
    before = signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
