"""Commands load the libraries that they need, and no others: torch alone takes seconds."""

import subprocess
import sys
from pathlib import Path

import pytest

from benchmark.cli import COMMANDS
from strategies.registry import STRATEGIES
from tests.reports.conftest import _records as make_records
from tests.stored import store_run

ANALYSES = {"torch", "sklearn", "optuna", "matplotlib", "joblib", "nni", "ray"}
"""What the reading of runs doesn't need."""
ALL = ANALYSES | {"numpy", "scipy", "pandas", "pymoo", "pyarrow", "pydantic", "jaxtyping", "PIL"}


def _loaded(*lines: str) -> set[str]:
    """Which of ``ALL`` a fresh interpreter has loaded once it has called these commands."""
    code = f"""
import sys
from click.testing import CliRunner
from benchmark.cli import main
for line in {lines!r}:
    ended = CliRunner().invoke(main, line.split())
    print(line, ended.exit_code, ended.output[:200].encode())
print(*({ALL!r} & set(sys.modules)))
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    *told, names = ran.stdout.split("\n")[:-1]
    assert len(told) == len(lines)
    for line, said in zip(lines, told, strict=True):
        refused = "--help" not in line and line.startswith("run")
        assert said.startswith(f"{line} {2 if refused else 0} "), said
    return set(names.split())


def test_help_of_every_command_and_what_is_misspelt_need_none() -> None:
    refused = ["run --budgte 3", "run --budget 0", "run --task digit", "run --sharing half"]
    assert _loaded("--help", *(f"{one.name} --help" for one in COMMANDS), *refused) == set()


def test_tasks_and_recipes_are_listed_without_any() -> None:
    assert _loaded("list tasks", "list recipes") == set()


def test_strategies_are_listed_without_what_they_search_by() -> None:
    searchers = {"torch", "sklearn", "optuna", "pymoo", "nni", "scipy"}
    assert not searchers & _loaded(
        "list strategies", *(f"list strategies {name}" for name in STRATEGIES)
    )


def test_a_network_is_described_without_the_tasks_data() -> None:
    """Torch is needed: parameters and operations are counted on the network itself."""
    assert _loaded("describe") <= {"torch", "numpy", "scipy", "jaxtyping"}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    records = make_records(lanes=2, evaluations=10, tabulated=False)
    for name in ("one", "two"):
        store_run(records, folder / name)
    return folder


@pytest.mark.parametrize(
    "line", ["report {0}/one", "compare {0}/one {0}/two --out {0}/both", "watch {0}/one --once"]
)
def test_runs_are_read_without_what_made_them(runs: Path, line: str) -> None:
    assert not ANALYSES & _loaded(line.format(runs))
