from pathlib import Path
from typing import Any

import click

from benchmark.basics import bounds
from benchmark.commands import options
from benchmark.commands.session import stoppable


@click.group()
def supernet() -> None:
    """Train, show, export and import supernets: the networks that searches ask."""


@supernet.command()
@click.option("--task", help="Task of the supernet.  [default: digits]")
@click.option("--recipe", help="Named settings to start from; see `list recipes`.")
@options.data
@click.option("--task-option", multiple=True, help="NAME=VALUE among what the task offers.")
@click.option("--skip-broken", is_flag=True, default=None, help="Leave out unreadable images.")
@options.backbone
@options.attention
@options.sharing
@options.retain
@options.supernet_epochs
@options.number("--supernet-seeds", allowed=bounds.COUNT, help="Supernets to train.  [default: 1]")
@options.supernet_processes
@click.option("--training", multiple=True, help="supernet.NAME=VALUE, as for `run`.")
@click.option("--precision", help="float32, bf16 or fp16 (mixed).  [default: float32]")
@options.number(
    "--accumulate", allowed=bounds.COUNT, help="Parts of a batch, one by one.  [default: 1]"
)
@click.option("--memory-format", help="channels-last, contiguous or auto.  [default: auto]")
@click.option("--compile/--no-compile", "compiled", default=None, help="Use torch.compile.")
@options.number("--threads", allowed=bounds.THREADS, help="Of torch, on CPUs.  [default: 1]")
@options.seed
@options.data_seed
@options.device
@click.option("--smoke", is_flag=True, default=None, help="A few images and steps: try it out.")
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
        from benchmark.studies.experiment import default_cache
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
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show(name: str, cache: Path | None, *, as_json: bool) -> None:
    """Say what a supernet is: network, training, data, code."""
    from benchmark.studies.experiment import default_cache
    from benchmark.studies.supernets import find_supernet, shown

    file = find_supernet(name, default_cache() if cache is None else cache)
    click.echo(shown(file, as_json=as_json))


@supernet.command()
@click.argument("name", metavar="IDENTITY")
@click.argument("target", metavar="FILE", type=options.OUTPUT_FILE)
@options.cache
def export(name: str, target: Path, cache: Path | None) -> None:
    """Write a trained supernet into one file, to be handed on."""
    from benchmark.studies.experiment import default_cache
    from benchmark.studies.supernets import export_supernet

    file = export_supernet(name, target, default_cache() if cache is None else cache)
    click.echo(f"supernet {file.facts.identity} in {target}")


@supernet.command("import")
@click.argument("source", metavar="FILE", type=click.Path(path_type=Path))
@options.cache
@click.option("--adopt", is_flag=True, help="Take it even if other code trained it.")
def import_(source: Path, cache: Path | None, *, adopt: bool) -> None:
    """Put a supernet's file where a `run` with its settings and data finds it."""
    from benchmark.studies.experiment import default_cache
    from benchmark.studies.supernets import import_supernet

    shared = default_cache() if cache is None else cache
    file = import_supernet(source, shared, adopt=adopt)
    click.echo(f"supernet {file.facts.identity} in {file.path}")


_RECIPE = ("precision", "accumulate", "memory_format", "threads")


def _settings(config: Path | None, values: dict[str, Any]) -> Any:
    changes = {name: values.pop(name) for name in _RECIPE} | {"compile": values.pop("compiled")}
    given = [f"supernet.{name}={value}" for name, value in changes.items() if value is not None]
    values["training"] = (*values["training"], *given)
    from benchmark.training.group import asked_for

    if (count := asked_for()) > 1 and values["supernet_processes"] is None:
        values["supernet_processes"] = count
    return options.read_settings(config, values)
