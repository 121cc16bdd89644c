"""What networks cost: one object a kind of cost, which measuring, verdicts and reports all ask.

An `ExactCost` is counted once and compared exactly. A `PairedCost` is sampled in rounds beside
Original and Full-SA, so that the machine's drift hits all three alike, and compared by the interval
of their ratio. To add one, make an object and list it in `COSTS`.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, final

from benchmark.basics.names import referred
from benchmark.records.condition import Condition
from benchmark.records.run import CostRecord, Interval, Measure

LATENCY_TARGET = 0.02
"""Half-width that the interval of a sampled ratio should have: two points."""
Part = Literal["value", "increment", "increment_over_full"]
"""Which number of a `Measure` a column shows."""


@dataclass(frozen=True)
class CostColumn:
    """A column in the table of trained schemes.

    Attributes:
        part: what it shows of a measure.
        key: its name in CSV files.
        heading: for readers.
        description: what it is, in a sentence.
        main: whether it stands among the first columns, which terminals show too.
    """

    part: Part
    key: str
    heading: str
    description: str
    main: bool = False


@dataclass(frozen=True)
class PaperColumn:
    """A column in tables laid out as the paper's: values of an exact cost, increments of others.

    Attributes:
        key: its name in CSV files.
        heading: for readers.
        group: heading above several of them.
        description: what it is, in a sentence.
        unit: of its numbers.
        size: of the unit in those of the cost.
        digits: after the decimal point.
    """

    key: str
    heading: str
    group: str
    description: str
    unit: str = ""
    size: float = 1.0
    digits: int = 2


@dataclass(frozen=True)
class Cost(ABC):
    """A kind of cost.

    Attributes:
        name: under which records hold it.
        words: what it is called in sentences.
        unit: of its values; empty for counts.
        meter: ``module:function`` that measures it. An exact cost's takes a network (in evaluation
            mode) and an image's shape (channels, height, width); a paired one's takes a network
            and a batch of images, and returns what one forward pass takes, in ``unit``.
        less: "fewer parameters", where a scheme has less than Full-SA.
        not_less: "no fewer parameters", where it doesn't.
        strict: whether a ticket must have less of it than Full-SA.
        columns: in the table of trained schemes.
        paper: its column in the paper's tables; None for none.
    """

    name: str
    words: str
    unit: str
    meter: str
    less: str
    not_less: str
    strict: bool
    columns: tuple[CostColumn, ...]
    paper: PaperColumn | None = None

    @final
    def of(self, record: CostRecord | None) -> Measure | None:
        """What was measured of it; None where it wasn't, or not all of it."""
        found = None if record is None else record.measures.get(self.name)
        return found if found is not None and self._is_whole(found) else None

    @final
    def condition(self, ours: CostRecord | None, full: CostRecord | None) -> Condition:
        """Whether a scheme has less of it than Full-SA."""
        return self._compared(self.of(ours), self.of(full))

    @property
    def less_of(self) -> str:
        """``fewer parameters``, ``less inference time``."""
        return f"less {self.words}"

    @abstractmethod
    def _is_whole(self, measure: Measure) -> bool: ...

    @abstractmethod
    def _compared(self, ours: Measure | None, full: Measure | None) -> Condition: ...

    @abstractmethod
    def change(self, ours: Measure, full: Measure) -> float:
        """How much more it is than Full-SA's, as a share of that; below zero where it is less."""

    @abstractmethod
    def shown_in_paper(self, measure: Measure) -> float:
        """What the paper's tables show of it, in units of the cost."""


@final
@dataclass(frozen=True)
class ExactCost(Cost):
    """A cost that is the same on every machine: counted once, compared exactly.

    Attributes:
        verified: whether a ticket file's number must be found again.
    """

    verified: bool = False

    def counted(self, network: object, image_shape: tuple[int, int, int]) -> int | float:
        """How much of it ``network`` has on images of this shape."""
        count: int | float = referred(self.meter)(network, image_shape)
        return count

    @property
    def less_of(self) -> str:
        return self.less

    def _is_whole(self, measure: Measure) -> bool:
        del measure
        return True

    def _compared(self, ours: Measure | None, full: Measure | None) -> Condition:
        if ours is None or full is None:
            return Condition.open(f"{self.words} not counted")
        fewer = bool(ours.value < full.value)
        words = self.less if fewer else self.not_less
        return Condition(fewer, fewer, words, words)

    def change(self, ours: Measure, full: Measure) -> float:
        return ours.value / full.value - 1

    def shown_in_paper(self, measure: Measure) -> float:
        return float(measure.value)


