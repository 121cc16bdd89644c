import json
from collections.abc import Callable
from dataclasses import replace
from math import inf, isnan
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.basics.errors import StoreError, UsageError
from benchmark.records.evidence import Evidence, read_evidence
from benchmark.records.run import StandaloneRecord

EVIDENCE = Evidence(
    training="0123",
    settings={"task": "digits", "attention": "se"},
    blocks_per_stage=(1, 2),
    task={"task": "digits", "test images": 3},
    environment={"command": "by hand"},
    records=tuple(
        StandaloneRecord(bits, seed, 0.5, 0.25 + seed / 8, 1.5, 2.0)
        for bits in ("000", "101", "111")
        for seed in range(2)
    ),
)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "new" / "e.json"
    diverged = replace(EVIDENCE.records[1], test_accuracy=float("nan"))
    EVIDENCE.write(path)
    assert read_evidence(path) == EVIDENCE
    text = path.read_text()
    assert len([line for line in text.splitlines() if "101" in line]) == 2
    path.write_text(text, encoding="utf-8-sig")  # as an editor of Windows saves it
    assert read_evidence(path) == EVIDENCE
    replace(EVIDENCE, records=(diverged,)).write(path)
    assert read_evidence(path).records[0].test_accuracy != diverged.test_accuracy  # NaN
    assert [file.name for file in path.parent.iterdir()] == ["e.json"]


def test_best_epochs_and_failures_are_kept_and_older_files_lack_them(tmp_path: Path) -> None:
    path = tmp_path / "e.json"
    rich = replace(EVIDENCE.records[0], failure="no", best_epoch=2, best_test_accuracy=0.5)
    replace(EVIDENCE, records=(rich,)).write(path)
    assert read_evidence(path).records == (rich,)
    values = json.loads(path.read_text())
    values["columns"] = values["columns"][:6]
    values["records"] = [row[:6] for row in values["records"]]
    path.write_text(json.dumps(values))
    assert read_evidence(path).records == EVIDENCE.records[:1]


@pytest.mark.parametrize(
    ("text", "message"),
    [("{", "can't read"), ("[]", "holds no stand-alone results"), ("{}", "holds no stand-alone")],
)
def test_what_is_no_evidence_is_named(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "e.json").write_text(text)
    with pytest.raises(UsageError, match=message):
        read_evidence(tmp_path / "e.json")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("format", 2),
        ("blocks per stage", [1, 1]),
        ("columns", ["bits"]),
        ("records", [["10x", 0, 1, 1, 1, 1]]),
        ("records", [["101", "first", 1, 1, 1, 1]]),
        ("task", None),
    ],
)
def test_damaged_evidence_is_refused(tmp_path: Path, key: str, value: object) -> None:
    path = tmp_path / "e.json"
    EVIDENCE.write(path)
    path.write_text(json.dumps(json.loads(path.read_text()) | {key: value}))
    with pytest.raises(StoreError, match=r"is damaged|has format 2"):
        read_evidence(path)


def _changed(path: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    EVIDENCE.write(path)
    values = json.loads(path.read_text())
    change(values)
    path.write_text(json.dumps(values))
    return path


def _cell(name: str, value: object) -> Callable[[dict[str, Any]], None]:
    def change(values: dict[str, Any]) -> None:
        values["records"][0][values["columns"].index(name)] = value

    return change


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [
        ("seed", 0.0, 0),
        ("seed", "0", 0),
        ("seconds", "2.5", 2.5),
        ("seconds", 2, 2.0),
        ("test_loss", float("inf"), inf),
        ("best_epoch", None, None),
    ],
)
def test_numbers_that_others_write_otherwise_are_the_same(
    tmp_path: Path, name: str, value: object, read: object
) -> None:
    record = read_evidence(_changed(tmp_path / "e.json", _cell(name, value))).records[0]
    assert (getattr(record, name), type(getattr(record, name))) == (read, type(read))


@pytest.mark.parametrize("written", ["NaN", None, float("nan")])
def test_a_score_that_is_none_is_read_however_others_write_it(
    tmp_path: Path, written: object
) -> None:
    record = read_evidence(_changed(tmp_path / "e.json", _cell("test_loss", written))).records[0]
    assert isnan(record.test_loss)
    assert record.test_accuracy == EVIDENCE.records[0].test_accuracy


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("seed", True),
        ("seed", -1),
        ("seed", 0.5),
        ("seed", None),
        ("seed", 10**400),
        ("test_accuracy", 94.2),
        ("test_accuracy", True),
        ("test_accuracy", "good"),
        ("validation_accuracy", -0.1),
        ("test_loss", -0.1),
        ("test_loss", 10**400),
        ("seconds", -1.0),
        ("seconds", float("nan")),
        ("seconds", float("inf")),
        ("best_epoch", 0),
        ("best_test_accuracy", 2),
        ("figures", {"mae": "many"}),
        ("figures", [1]),
        ("failure", 3),
        ("bits", 101),
    ],
)
def test_a_value_that_can_not_be_is_refused_by_its_name(
    tmp_path: Path, name: str, value: object
) -> None:
    path = _changed(tmp_path / "e.json", _cell(name, value))
    with pytest.raises(StoreError, match=rf"is damaged \(record 0: {name}.*, received") as refused:
        read_evidence(path)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda v: v["records"].append(v["records"][2]), "scheme 101 with seed 0 occurs twice"),
        (lambda v: v["records"].clear(), "records: "),
        (lambda v: v["records"][1].pop(), "record 1: expected 10 values, received 9"),
        (lambda v: v["columns"].__setitem__(2, "accuracy"), "column validation_accuracy is miss"),
        (lambda v: v["columns"].__setitem__(8, "best"), "column 'best' is unknown"),
        (lambda v: v["columns"].__setitem__(8, "seed"), "column 'seed' is there twice"),
        (
            lambda v: v.update({"blocks per stage": [0, 3]}),
            r"blocks per stage\.0: expected a whole",
        ),
        (lambda v: v.update({"blocks per stage": []}), "blocks per stage: "),
        (lambda v: v.update({"note": 1}), "note is nothing that belongs there"),
        (lambda v: v.pop("settings"), "settings is missing"),
        (lambda v: v.update(training=None), "training: "),
        (
            lambda v: v.update(figures=[{"name": "x", "digits": -1}]),
            r"figures\.0\.digits: expected",
        ),
        (lambda v: v.update(figures=[{"name": "x", "digit": 1}]), r"figures\.0\.digit is nothing"),
    ],
)
def test_files_that_do_not_fit_together_are_refused_by_name(
    tmp_path: Path, change: Callable[[dict[str, Any]], None], message: str
) -> None:
    with pytest.raises(StoreError, match=f"is damaged .*{message}"):
        read_evidence(_changed(tmp_path / "e.json", change))


@given(st.randoms(use_true_random=False))
@settings(max_examples=20)
def test_keys_columns_and_rows_may_stand_in_any_order(random: Random) -> None:
    def change(values: dict[str, Any]) -> None:
        order = list(range(len(values["columns"])))
        random.shuffle(order)
        for row in (values["columns"], *values["records"]):
            row[:] = [row[place] for place in order]
        random.shuffle(values["records"])
        items = list(values.items())
        random.shuffle(items)
        values.clear()
        values.update(items)

    with TemporaryDirectory() as folder:
        found = read_evidence(_changed(Path(folder) / "e.json", change))
    assert replace(found, records=()) == replace(EVIDENCE, records=())
    by_cell = sorted(found.records, key=lambda record: (record.bits, record.seed))
    assert tuple(by_cell) == EVIDENCE.records
