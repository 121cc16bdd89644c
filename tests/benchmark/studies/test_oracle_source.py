import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmark.basics import identity
from benchmark.basics.errors import UsageError
from benchmark.planning.settings import Settings
from benchmark.records.kinds import KNOWN, SUPERNET, TABLE
from benchmark.records.objectives import OBJECTIVES
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


@pytest.mark.parametrize("oracle", [None, "table.parquet", "known:trap:6"])
def test_what_rewards_are_made_by_is_part_of_a_runs_identity(
    oracle: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "gain_objective", raising=False)
    monkeypatch.setitem(OBJECTIVES, "gain", "gain_objective:Gain")
    closed_form_table().write(tmp_path / "table.parquet")
    source = tmp_path / "gain_objective.py"
    source.write_text(
        "from benchmark.records.objective import Connections\n\nGain = Connections\n",
        encoding="utf-8",
    )
    settings = Settings(oracle=oracle, objective="gain", strategies=("random",))

    def found() -> str:
        identity.code_version.cache_clear()
        identity._source.cache_clear()  # noqa: SLF001 - files change between calls
        return source_class(settings)(settings, cache=tmp_path / "cache").identity

    before = found()
    assert found() == before
    with source.open("a", encoding="utf-8") as more:
        more.write("# another way to reckon\n")
    assert found() != before


@pytest.mark.parametrize(
    ("option", "values"), [("smoke", {"smoke": True}), ("recipe", {"recipe": "paper-resnet38-se"})]
)
def test_what_stands_for_settings_without_effect_is_what_is_refused(
    option: str, values: dict[str, Any]
) -> None:
    settings = Settings(oracle="known:trap:6", **values)
    with pytest.raises(UsageError, match=f"--{option} has no effect on a known landscape"):
        source_class(settings)(settings)
