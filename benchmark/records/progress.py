"""How far a run has come at one moment: a record for terminals, pages and logs."""

from dataclasses import dataclass
from typing import Literal

from benchmark.records.run import LaneKey, LaneState

Stage = Literal["preparing", "searching", "training", "measuring", "finished"]


@dataclass(frozen=True)
class LaneProgress:
    """How far one lane has come.

    Attributes:
        key: strategy and seeds.
        state: ``running`` until it ended.
        charged: evaluations.
        best: highest reward of a full answer; NaN before the first.
        message: why it failed.
    """

    key: LaneKey
    state: LaneState
    charged: float
    best: float
    message: str = ""


@dataclass(frozen=True)
class Snapshot:
    """A run at one moment.

    Attributes:
        task: its name.
        experiment: identity of its settings.
        stage: what it is doing.
        budget: evaluations that each lane may spend.
        lanes: in display order.
        actual: evaluations that the machine had to make for them, whoever asked; answers that
            a cache of other runs already held count as if they had been made.
        trained: networks trained from scratch.
        to_train: as many as there will be; None before candidates are chosen.
        seconds: of one such training, mean; NaN before the first.
        measured: schemes whose costs are known.
        to_measure: as many as there will be; None before candidates are chosen.
        workers: processes of the run.
        working: whether a process holds the run's folder; None where that can't be seen.
    """

    task: str
    experiment: str
    stage: Stage
    budget: int
    lanes: tuple[LaneProgress, ...]
    actual: float
    trained: int
    to_train: int | None
    seconds: float
    measured: int
    to_measure: int | None
    workers: int
    working: bool | None = None

    @property
    def charged(self) -> float:
        """Evaluations charged to all lanes."""
        return sum(lane.charged for lane in self.lanes)

    @property
    def left(self) -> float:
        """Evaluations that lanes may still be charged."""
        return sum(self.budget - lane.charged for lane in self.lanes if lane.state == "running")

    @property
    def over(self) -> bool:
        """Whether nothing will change any more: finished, or nobody is at work."""
        return self.stage == "finished" or self.working is False
