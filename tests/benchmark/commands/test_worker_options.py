"""Who does a command's work: the same options everywhere."""

import sys
from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from benchmark.basics.errors import UsageError
from benchmark.cli import main
from benchmark.commands.worker_options import WorkerOptions
from benchmark.workers.engine import available_cores

OPTIONS = ("--workers", "--ray", "--gpus-per-training")
COMMANDS = {
    "run": (),
    "run --oracle": ("--oracle", "table.parquet"),
    "race": (),
    "race --tune": ("--tune", "ga"),
    "tabulate": (),
    "standalone": ("--scheme", "full"),
    "transfer": ("runs/one", "--task", "digits-voc"),
    "trust": ("evidence.json",),
    "verify": ("ticket.json",),
    "gradcam": ("runs/one",),
}
"""What distributes work, with what it needs to begin."""


def _commands(group: click.Group, path: str = "") -> Iterator[tuple[str, set[str]]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from _commands(command, f"{path}{name} ")
        else:
            yield f"{path}{name}", {text for option in command.params for text in option.opts}


def test_whatever_takes_workers_takes_a_cluster() -> None:
    taken = {name: flags & {*OPTIONS} for name, flags in _commands(main)}
    distributing = {name for name, flags in taken.items() if flags}
    assert distributing == {name.partition(" ")[0] for name in COMMANDS}
    assert all(taken[name] == {*OPTIONS} for name in distributing)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_cluster_is_asked_for_before_anything_else(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    line = [name.partition(" ")[0], *COMMANDS[name], "--ray", "auto"]
    result = CliRunner().invoke(main, line)
    assert result.exit_code == 2
    assert "Error: --ray needs Ray: pip install 'ticket-benchmark[ray]'" in result.output


def test_parts_of_gpus_are_a_clusters_to_hand_out() -> None:
    result = CliRunner().invoke(main, ["race", "--gpus-per-training", "0.5"])
    assert result.exit_code == 2
    assert result.output.endswith("Error: --gpus-per-training has no effect without --ray\n")


def test_processes_of_this_machine_are_counted_or_one_a_core() -> None:
    assert WorkerOptions(3).assembled().count == 3
    assert WorkerOptions().assembled().count == available_cores()


def test_a_count_is_at_least_one_and_a_part_above_nothing() -> None:
    for given in (("--workers", "0"), ("--ray", "auto", "--gpus-per-training", "0")):
        assert CliRunner().invoke(main, ["race", *given]).exit_code == 2


def test_nothing_is_started_while_options_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    worker_options = WorkerOptions(2, {"ray": "local", "gpus_per_training": 0.5})
    with pytest.raises(UsageError, match="needs Ray"):
        worker_options.assembled()
