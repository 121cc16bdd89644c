import json
from dataclasses import replace
from pathlib import Path

import pytest

from benchmark.errors import StoreError, UsageError
from benchmark.standalone.evidence import Evidence, read_evidence
from benchmark.store.records import StandaloneRecord

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
    assert len([line for line in path.read_text().splitlines() if "101" in line]) == 2
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
