"""`kill -9` at any moment, the same command again: the tables are those of an undisturbed run."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from tests.robustness.commands import COMMANDS
from tests.robustness.harness import kill_command

SEED = int(os.environ.get("TICKET_BENCHMARK_KILLS_SEED", "0"))


@pytest.mark.parametrize(("name", "kills"), [("supernet", 1), ("table", 1), ("race", 3)])
def test_a_killed_command_ends_as_if_it_had_not_been(
    name: str, kills: int, quick_folder: Path
) -> None:
    outcome = kill_command(COMMANDS[name], quick_folder, kills=kills, seed=SEED)
    assert outcome.wrong == []
    assert outcome.kills == kills


@pytest.mark.long
@pytest.mark.parametrize("name", COMMANDS)
def test_many_kills(name: str, quick_folder: Path) -> None:
    outcome = kill_command(COMMANDS[name], quick_folder, kills=6, seed=SEED)
    print(json.dumps(vars(outcome)))  # noqa: T201 - figures for the README, with -s
    assert outcome.wrong == []
    assert outcome.kills == 6


@pytest.mark.long
@pytest.mark.parametrize("name", ["run", "tabulate", "standalone", "table", "race", "transfer"])
def test_workers_end_with_a_command_that_is_killed_alone(name: str, quick_folder: Path) -> None:
    command = replace(COMMANDS[name], worker_options=("--workers", "2"))
    outcome = kill_command(command, quick_folder, kills=3, seed=SEED, alone=True)
    print(json.dumps(vars(outcome)))  # noqa: T201 - as above
    assert outcome.wrong == []
    assert outcome.kills == 3
    assert outcome.orphans > 0
