"""Change request: accuracy − measured latency as objective. One file: the objective."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, final

import numpy as np
import pytest
from jaxtyping import Bool, Float64

from benchmark.basics.errors import UsageError
from benchmark.planning.plan import Plan
from benchmark.planning.settings import Settings
from benchmark.records.costs import TIME
from benchmark.records.objective import Objective
from benchmark.records.objectives import OBJECTIVES
from benchmark.standalone.costs import measure_costs
from benchmark.studies.experiment import run
from benchmark.watching.snapshots import look
from tests.extensions.conftest import Written

MEASURED: list[int] = []
"""Blocks of each network that was measured."""


def block_times(plan: Plan) -> list[float]:
    """What the module of each block adds to Original's inference time, as a share of it."""
    MEASURED.append(plan.blocks)
    alone = ["0" * block + "1" + "0" * (plan.blocks - block - 1) for block in range(plan.blocks)]
    found = [
        TIME.of(measure_costs(plan.network, bits, plan.task.image_shape, rounds=2, batch=1))
        for bits in alone
    ]
    return [time.increment.center for time in found if time and time.increment]


@final
@dataclass(frozen=True)
class Latency(Objective):
    """Accuracy − ``weight`` · relative inference time that the connected blocks add."""

    formula = "accuracy − w · added inference time"
    needs: ClassVar = {"block times": f"{__name__}:block_times"}

    weight: float
    times: tuple[float, ...]

    @classmethod
    def made(cls, settings: Mapping[str, Any], facts: Mapping[str, Any]) -> "Objective":
        return cls(float(settings["objective_weight"]), tuple(facts["block times"]))

    def reward(
        self, schemes: Bool[np.ndarray, "schemes blocks"], accuracy: Float64[np.ndarray, " schemes"]
    ) -> Float64[np.ndarray, " schemes"]:
        added: Float64[np.ndarray, " schemes"] = schemes @ np.array(self.times)
        return accuracy - self.weight * added

    @property
    def words(self) -> str:
        return self.formula.replace("w", f"{self.weight:g}", 1)

    @property
    def traits(self) -> dict[str, float]:
        return {"w": self.weight, **{f"time {n}": one for n, one in enumerate(self.times)}}


@pytest.fixture(autouse=True)
def _registered() -> Iterator[None]:
    MEASURED.clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(OBJECTIVES, "latency", f"{__name__}:Latency")
        yield


def test_a_registered_objective_is_in_search_page_csv_and_watch(
    written: Callable[..., Written], tmp_path: Path
) -> None:
    found = written(objective="latency", objective_weight=0.25)
    records = found.report.records
    objective = records.objective
    assert isinstance(objective, Latency)
    assert len(objective.times) == sum(records.blocks_per_stage)
    (lane,) = records.lanes
    rewards = lane.accuracy - 0.25 * (lane.schemes @ np.array(objective.times))
    (standing,) = found.report.analysis.ranking.standings
    assert standing.reward is not None
    assert standing.reward.center == rewards.max()
    best = lane.schemes[np.argmax(rewards)]
    assert records.candidates[lane.key][0] == "".join(str(int(bit)) for bit in best)
    assert "Best reward = accuracy − 0.25 · added inference time" in found.page
    assert "What strategies maximise: accuracy − w · added inference time" in found.page
    assert f"{100 * rewards.max():.10g}" in found.csv["evaluations"]
    assert look(tmp_path / "run").lanes[0].best == rewards.max()
    # What it needs is measured once a run.
    again = written(objective="latency", objective_weight=0.25)
    assert again.report.records.objective == objective
    assert len(MEASURED) == 1


def test_a_run_that_has_not_come_to_measuring_it_has_no_rewards_yet() -> None:
    objective = Objective.of({"objective": "latency", "objective_weight": 0.1})
    assert np.isnan(objective.reward(np.ones((1, 2), dtype=bool), np.ones(1))).all()
    assert objective.brief == Latency.formula


def test_a_table_has_no_networks_to_measure() -> None:
    settings = Settings(objective="latency", oracle="table.parquet")
    with pytest.raises(UsageError, match="objective 'latency' needs block times of networks"):
        run(settings)


def test_an_unknown_objective_is_refused_in_a_line() -> None:
    with pytest.raises(UsageError, match="unknown objective 'latencies'; did you mean 'latency'"):
        Settings(objective="latencies")
