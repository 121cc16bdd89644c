"""What a report of very many evaluations costs: seconds from the store to the files, and bytes."""

import tempfile
from dataclasses import asdict
from pathlib import Path
from time import process_time
from typing import ClassVar

import numpy as np

from benchmark.records.run import CostRecord, Interval, LaneKey, StandaloneRecord
from benchmark.records.schemes import scheme_bits
from benchmark.speed.base import Benchmark, Claim, Round
from benchmark.speed.searches import speed_table
from benchmark.storage.calls import Call, bits_of
from benchmark.storage.folder import Description, RunFolder, read_records
from benchmark.storage.store import Store
from reports.pages.report import Report

_STAGES = (4, 4, 4)
_ORACLE, _TRAINING, _MACHINE = "speed", "speed", "speed"
_TRAINED, _STANDALONE_SEEDS = 40, 3
_MEGABYTE = 1e6


class _ReportBenchmark(Benchmark):
    """A store with a whole landscape, searches that settle slowly, and trained schemes."""

    strategies: ClassVar[int]
    seeds: ClassVar[int]
    budget: ClassVar[int]

    def prepare(self, rows: int) -> None:
        del rows
        self._folder = tempfile.TemporaryDirectory()
        self._path = Path(self._folder.name)
        write_run(self._path, self.strategies, self.seeds, self.budget)

    def measure(self) -> Round:
        started = process_time()
        store = RunFolder(self._path).open()
        try:
            records = read_records(store)
        finally:
            store.close()
        read = process_time()
        report = Report(records)
        assert report.analysis
        analysed = process_time()
        report.write(self._path)
        written = process_time()
        size = (self._path / "report.html").stat().st_size / _MEGABYTE
        parts = {
            "read, s": read - started,
            "compute, s": analysed - read,
            "write, s": written - analysed,
            "page, MB": size,
        }
        return Round(self.judged(written - started, size), parts)

    def judged(self, seconds: float, megabytes: float) -> float:  # noqa: ARG002 - a subclass's
        """What is claimed of: the seconds, unless a subclass claims otherwise."""
        return seconds


class ReportTime(_ReportBenchmark):
    name = "report"
    title = "report of 10 strategies × 100 seeds × 100 evaluations, from the store to all files"
    claim = Claim(10, least=False, unit="s")
    strategies, seeds, budget = 10, 100, 100


class ReportSize(_ReportBenchmark):
    name = "report-size"
    title = "page of 10 strategies × 100 seeds × 100 evaluations"
    claim = Claim(5, least=False, unit="MB")
    strategies, seeds, budget = 10, 100, 100

    def judged(self, seconds: float, megabytes: float) -> float:
        del seconds
        return megabytes


class ReportThousand(_ReportBenchmark):
    name = "report-thousand"
    title = "report of 1,000 strategies × 5 seeds × 20 evaluations, from the store to all files"
    claim = Claim(30, least=False, unit="s")
    strategies, seeds, budget = 1000, 5, 20


def write_run(folder: Path, strategies: int, seeds: int, budget: int) -> None:
    """A finished run whose strategies differ a little."""
    table = speed_table()
    keys = [
        LaneKey(f"strategy-{number:03d}", seed, 0)
        for number in range(strategies)
        for seed in range(seeds)
    ]
    accuracy = dict(zip(bits_of(table.schemes), (table.accuracy - 0.2).tolist(), strict=True))
    with RunFolder(folder).claim(_description(keys, budget)) as store:
        found: dict[str, float] = {}
        for key in keys:
            asked = _search(key, budget, strategies)
            with store.transaction():
                answers = [(accuracy[bits], 1 - accuracy[bits]) for bits in asked]
                lane = store.lane(key)
                store.add_call(lane, 0, Call(asked, answers))
                store.set_fact(
                    f"own seconds of lane {lane}", [[1, 0.001 * n] for n in range(budget)]
                )
                store.end_lane(lane, "finished")
            found |= {bits: accuracy[bits] for bits in asked}
        best = sorted(found, key=lambda bits: -found[bits])[:_TRAINED]
        _finish(store, accuracy, best, keys)


def _description(keys: list[LaneKey], budget: int) -> Description:
    return Description(
        experiment="speed",
        settings={"objective_weight": 0.02, "budget": budget},
        facts={"task": "speed", "fingerprint": "speed"},
        environment={"command": "python -m benchmark speed report"},
        blocks_per_stage=list(_STAGES),
        lanes=keys,
        training=_TRAINING,
        machine=_MACHINE,
    )


def _search(key: LaneKey, budget: int, strategies: int) -> list[str]:
    """Draws that settle towards a scheme of the lane's own."""
    number = int(key.strategy.split("-")[1])
    rng = np.random.default_rng([number, key.strategy_seed])
    wanted = rng.random(sum(_STAGES)) < 0.5 + 0.3 * number / strategies
    sure = np.linspace(0.5, 0.95, budget)[:, None]
    draws = rng.random((budget, sum(_STAGES)))
    return [scheme_bits(scheme) for scheme in np.where(draws < sure, wanted, ~wanted)]


def _finish(store: Store, accuracy: dict[str, float], best: list[str], keys: list[LaneKey]) -> None:
    """The landscape, trainings and costs of the best schemes, and the end."""
    rng = np.random.default_rng(0)
    none, full = "0" * sum(_STAGES), "1" * sum(_STAGES)
    with store.transaction():
        answers = [(value, 1 - value) for value in accuracy.values()]
        store.add_answers(_ORACLE, list(accuracy), answers, seconds=0.01)
        for bits in dict.fromkeys([none, full, *best]):
            for seed in range(_STANDALONE_SEEDS):
                validation, test = (accuracy[bits] + rng.normal(0, 0.004, 2)).tolist()
                record = StandaloneRecord(bits, seed, validation, test, 0.2, 3.0)
                store.add_standalone(_TRAINING, record)
            ratio = 0.02 * (bits.count("1") - len(bits))
            time = Interval(ratio, ratio - 0.01, ratio + 0.01)
            count = 1000 * (50 + bits.count("1"))
            store.add_cost(_MACHINE, CostRecord(bits, count, count, count, 1 + ratio, time, time))
        candidates = [(asdict(key), [best[n % len(best)]]) for n, key in enumerate(keys)]
        store.set_fact("candidates", candidates)
        oracle = {
            "supernet_seed": 0,
            "identity": _ORACLE,
            "facts": {"batch norm": "recalibrated"},
            "original_accuracy": accuracy[none],
            "full_accuracy": accuracy[full],
            "evaluations": len(accuracy),
            "seconds": 0.01 * len(accuracy),
            "training_seconds": 30.0,
        }
        store.set_fact("oracles", [oracle])
        store.set_fact("finished", value=True)
