"""Searches as TensorBoard reads them, beside the curves of supernet training."""

import re
from collections.abc import Callable
from math import ceil, isnan
from pathlib import Path
from typing import Any

from benchmark.basics.errors import UsageError
from benchmark.basics.tensorboard import summary_writer
from benchmark.records.run import LaneRecord, RunRecords
from reports.numbers.statistics import best_so_far


def write_search_curves(
    records: RunRecords, folder: Path, *, on_lane: Callable[[int], None] = lambda _: None
) -> list[Path]:
    """Write event files, a folder a lane; a step is an evaluation that it was charged.

    Args:
        records: of the run, finished or not.
        folder: that TensorBoard is given; training curves may lie there too.
        on_lane: told about every lane.

    Returns:
        The lanes' folders.

    Raises:
        UsageError: a lane's folder exists, or TensorBoard's package is missing.
    """
    places = {lane.key: folder / "search" / _place(lane) for lane in records.lanes}
    for place in places.values():
        if place.exists():
            raise UsageError(f"{place} exists; choose another folder, or delete it first")
    writer_at = summary_writer()
    for lane in records.lanes:
        with writer_at(str(places[lane.key])) as writer:
            _write_lane(records, lane, writer)
        on_lane(1)
    return list(places.values())


def _place(lane: LaneRecord) -> str:
    key = lane.key
    name = re.sub(r"[^\w-]+", "_", key.strategy)
    return f"{name}-seed-{key.strategy_seed}-supernet-{key.supernet_seed}"


def _write_lane(records: RunRecords, lane: LaneRecord, writer: Any) -> None:
    rewards = records.objective.reward(lane.schemes, lane.accuracy)
    curves = {
        "search/reward": rewards,
        "search/best reward": best_so_far(rewards),
        "search/accuracy": lane.accuracy,
        "search/loss": lane.loss,
        "search/connections": lane.schemes.sum(axis=1),
    }
    for name, values in curves.items():
        for charged, value in zip(lane.charged.tolist(), values.tolist(), strict=True):
            if not isnan(value):
                # Seconds since 1970 are evaluations too: a search keeps no dates.
                writer.add_scalar(name, value, ceil(charged), walltime=charged)
