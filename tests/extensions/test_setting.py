"""A new setting: one line of the declaration, found wherever settings are."""

import subprocess
import sys
from pathlib import Path

from benchmark.records import settings

LINE = """    patience: Annotated[
        int, bounds.FURTHER, Setting("Minutes to wait.", trainings=True, smoke=7)
    ] = 11
"""
"""What a contributor writes, above the line of ``budget``."""

EDITED = """
import sys
from importlib.util import find_spec, module_from_spec

spec = find_spec("benchmark.records.settings")
module = sys.modules[spec.name] = module_from_spec(spec)
text = open(spec.origin, encoding="utf-8").read()
exec(text.replace("    budget: ", {line!r} + "    budget: ", 1), vars(module))
"""


def _told(code: str, folder: Path) -> str:
    """What Python prints where the declaration has one line more."""
    script = folder / "script.py"
    script.write_text(EDITED.format(line=LINE) + code, encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, "-W", "error", str(script)],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={"PYTHONPATH": str(Path(settings.__file__).parents[2]), "COLUMNS": "200"},
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def _called(folder: Path, *words: str) -> str:
    """What a command prints, and its exit code, where the declaration has one line more."""
    code = f"""
from click.testing import CliRunner
from benchmark.cli import main
ended = CliRunner().invoke(main, {list(words)!r})
print(ended.exit_code, ended.output)
"""
    return _told(code, folder)


def test_it_is_an_option_with_its_default(tmp_path: Path) -> None:
    shown = " ".join(_called(tmp_path, "run", "--help").split())
    assert "--patience INTEGER Minutes to wait. [default: 11] --budget INTEGER" in shown
    refused = _called(tmp_path, "run", "--patience", "-1")
    assert refused.startswith("2 Error: --patience: expected a whole number from 0 to 1,000,000")


def test_a_table_refuses_it(tmp_path: Path) -> None:
    refused = _called(tmp_path, "run", "--oracle", "no.parquet", "--patience", "5")
    assert refused.startswith("2 Error: --patience has no effect on a table")


def test_files_smoke_command_lines_identities_and_tickets_know_it(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("patience = 5")
    code = """
from pathlib import Path
from benchmark.basics.errors import UsageError
from benchmark.planning.plan import Plan
from benchmark.planning.settings import Settings
from benchmark.records.settings import REPEATED, SEARCHED

assert Settings().patience == 11
assert Settings(smoke=True).patience == 7
mine = Settings.from_toml(Path("mine.toml"))
assert mine.patience == 5
assert mine.command().endswith(" --patience 5")
assert mine.model_dump(mode="json")["patience"] == 5
assert Plan(mine).identity != Plan(Settings()).identity
assert "patience" in REPEATED - SEARCHED
try:
    Settings(patience="long")
except UsageError as error:
    print(error)
"""
    assert _told(code, tmp_path).startswith("patience: expected a whole number from 0")
