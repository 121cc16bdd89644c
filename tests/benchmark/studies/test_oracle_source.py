import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmark.planning.settings import Settings
from benchmark.records.kinds import KNOWN, SUPERNET, TABLE
from benchmark.studies.oracle_source import SOURCES, source_class
from tests.benchmark.tables import closed_form_table

_HEAVY = {"torch", "sklearn", "matplotlib", "pandas", "joblib", "loky", "optuna"}


def test_every_kind_has_a_source_that_says_so() -> None:
    named = {SUPERNET: None, TABLE: "digits.parquet", KNOWN: "known:trap"}
    assert SOURCES.keys() == {kind.name for kind in named}
    for kind, oracle in named.items():
        assert source_class(Settings(oracle=oracle)).kind is kind


@pytest.mark.parametrize("oracle", ["table.parquet", "known:trap:6"])
def test_a_search_of_known_answers_starts_without_what_trains_networks(
    oracle: str, tmp_path: Path
) -> None:
    closed_form_table().write(tmp_path / "table.parquet")
    code = (
        "import sys, json; from benchmark.cli import main\n"
        "main(['run', '--oracle', sys.argv[1], '--strategies', 'random,ga', '--budget', '100',"
        " '--seeds', '1', '--out', 'out'], standalone_mode=False)\n"
        "print(json.dumps(sorted(sys.modules)))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, oracle],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    loaded = set(json.loads(ran.stdout.splitlines()[-1]))
    assert "reports.pages.report" in loaded
    assert loaded & _HEAVY == set()
