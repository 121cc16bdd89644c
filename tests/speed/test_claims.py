import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.speed.claims import Claim, Result, Round, table

ROUNDS = [Round(value, {"A, s": 10 * value, "B, s": 10.0}) for value in (1.0, 4.0, 2.0)]


def test_a_result_is_the_median_of_its_rounds() -> None:
    result = Result("one, four, two", Claim(2), ROUNDS)
    assert (result.median, result.parts) == (2, {"A, s": 20, "B, s": 10})
    assert result.line.startswith("1 / 2 / 4 times; claimed ≥ 2 times: kept\n  one, four, two\n")
    shown = table([result], {"gpu": "no GPU"}, {"cores": 2})
    assert "| one, four, two | ≥ 2 times: kept | 1 / 2 / 4 times | 20 s | 10 s |" in shown
    assert "| gpu | | not run: no GPU | | |\n\ncores: 2." in shown
    assert result.plain()["holds"] is True


@pytest.mark.parametrize(("value", "least", "holds"), [(1.9, True, False), (1.9, False, True)])
def test_a_claim_has_a_direction(value: float, *, least: bool, holds: bool) -> None:
    assert Claim(2, least=least).holds(value) is holds


def test_the_command_measures_what_it_is_named(tmp_path: Path) -> None:
    """Density maps keep what is claimed by a factor of 200 in time, and to the byte in memory."""
    names = ["density-window", "density-blocks-memory"]
    line = [sys.executable, "-m", "tests.speed", *names, "--pairs", "1"]
    # In a worker of xdist nothing would be measured.
    alone = {name: value for name, value in os.environ.items() if "XDIST" not in name}
    line += ["--json", str(tmp_path / "found.json")]
    ran = subprocess.run(line, capture_output=True, text=True, check=False, env=alone)
    assert ran.returncode == 0, ran.stdout
    assert "| ≥ 64 times: kept | 64 / 64 / 64 times |" in ran.stdout
    found = json.loads((tmp_path / "found.json").read_text())
    measured = {item["name"]: item["extra_info"] for item in found["benchmarks"]}
    assert measured["test_density[density-window]"]["holds"] is True
    assert {"processor", "torch", "load", "oracle kernels"} <= set(found["machine_info"])
