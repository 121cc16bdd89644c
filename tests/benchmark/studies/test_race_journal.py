import json
from dataclasses import replace
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.basics.errors import StoreError
from benchmark.records.run import RaceRecord
from benchmark.studies.race_journal import RaceJournal

RECORD = RaceRecord("ga", "trap", 3, np.array([0.08, 0.08, 0.02, 0.0, 0.0]), 1.5)
KEY = {"landscape": "trap", "seed": 3, "blocks": 4, "budget": 5, "strategies": {"name": "ga"}}


def _line(path: Path) -> dict[str, Any]:
    RaceJournal(path).add(KEY, RECORD)
    line: dict[str, Any] = json.loads(path.read_text())
    path.unlink()
    return line


def _read(path: Path, *lines: dict[str, Any]) -> RaceRecord | None:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return RaceJournal(path).get(KEY)


def _same(found: RaceRecord | None) -> bool:
    assert found is not None
    plain = replace(found, regret=RECORD.regret)
    return plain == RECORD and np.array_equal(found.regret, RECORD.regret)


def test_only_changes_of_the_regret_are_written(tmp_path: Path) -> None:
    assert _line(tmp_path / "j")["regret"] == {"0": 0.08, "2": 0.02, "3": 0.0}
    assert _same(_read(tmp_path / "j", _line(tmp_path / "j")))


@given(st.randoms(use_true_random=False))
@settings(max_examples=20)
def test_keys_and_changes_may_stand_in_any_order_and_lines_may_repeat(random: Random) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "j"
        line = _line(path)

        def shuffled(values: dict[str, Any]) -> dict[str, Any]:
            items = list(values.items())
            random.shuffle(items)
            return dict(items)

        other = shuffled(line | {"regret": shuffled(line["regret"])})
        slower = line | {"seconds": line["seconds"] * 2}
        assert _same(_read(path, other, slower))


@pytest.mark.parametrize(
    ("name", "value"),
    [("seed", 3.0), ("seed", "3"), ("seconds", "1.5"), ("evaluations", 5.0)],
)
def test_numbers_that_others_write_otherwise_are_the_same(
    tmp_path: Path, name: str, value: object
) -> None:
    assert _same(_read(tmp_path / "j", _line(tmp_path / "j") | {name: value}))


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("seed", True, "seed: expected a whole number"),
        ("seed", -3, "seed: expected a whole number"),
        ("seconds", -1.5, "seconds: expected a number from 0"),
        ("seconds", float("nan"), "seconds: expected a number from 0"),
        ("seconds", float("inf"), "seconds: expected a number from 0"),
        ("seconds", True, "seconds: expected a number from 0"),
        ("evaluations", 0, "evaluations: expected a whole number from 1"),
        ("evaluations", 10**12, "evaluations: expected a whole number from 1"),
        ("evaluations", 3, r"regret: expected places from 0 to 2"),
        ("regret", {}, r"regret: expected places from 0 to 4"),
        ("regret", {"1": 0.5}, r"regret: expected places from 0 to 4"),
        ("regret", {"0": -0.5}, r"regret\.0: expected a number from 0 to 1"),
        ("regret", {"0": float("nan")}, r"regret\.0: expected a number from 0 to 1"),
        ("regret", {"first": 0.5}, r"regret\.first.*: expected a whole number"),
        ("regret", [0.5], "regret: "),
        ("strategy", 3, "strategy: "),
        ("note", 1, "note is nothing that belongs there"),
        ("search", None, "search: "),
    ],
)
def test_a_value_that_can_not_be_is_refused_by_its_name(
    tmp_path: Path, name: str, value: object, message: str
) -> None:
    line = _line(tmp_path / "j") | {name: value}
    with pytest.raises(
        StoreError, match=rf"is no file of finished searches \({message}"
    ) as refused:
        _read(tmp_path / "j", line)
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 400


def test_a_search_with_two_outcomes_is_refused(tmp_path: Path) -> None:
    line = _line(tmp_path / "j")
    with pytest.raises(StoreError, match="the search is there twice, with other regrets"):
        _read(tmp_path / "j", line, line | {"regret": {"0": 0.07}})


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("seed", 4, "expected seed 3 of a search of ga, received 4"),
        ("landscape", "noisy", "expected landscape trap of a search of ga, received noisy"),
        ("evaluations", 6, "expected budget 5 of a search of ga, received 6"),
    ],
)
def test_another_search_under_a_searchs_key_is_refused(
    tmp_path: Path, name: str, value: object, message: str
) -> None:
    with pytest.raises(StoreError, match=message):
        _read(tmp_path / "j", _line(tmp_path / "j") | {name: value})
