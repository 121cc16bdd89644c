"""What a run leaves behind, as plain data: written by the store, read by reports."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Literal, final

import numpy as np
from jaxtyping import Bool, Float64, Int64

from benchmark.basics.bounds import ANY, COUNT, FIGURE, LOSS, PASSED, PLACES, SCORE, SEED, WIDE
from benchmark.records.kinds import OracleKind, kind_of
from benchmark.records.objective import Objective

if TYPE_CHECKING:
    from pydantic_core import CoreSchema

LaneState = Literal["running", "finished", "failed"]
STRICT: Any = {"extra": "forbid", "ser_json_inf_nan": "strings"}
"""How pydantic reads records from files and writes them: nothing unknown, strict JSON."""


@dataclass(frozen=True)
class LaneKey:
    """One run: a strategy and its seed on one supernet."""

    strategy: str
    strategy_seed: int
    supernet_seed: int


@dataclass(frozen=True)
class LaneRecord:
    """A lane with the full answers it was given, in the order in which it asked.

    Attributes:
        key: strategy and seeds.
        state: ``running`` until it finished its budget or space, or failed.
        message: why it failed; empty otherwise.
        schemes: one row a full answer; partial ones are charged for and count for nothing else.
        accuracy: of each row on the validation split, in [0, 1].
        loss: of each row, mean nats.
        own_seconds: processor time that the strategy itself had used when it asked for each
            row; None where it isn't known (a lane that hasn't ended, a run of an older version).
        charged: evaluations charged by the time each row was answered.
        total: evaluations charged in all.
        traceback: of what ended it, where that was an error; empty otherwise.
        opened: files, databases and connections that the strategy reached for while it searched,
            which are none of its business; only known of those in processes of their own.
    """

    key: LaneKey
    state: LaneState
    message: str
    schemes: Bool[np.ndarray, "answers blocks"]
    accuracy: Float64[np.ndarray, " answers"]
    loss: Float64[np.ndarray, " answers"]
    charged: Float64[np.ndarray, " answers"]
    total: float
    own_seconds: Float64[np.ndarray, " answers"] | None = None
    traceback: str = ""
    opened: tuple[str, ...] = ()

    @property
    def note(self) -> str:
        """Why it failed, and what its strategy opened; empty where there is nothing to say."""
        opened = f"opened {', '.join(self.opened)} while it searched" if self.opened else ""
        return "; ".join(filter(None, (self.message, opened)))

    def answered_by(self, evaluations: Int64[np.ndarray, " n"]) -> Int64[np.ndarray, " n"]:
        """Rows that are answered once so many evaluations have been charged."""
        return np.searchsorted(self.charged, evaluations, side="right").astype(np.int64)


@dataclass(frozen=True)
class StandaloneRecord:
    """One network of one scheme, trained from scratch; scores after the last epoch.

    Attributes:
        bits: the scheme.
        seed: of initial weights, data order and draws, shared by all schemes.
        validation_accuracy: in [0, 1]; picks among candidates.
        test_accuracy: in [0, 1]; what is reported.
        test_loss: mean nats.
        seconds: training time on this machine.
        failure: why there are no scores (they are NaN); empty otherwise.
        best_epoch: the epoch, from 1, of the highest test accuracy; None unless every epoch
            was scored.
        best_test_accuracy: of that epoch. Picked on the test split, so too high: it is the
            authors' way, shown beside the last epoch's and never judged by.
        figures: of the test split in the field's own units, by name; none where that is
            accuracy.
    """

    __pydantic_config__ = STRICT

    bits: str
    seed: Annotated[int, SEED]
    validation_accuracy: Annotated[float, SCORE]
    test_accuracy: Annotated[float, SCORE]
    test_loss: Annotated[float, LOSS]
    seconds: Annotated[float, PASSED]
    failure: str = ""
    best_epoch: Annotated[int, COUNT] | None = None
    best_test_accuracy: Annotated[float, SCORE] | None = None
    figures: dict[str, Annotated[float, FIGURE]] = field(default_factory=dict)


@dataclass(frozen=True)
class FigureKind:
    """A figure in which a field reports its results; see `tasks.metrics.Figure`."""

    __pydantic_config__ = STRICT

    name: str
    unit: str = ""
    digits: Annotated[int, PLACES] = 2
    lower_is_better: bool = False


@dataclass(frozen=True)
class Interval:
    """An estimate and the bounds of its interval."""

    __pydantic_config__ = STRICT

    center: Annotated[float, ANY]
    low: Annotated[float, ANY]
    high: Annotated[float, ANY]


@final
class _Amount:
    """Numbers from zero on, of which pydantic leaves whole ones whole."""

    @staticmethod
    def read(value: Any) -> int | float:
        number: float = PASSED.read(value)
        return int(number) if isinstance(value, int) else number

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> "CoreSchema":
        from pydantic_core import core_schema  # noqa: PLC0415 - records alone need none of it

        return core_schema.no_info_before_validator_function(self.read, handler(source))


@dataclass(frozen=True)
class Measure:
    """How much of one kind of cost a network has.

    Attributes:
        value: in the cost's unit; of what is sampled the median.
        increment: ratio to Original minus 1; None for what is counted.
        increment_over_full: ratio to Full-SA minus 1; None for what is counted.
    """

    __pydantic_config__ = STRICT

    value: Annotated[int | float, _Amount()]
    increment: Interval | None = None
    increment_over_full: Interval | None = None


@dataclass(frozen=True)
class CostRecord:
    """What the stand-alone network of a scheme costs on one machine.

    Attributes:
        bits: the scheme.
        parameters_as_built: of the supernet, unused SAMs counted too.
        measures: by name of the cost; see `benchmark.records.costs.COSTS`.
    """

    __pydantic_config__ = STRICT

    bits: str
    parameters_as_built: Annotated[int, WIDE]
    measures: dict[str, Measure]

    @staticmethod
    def read(values: Mapping[str, Any]) -> "CostRecord":
        """A record from its JSON values, or from those of versions that knew three costs alone.

        Raises:
            LookupError, TypeError: it has another form.
        """
        measures = values["measures"] if "measures" in values else _three_costs(values)
        return CostRecord(
            values["bits"],
            values["parameters_as_built"],
            {name: _measure(**one) for name, one in measures.items()},
        )


def _three_costs(values: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    timed = {name: values[name] for name in ("increment", "increment_over_full")}
    return {
        "parameters": {"value": values["parameters"]},
        "FLOPs": {"value": values["flops"]},
        "time": {"value": values["milliseconds"], **timed},
    }


def _measure(
    value: int | float,  # noqa: PYI041 - typeguard tells them apart
    increment: dict[str, Any] | None = None,
    increment_over_full: dict[str, Any] | None = None,
) -> Measure:
    return Measure(
        value,
        None if increment is None else Interval(**increment),
        None if increment_over_full is None else Interval(**increment_over_full),
    )


@dataclass(frozen=True)
class OracleRecord:
    """A frozen supernet and how it is asked.

    Attributes:
        supernet_seed: seed of its weights, draws and training schemes.
        identity: content hash of everything that its answers depend on.
        facts: named properties in display order (batch-norm mode, split sizes, …).
        original_accuracy: validation accuracy of the scheme without connections.
        full_accuracy: validation accuracy of Full-SA.
        schemes: rows of the landscape; none unless it was tabulated.
        accuracy: of each row of the landscape.
        evaluations: schemes that the machine really scored in this run.
        seconds: machine time of scoring in this run.
        training_seconds: machine time of training the supernet, whenever that was.
    """

    supernet_seed: int
    identity: str
    facts: dict[str, Any]
    original_accuracy: float
    full_accuracy: float
    schemes: Bool[np.ndarray, "n blocks"]
    accuracy: Float64[np.ndarray, " n"]
    evaluations: int
    seconds: float
    training_seconds: float


@dataclass(frozen=True)
class OracleAnswers:
    """What one oracle says of schemes that were trained from scratch.

    Attributes:
        batch_norm: its statistics at scoring time.
        supernet_seed: which supernet.
        accuracy: on the validation split, by scheme.
    """

    batch_norm: str
    supernet_seed: int
    accuracy: dict[str, float]


@dataclass(frozen=True)
class CamRecord:
    """Where one stand-alone network finds the evidence for a test image's class (Grad-CAM).

    Attributes:
        bits: its scheme.
        seed: of its training.
        row: of the image in the test split.
        stage: behind whose last block the map was taken, counted from 1.
        target: class of the image; the map is for it.
        score: its probability, in [0, 1].
        predicted: class of the highest probability.
        test_accuracy: of the network, trained again, in [0, 1].
        picture: the image for people, base64 of a PNG.
        tiles: equal parts of the picture, side by side, that the map belongs to.
        heat: rows of the map, in [0, 1].
    """

    bits: str
    seed: int
    row: int
    stage: int
    target: int
    score: float
    predicted: int
    test_accuracy: float
    picture: str
    tiles: int
    heat: list[list[float]]


@dataclass(frozen=True)
class RaceRecord:
    """One strategy's search of one instance of a known landscape.

    Attributes:
        strategy: its name.
        landscape: its name.
        seed: of the instance, shared by all strategies, and of the strategy.
        regret: after each evaluation of the budget, what the scheme with the best answer
            so far lacks to the optimum: accuracy in [0, 1], noise aside. A search that
            finished early keeps its best; empty if it failed.
        seconds: processor time that the strategy itself took an evaluation.
        message: why it failed or is not applicable; empty otherwise.
        applicable: whether the landscape offers what the strategy needs.
    """

    strategy: str
    landscape: str
    seed: int
    regret: Float64[np.ndarray, " evaluations"]
    seconds: float
    message: str = ""
    applicable: bool = True


@dataclass(frozen=True)
class TuningRecord:
    """What tuning one strategy's hyper-parameters found, cost and brings.

    Attributes:
        strategy: its name.
        landscapes: names.
        seeds: instances of each to tune on, and as many others to judge by.
        trials: settings that were tried.
        failed: those of them that the strategy could not run with.
        values: the best, where they differ from the defaults.
        evaluations: budget of all searches of the tuning together.
        seconds: wall time of the tuning.
        default_regret: accuracy lacking to the optimum, on instances not tuned on.
        tuned_regret: the same with the best settings.
        gain: mean of the paired differences, with a 95% interval over instances.
    """

    strategy: str
    landscapes: tuple[str, ...]
    seeds: int
    trials: int
    failed: int
    values: tuple[tuple[str, bool | int | float | str | None], ...]
    evaluations: int
    seconds: float
    default_regret: float
    tuned_regret: float
    gain: Interval

    def advice(self) -> str:
        """How to use what was found, in one line."""
        if not self.values:
            found = (
                f"none of {self.trials - 1} others did better" if self.trials > 1 else "no others"
            )
            return f"{self.strategy}: its defaults ({found})"
        flags = (f"--set {self.strategy}.{name}={value}" for name, value in self.values)
        return " ".join(flags)


@dataclass(frozen=True)
class RunRecords:
    """Everything a report is made from.

    Attributes:
        experiment: identity of the settings that determine the results.
        settings: those settings by name.
        facts: the task's splits and their fingerprint.
        environment: versions, machine, command.
        blocks_per_stage: shape of a scheme.
        lanes: in the order of strategies on the command line, then seeds.
        oracles: one a supernet seed.
        standalone: every training of a candidate, Original and Full-SA.
        costs: one a scheme that was trained.
        candidates: the schemes (bits) that each lane sent to stand-alone training, best first.
        finished: whether the run came to its end.
        answers: of every supernet in both batch-norm modes, on all schemes of ``standalone`` and
            ``outside``; none before they were trained.
        outside: trainings of the same task, network and recipe that are not of this run.
        outside_source: what these are called; empty without any.
        cams: Grad-CAM maps, where they were asked for.
        figures: in which the task's field reports, the main one first; none where that is accuracy.
        objective_facts: what the objective's rewards need beside settings; see `Objective.needs`.
    """

    experiment: str
    settings: dict[str, Any]
    facts: dict[str, Any]
    environment: dict[str, Any]
    blocks_per_stage: tuple[int, ...]
    lanes: list[LaneRecord]
    oracles: list[OracleRecord]
    standalone: list[StandaloneRecord]
    costs: list[CostRecord]
    candidates: dict[LaneKey, list[str]] = field(default_factory=dict)
    finished: bool = False
    answers: list[OracleAnswers] = field(default_factory=list)
    outside: list[StandaloneRecord] = field(default_factory=list)
    outside_source: str = ""
    cams: list[CamRecord] = field(default_factory=list)
    figures: tuple[FigureKind, ...] = ()
    objective_facts: dict[str, Any] = field(default_factory=dict)

    @property
    def kind(self) -> OracleKind:
        """The kind of oracle that the run searched, as its setting ``oracle`` says."""
        return kind_of(self.settings.get("oracle"))

    @property
    def supernets(self) -> int:
        """Supernets that its lanes search, searched to the end or not."""
        known = {lane.key.supernet_seed for lane in self.lanes}
        return len(known | {oracle.supernet_seed for oracle in self.oracles})

    @property
    def objective(self) -> Objective:
        """What the searches of this run maximised."""
        return Objective.of(self.settings, self.objective_facts)
