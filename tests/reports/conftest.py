"""Synthetic runs: a closed-form oracle, three strategies of known order, stand-alone noise."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from jaxtyping import Bool, Float64

from benchmark.records.run import (
    CostRecord,
    Interval,
    LaneKey,
    LaneRecord,
    OracleAnswers,
    OracleRecord,
    RunRecords,
    StandaloneRecord,
)
from benchmark.records.schemes import all_schemes, bits_scheme, scheme_bits
from tests.costs import cost_record

STAGES = (4, 4, 4)
BLOCKS = sum(STAGES)
WEIGHT = 0.02
WORTH = np.array([4, -3, 2, 1, -2, 5, 1, -1, 6, 2, -4, 3]) / 2_000
MakeRecords = Callable[..., RunRecords]


def accuracy_of(
    schemes: Bool[np.ndarray, "n blocks"], supernet_seed: int
) -> Float64[np.ndarray, " n"]:
    """What the made-up oracle of a supernet answers."""
    shift = 0.002 * supernet_seed
    pairs = 0.002 * (schemes[:, 0] & schemes[:, 8])
    return np.asarray(np.round(0.925 + shift + schemes @ WORTH + pairs, 4), dtype=np.float64)


def make_lane(key: LaneKey, quality: float, evaluations: int) -> LaneRecord:
    """Independent draws; ``quality`` is the chance that a block is set the better way."""
    rng = np.random.default_rng([key.strategy_seed, key.supernet_seed, int(quality * 1000)])
    right = rng.random((evaluations, BLOCKS)) < quality
    schemes = np.where(right, WORTH > 0.0017, WORTH <= 0.0017)
    accuracy = accuracy_of(schemes, key.supernet_seed)
    charged = np.arange(1.0, evaluations + 1)
    loss = 1 - accuracy
    return LaneRecord(key, "finished", "", schemes, accuracy, loss, charged, float(evaluations))


def make_oracle(seed: int, *, tabulated: bool) -> OracleRecord:
    schemes = all_schemes(BLOCKS) if tabulated else np.zeros((0, BLOCKS), dtype=bool)
    ends = accuracy_of(np.array([[False] * BLOCKS, [True] * BLOCKS]), seed)
    return OracleRecord(
        supernet_seed=seed,
        identity=f"{seed:02d}c0ffee" * 8,
        facts={"batch norm": "recalibrated", "retain probability": 0.5, "validation rows": 10_000},
        original_accuracy=float(ends[0]),
        full_accuracy=float(ends[1]),
        schemes=schemes,
        accuracy=accuracy_of(schemes, seed) if tabulated else np.zeros(0),
        evaluations=900,
        seconds=12.5,
        training_seconds=80.0,
    )


def make_standalone(bits: str, seed: int, noise: float) -> StandaloneRecord:
    rng = np.random.default_rng([int(bits, 2), seed])
    shared = np.random.default_rng(seed).normal(0, 0.004)
    truth = float(accuracy_of(bits_scheme(bits)[None], 0)[0]) + shared
    validation, test = truth + rng.normal(0, noise, 2)
    return StandaloneRecord(bits, seed, validation, round(test - 0.004, 4), 0.2, 31.0)


def make_cost(bits: str) -> CostRecord:
    scheme = bits_scheme(bits)
    units = int(scheme @ np.repeat([580, 2184, 8464], 4))
    increment = 0.03 * scheme.sum()
    ratio = (1 + increment) / (1 + 0.03 * BLOCKS) - 1
    return cost_record(
        bits=bits,
        as_built=473_892,
        parameters=428_980 + units,
        flops=60_000_000 + 3 * units,
        milliseconds=10.0 * (1 + increment),
        increment=Interval(increment, increment - 0.01, increment + 0.01),
        increment_over_full=Interval(ratio, ratio - 0.01, ratio + 0.01),
    )


def _records(
    *,
    strategies: dict[str, float] | None = None,
    lanes: int = 5,
    supernets: int = 1,
    evaluations: int = 60,
    seeds: int = 4,
    tabulated: bool = True,
    noise: float = 0.002,
) -> RunRecords:
    keys = [
        (LaneKey(name, seed, net), quality)
        for name, quality in (strategies or {"ean": 0.8, "ga": 0.7, "random": 0.5}).items()
        for net in range(supernets)
        for seed in range(lanes)
    ]
    records = [make_lane(key, quality, evaluations) for key, quality in keys]
    candidates = {lane.key: _best_three(lane) for lane in records}
    trained = ["0" * BLOCKS, "1" * BLOCKS, *(b for found in candidates.values() for b in found)]
    return RunRecords(
        experiment="4f1d" * 16,
        settings={"objective_weight": WEIGHT, "budget": evaluations, "task": "digits"},
        facts={"task": "digits", "validation rows": 10_000, "test rows": 10_000},
        environment={"command": "ticket-benchmark run --budget 60", "python": "3.11.9"},
        blocks_per_stage=STAGES,
        lanes=records,
        oracles=[make_oracle(net, tabulated=tabulated) for net in range(supernets)],
        standalone=[
            make_standalone(bits, seed, noise)
            for bits in dict.fromkeys(trained)
            for seed in range(seeds)
        ],
        costs=[make_cost(bits) for bits in dict.fromkeys(trained)],
        candidates=candidates,
        finished=True,
    )


def _best_three(lane: LaneRecord) -> list[str]:
    reward = lane.accuracy + WEIGHT * (1 - lane.schemes.mean(axis=1))
    order = np.argsort(-reward, kind="stable")
    return list(dict.fromkeys(scheme_bits(lane.schemes[i]) for i in order))[:3]


@pytest.fixture(scope="session")
def make_records() -> MakeRecords:
    """Builds a run; keyword arguments vary it."""
    return _records


@pytest.fixture(scope="session")
def records() -> RunRecords:
    """Three strategies × five seeds on one tabulated supernet, four stand-alone seeds."""
    return _records()


@pytest.fixture(scope="session")
def two_modes(records: RunRecords) -> RunRecords:
    """See `in_two_modes`."""
    return in_two_modes(records)


def in_two_modes(records: RunRecords) -> RunRecords:
    """The same, its trained schemes asked about in both modes, and others trained elsewhere.

    Recalibrated answers are the truth, running ones the truth upside down.
    """
    outside = ["0" * BLOCKS, *(f"{number:012b}" for number in range(100, 4000, 130))]
    trained = [item.bits for item in records.standalone]
    schemes = list(dict.fromkeys([*trained, *outside]))
    truth = {bits: float(accuracy_of(bits_scheme(bits)[None], 0)[0]) for bits in schemes}
    return replace(
        records,
        settings=records.settings | {"batch_norm": "recalibrated"},
        answers=[
            OracleAnswers("recalibrated", 0, truth),
            OracleAnswers("running", 0, {bits: 1.8 - value for bits, value in truth.items()}),
        ],
        outside=[make_standalone(bits, seed, 0.002) for bits in outside for seed in range(4)],
        outside_source="elsewhere.json",
    )


@pytest.fixture(scope="session")
def failed_lane(records: RunRecords) -> RunRecords:
    """The same with ga's lane of seed 1 broken off after 20 evaluations."""
    key = LaneKey("ga", 1, 0)
    return replace(
        records,
        lanes=[_broken(lane) if lane.key == key else lane for lane in records.lanes],
        candidates={k: found for k, found in records.candidates.items() if k != key},
    )


def _broken(lane: LaneRecord) -> LaneRecord:
    return cut(lane, 20, state="failed", message="StrategyError: no <parents> left & | gone")


def cut(lane: LaneRecord, evaluations: int, **changes: Any) -> LaneRecord:
    """The lane as it was after so many evaluations."""
    return replace(
        lane,
        schemes=lane.schemes[:evaluations],
        accuracy=lane.accuracy[:evaluations],
        loss=lane.loss[:evaluations],
        charged=lane.charged[:evaluations],
        total=float(evaluations),
        own_seconds=None if lane.own_seconds is None else lane.own_seconds[:evaluations],
        **changes,
    )


@pytest.fixture(scope="session")
def unfinished(records: RunRecords) -> RunRecords:
    """Lanes still running, the slowest at 30 evaluations; nothing trained yet."""
    lanes = [
        cut(lane, 30 + number % 3, state="running") for number, lane in enumerate(records.lanes)
    ]
    return replace(records, lanes=lanes, standalone=[], costs=[], candidates={}, finished=False)


@pytest.fixture(scope="session")
def hostile() -> RunRecords:
    """A strategy whose name is markup."""
    return _records(strategies={"</script><b>bold</b>": 0.8, "a|b": 0.5}, lanes=3, seeds=2)
