"""What a report of very many evaluations costs: seconds from the store to the files, and bytes."""

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmark.records.run import LaneKey, RunRecords
from benchmark.storage.folder import RunFolder, read_records
from reports.pages.report import Report
from tests.reports.conftest import _records as make_records
from tests.reports.conftest import make_lane
from tests.speed.claims import Claim, Round, Speed, clock
from tests.stored import store_run

SECONDS = {
    "report": (10, 100, 100, Claim(10, "s", least=False)),
    "report-thousand": (1000, 5, 20, Claim(30, "s", least=False)),
}
"""Strategies, seeds, evaluations, and what is claimed of the seconds."""


def long_run(strategies: int, seeds: int, evaluations: int) -> RunRecords:
    """A whole landscape, trained schemes, and strategies that differ a little."""
    small = make_records(seeds=3)
    qualities = np.linspace(0.5, 0.8, strategies)
    lanes = [
        make_lane(LaneKey(f"strategy-{number:03d}", seed, 0), float(quality), evaluations)
        for number, quality in enumerate(qualities)
        for seed in range(seeds)
    ]
    best = list(small.candidates.values())
    candidates = {lane.key: best[number % len(best)] for number, lane in enumerate(lanes)}
    settings = small.settings | {"budget": evaluations}
    return replace(small, settings=settings, lanes=lanes, candidates=candidates)


def reported(folder: Path) -> tuple[float, dict[str, float]]:
    """Seconds of a report, and what they and its page are made of."""
    with clock() as read, closing(RunFolder(folder).open()) as store:
        records = read_records(store)
    with clock() as computed:
        report = Report(records)
        assert report.analysis
    with clock() as written:
        report.write(folder)
    parts = {
        "read, s": read.seconds,
        "compute, s": computed.seconds,
        "write, s": written.seconds,
        "page, MB": (folder / "report.html").stat().st_size / 1e6,
    }
    return read.seconds + computed.seconds + written.seconds, parts


@pytest.mark.parametrize("name", SECONDS)
def test_seconds(speed: Speed, tmp_path: Path, name: str) -> None:
    strategies, seeds, evaluations, claim = SECONDS[name]
    store_run(long_run(strategies, seeds, evaluations), tmp_path)
    title = (
        f"report of {strategies:,} strategies × {seeds} seeds × {evaluations} evaluations, from "
        "the store to all files"
    )
    speed.turns(title, lambda: Round(*reported(tmp_path)), claim)


def test_report_size(speed: Speed, tmp_path: Path) -> None:
    store_run(long_run(10, 100, 100), tmp_path)

    def turn() -> Round:
        _, parts = reported(tmp_path)
        return Round(parts["page, MB"], parts)

    title = "page of 10 strategies × 100 seeds × 100 evaluations"
    speed.turns(title, turn, Claim(5, "MB", least=False))
