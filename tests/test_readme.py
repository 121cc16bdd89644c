"""The README's commands, run as they stand but for options that make them quick."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmark.cli import main
from tests.benchmark.tables import closed_form_table

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
SEARCH = {"budget": 3, "seeds": 1}


def _blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, flags=re.DOTALL | re.MULTILINE)


def _commands() -> list[str]:
    lines = [line for block in _blocks("sh") for line in block.splitlines()]
    found = [re.search(r"python -m benchmark (.*)", line) for line in lines]
    return [match[1] for match in found if match]


def _python(*arguments: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("readme")
    (folder / "mine.toml").write_text("budget = 100\n")
    (folder / "list.txt").write_text("none  # no attention\n1110|0000|0000\n")
    closed_form_table((4, 4, 4)).write(folder / "digits.parquet")
    return folder


def test_there_are_commands_to_run() -> None:
    assert any("ean,ga,enas" in command for command in _commands())
    assert any(command.startswith("report") for command in _commands())


@pytest.mark.parametrize("command", [c for c in _commands() if c.startswith("run")])
def test_every_run_of_the_readme_runs(folder: Path, command: str) -> None:
    quick = (
        [] if "--help" in command else _options(SEARCH) if "--oracle" in command else ["--smoke"]
    )
    where = ["--cache", str(folder / "cache")]
    ran = _python("-m", "benchmark", *shlex.split(command), *quick, *where, folder=folder)
    assert ran.returncode == 0, ran.stderr


def test_chosen_schemes_are_trained_and_oracles_held_against_them(folder: Path) -> None:
    quick = {
        "standalone": {"epochs": 1, "seeds": 1},
        "trust": {"supernet_epochs": 1, "supernet_seeds": 1},
    }
    commands = [c for c in _commands() if c.split()[0] in quick]
    assert len(commands) == 3
    for command in commands:
        options = [*_options(quick[command.split()[0]]), "--cache", str(folder / "cache")]
        ran = _python("-m", "benchmark", *shlex.split(command), *options, folder=folder)
        assert ran.returncode == 0, ran.stderr


@pytest.mark.parametrize("name", ["tabulate", "verify", "export", "compare", "watch", "transfer"])
def test_longer_commands_know_the_options_of_the_readme(name: str) -> None:
    commands = [c for c in _commands() if c.startswith(name)]
    assert commands
    for command in commands:
        ran = CliRunner().invoke(main, [*shlex.split(command), "--help"])
        assert ran.exit_code == 0, ran.output


def _options(values: dict[str, int]) -> list[str]:
    return [f"--{name.replace('_', '-')}={value}" for name, value in values.items()]


def test_the_report_command_reports(folder: Path) -> None:
    name = next(path.name for path in sorted((folder / "runs").iterdir()))
    (command,) = [c for c in _commands() if c.startswith("report")]
    renamed = re.sub(r"digits-\w+", name, command)
    ran = _python("-m", "benchmark", *shlex.split(renamed), folder=folder)
    assert ran.returncode == 0, ran.stderr
    assert "Ranking of strategies" in ran.stdout


@pytest.mark.parametrize("command", [c for c in _commands() if c.startswith(("list", "describe"))])
def test_lists_and_descriptions_are_printed(folder: Path, command: str) -> None:
    ran = _python("-m", "benchmark", *shlex.split(command), folder=folder)
    assert ran.returncode == 0, ran.stderr


def test_the_python_example_runs(folder: Path) -> None:
    (example,) = _blocks("python")
    quick = example.replace("budget=100", "smoke=True").replace("runs/mine", str(folder / "mine"))
    assert quick != example
    ran = _python("-c", quick, folder=folder)
    assert ran.returncode == 0, ran.stderr
    assert "ticket" in ran.stdout.lower()
