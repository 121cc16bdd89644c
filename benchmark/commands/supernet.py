from pathlib import Path
from typing import Any

import click

from benchmark.commands import options
from benchmark.commands.session import stoppable


@click.group()
def supernet() -> None:
    """Train, show, export and import supernets: the networks that searches ask."""


@supernet.command()
@options.settings("task", "recipe", "data", "task_options", "skip_broken", "backbone", "attention")
@options.settings("sharing", "retain", "supernet_epochs", "supernet_seeds", "supernet_processes")
@options.settings("supernet")
@options.recipe_changes(
    "supernet", "precision", "accumulate", "memory_format", "compile", "threads"
)
@options.settings("seed", "data_seed", "device", "smoke")
@options.config
@options.cache
@click.option("--metrics", type=options.OUTPUT_FOLDER, help="Folder for metrics.csv.")
@click.option("--tensorboard", is_flag=True, help="Write TensorBoard's files there too.")
def train(
    config: Path | None,
    cache: Path | None,
    metrics: Path | None,
    *,
    tensorboard: bool,
    **values: Any,
) -> None:
    """Train supernets, or find them trained, and print where they lie.

    What changes the weights is part of the settings: a `run` with the same ones uses
    what was trained here. The same command again goes on where it stopped. Several
    processes: torchrun --nproc-per-node N -m benchmark supernet train …
    """
    from benchmark.workers.orphans import end_with_torchrun

    end_with_torchrun()
    from benchmark.basics.errors import UsageError
    from benchmark.commands.consoles import console_of

    settings = _settings(config, values)
    if tensorboard and metrics is None:
        raise UsageError("--tensorboard needs a folder: --metrics FOLDER")
    console = console_of(stderr=True)
    with stoppable(console):
        from benchmark.studies.cache import default_cache
        from benchmark.studies.supernets import train_supernets
        from benchmark.training.group import joined
        from benchmark.watching.live import LiveProgress
        from benchmark.watching.progress import NoProgress

        live = LiveProgress(console)
        with joined(settings.device) as (group, device):
            if group.leads:
                live.bars.start()
            try:
                found = train_supernets(
                    settings.model_copy(update={"device": device}),
                    cache=default_cache() if cache is None else cache,
                    progress=live if group.leads else NoProgress(),
                    say=console.print,
                    group=group,
                    folder=metrics,
                    tensorboard=tensorboard,
                )
            finally:
                live.bars.stop()
        if group.leads:
            for one in found:
                click.echo(one.path)


@supernet.command()
@click.argument("name", metavar="PATH_OR_IDENTITY")
@options.cache
@options.as_json
def show(name: str, cache: Path | None, *, as_json: bool) -> None:
    """Say what a supernet is: network, training, data, code."""
    from benchmark.studies.cache import default_cache
    from benchmark.studies.supernets import find_supernet, shown

    file = find_supernet(name, default_cache() if cache is None else cache)
    click.echo(shown(file, as_json=as_json))


@supernet.command()
@click.argument("name", metavar="IDENTITY")
@click.argument("target", metavar="FILE", type=options.OUTPUT_FILE)
@options.cache
def export(name: str, target: Path, cache: Path | None) -> None:
    """Write a trained supernet into one file, to be handed on."""
    from benchmark.studies.cache import default_cache
    from benchmark.studies.supernets import export_supernet

    file = export_supernet(name, target, default_cache() if cache is None else cache)
    click.echo(f"supernet {file.facts.identity} in {target}")


@supernet.command("import")
@click.argument("source", metavar="FILE", type=click.Path(path_type=Path))
@options.cache
@click.option("--adopt", is_flag=True, help="Take it even if other code trained it.")
def import_(source: Path, cache: Path | None, *, adopt: bool) -> None:
    """Put a supernet's file where a `run` with its settings and data finds it."""
    from benchmark.studies.cache import default_cache
    from benchmark.studies.supernets import import_supernet

    shared = default_cache() if cache is None else cache
    file = import_supernet(source, shared, adopt=adopt)
    click.echo(f"supernet {file.facts.identity} in {file.path}")


def _settings(config: Path | None, values: dict[str, Any]) -> Any:
    from benchmark.training.group import asked_for

    if (count := asked_for()) > 1 and values["supernet_processes"] is None:
        values["supernet_processes"] = count
    return options.read_settings(config, values)