@final
@dataclass(frozen=True)
class PairedCost(Cost):
    """A cost of this machine: sampled beside Original and Full-SA, compared by intervals.

    Attributes:
        quantity: what it is called where an interval is spoken of; empty: as in ``words``.
        noisy: "too noisy to time", where an interval is too wide to tell.
    """

    quantity: str = ""
    noisy: str = "too noisy to tell"

    @property
    def label(self) -> str:
        """What it is called where an interval is spoken of."""
        return self.quantity or self.words

    def _is_whole(self, measure: Measure) -> bool:
        return measure.increment is not None and measure.increment_over_full is not None

    def _compared(self, ours: Measure | None, full: Measure | None) -> Condition:
        del full  # it was sampled beside the scheme
        increment = None if ours is None else ours.increment_over_full
        if increment is None:
            return Condition.open(f"{self.label} not measured")
        point = bool(increment.center < 0)  # NumPy's own booleans fail `is True`
        words = self.less if point else self.not_less
        if increment.high < 0 or increment.low >= 0:
            return Condition(point, point, words, words)
        half = half_width(increment)
        why = f"{self.label} interval includes Full-SA"
        if half > LATENCY_TARGET:
            why = f"{self.noisy} (±{100 * half:.1f} points)"
        return Condition(None, point, why, words, refinable=self.words)

    def change(self, ours: Measure, full: Measure) -> float:
        del full
        assert ours.increment_over_full is not None
        return ours.increment_over_full.center

    def shown_in_paper(self, measure: Measure) -> float:
        assert measure.increment is not None
        return measure.increment.center


def half_width(increment: Interval) -> float:
    """The wider side of the interval of a ratio."""
    return max(increment.high - increment.center, increment.center - increment.low)


PARAMETERS = ExactCost(
    name="parameters",
    words="parameters",
    unit="",
    meter="benchmark.standalone.costs:parameters_of",
    less="fewer parameters",
    not_less="no fewer parameters",
    strict=True,
    verified=True,
    columns=(
        CostColumn(
            *("value", "parameters", "Parameters"),
            "effective: unused attention modules dropped",
            main=True,
        ),
    ),
    paper=PaperColumn(
        *("parameters", "#P", "Parameters", "effective parameters, mean"),
        unit="M",
        size=1e6,
        digits=3,
    ),
)
FLOPS = ExactCost(
    name="FLOPs",
    words="FLOPs",
    unit="",
    meter="benchmark.standalone.costs:count_flops",
    less="fewer FLOPs",
    not_less="no fewer FLOPs",
    strict=False,
    columns=(
        CostColumn("value", "flops", "FLOPs", "of one image's forward pass, 2 per multiply-add"),
    ),
)
TIME = PairedCost(
    name="time",
    words="inference time",
    quantity="latency",
    unit="ms",
    meter="benchmark.standalone.costs:timed",
    less="faster",
    not_less="no faster",
    noisy="too noisy to time",
    strict=True,
    columns=(
        CostColumn(
            *("increment_over_full", "latency_to_full_sa", "Latency to Full-SA"),
            "inference time relative to Full-SA, minus 1; in its own row Full-SA is timed beside "
            "itself, which shows how exact timing was",
            main=True,
        ),
        CostColumn(
            *("increment", "latency_increment", "Latency over Original"),
            "inference time relative to Original, minus 1",
        ),
        CostColumn(
            *("value", "milliseconds", "Time"), "median of one forward pass of the latency batch"
        ),
    ),
    paper=PaperColumn(
        *("time", "Time", "Relative time increment"),
        "relative increment of inference time over Original, mean",
    ),
)

COSTS: dict[str, Cost] = {cost.name: cost for cost in (PARAMETERS, FLOPS, TIME)}
"""Every kind of cost by name, in the order of tables."""


def strict_costs() -> Sequence[Cost]:
    """Those of which a ticket must have less than Full-SA."""
    return [cost for cost in COSTS.values() if cost.strict]


def paper_costs() -> Mapping[Cost, PaperColumn]:
    """Those that the paper's tables show, and as what column."""
    return {cost: cost.paper for cost in COSTS.values() if cost.paper is not None}


def exact_costs() -> Sequence[ExactCost]:
    """Those that are counted once."""
    return [cost for cost in COSTS.values() if isinstance(cost, ExactCost)]


def sampled_costs() -> Sequence[PairedCost]:
    """Those that are sampled beside Original and Full-SA."""
    return [cost for cost in COSTS.values() if isinstance(cost, PairedCost)]
