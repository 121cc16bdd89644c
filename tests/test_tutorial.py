"""The tutorial's files and commands, run as they stand, in order."""

import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from benchmark.testing import CHECKS
from strategies.registry import ENTRY_POINT_GROUP

ROOT = Path(__file__).parents[1]
TUTORIAL = (ROOT / "docs" / "adding-a-strategy.md").read_text(encoding="utf-8")
FILES = dict(
    re.findall(r"<!-- file: (\S+) -->\n```python\n(.*?)^```", TUTORIAL, re.DOTALL | re.MULTILINE)
)
COMMANDS = [
    line
    for block in re.findall(r"^```sh\n(.*?)^```", TUTORIAL, re.DOTALL | re.MULTILINE)
    for line in block.splitlines()
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tutorial")
    for name, content in FILES.items():
        (folder / name).write_text(content, encoding="utf-8")
    return folder


def _python(*arguments: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, capture_output=True, text=True, check=False
    )


def test_there_is_something_to_run() -> None:
    assert sorted(FILES) == ["my_strategy.py", "test_my_strategy.py"]
    assert [command.split()[3] for command in COMMANDS] == ["check", "race", "run", "list", "run"]


def test_the_strategy_is_short() -> None:
    code = FILES["my_strategy.py"].split('"""')
    assert len([line for line in (code[0] + code[2]).splitlines() if line.strip()]) <= 20


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_works(folder: Path, command: str) -> None:
    python, *arguments = shlex.split(command)
    assert python == "python"
    if "run" in arguments:
        arguments += ["--smoke", "--cache", str(folder / "cache")]
    ran = _python(*arguments, folder=folder)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "climber" in ran.stdout.lower()


def test_the_test_of_ones_own_passes(folder: Path) -> None:
    ran = _python("-m", "pytest", "-q", "-p", "no:cacheprovider", folder=folder)
    assert ran.returncode == 0, ran.stdout
    assert f"{len(CHECKS)} passed" in ran.stdout


def test_the_entry_point_is_where_packages_are_looked_for() -> None:
    (block,) = re.findall(r"^```toml\n(.*?)^```", TUTORIAL, re.DOTALL | re.MULTILINE)
    assert tomllib.loads(block)["project"]["entry-points"] == {
        ENTRY_POINT_GROUP: {"climber": "my_package.my_strategy:Climber"}
    }
