"""What a store is to hold, as dictionaries, and all that may be written to it."""

import struct
from collections.abc import Callable
from dataclasses import astuple, dataclass, field
from fractions import Fraction
from math import isnan
from typing import Any

from hypothesis import strategies as st

from benchmark.records.run import CostRecord, Interval, LaneKey, LaneState, StandaloneRecord
from benchmark.storage.calls import Answer, Call, Query
from benchmark.storage.store import Store
from tests.costs import cost_record

TEXTS = st.text(st.characters(codec="utf-8"), max_size=12)
"""Any that can be written down, line breaks and zero bytes included."""
NUMBERS = st.floats().filter(lambda value: value != 0 or str(value) == "0.0")
"""NaN and infinities too; of a zero the sign isn't kept."""
BLOCKS = 3
BITS = st.text("01", min_size=BLOCKS, max_size=BLOCKS)
FRACTIONS = st.fractions(Fraction(1, 1000), 1)
NAMES = st.sampled_from(["a", "b", "'; DROP TABLE facts; --"])
KEYS = st.builds(LaneKey, NAMES, st.integers(0, 1), st.integers(0, 1))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)
INTERVALS = st.builds(Interval, *[st.floats(allow_nan=False)] * 3)
CALLS = st.integers(1, 4).flatmap(
    lambda rows: st.builds(
        Call,
        st.lists(BITS, min_size=rows, max_size=rows),
        st.lists(st.tuples(NUMBERS, NUMBERS), min_size=rows, max_size=rows),
        FRACTIONS,
    )
)
QUERIES = st.builds(Query, TEXTS, FRACTIONS, NUMBERS, st.binary(max_size=64))
ANSWERS = st.dictionaries(BITS, st.tuples(NUMBERS, NUMBERS), max_size=4)
TRAININGS = st.builds(
    StandaloneRecord,
    BITS,
    st.integers(0, 3),
    *[NUMBERS] * 3,
    seconds=st.floats(0, 1e9),
    failure=TEXTS,
    best_epoch=st.none() | st.integers(1, 500),
    best_test_accuracy=st.none() | st.floats(0.01, 1),
    figures=st.dictionaries(TEXTS, st.floats(allow_nan=False), max_size=2),
)
COSTS = st.builds(
    cost_record, BITS, *[st.integers(0, 2**70)] * 3, st.floats(0, 1e9), INTERVALS, INTERVALS
)


NEW: tuple[LaneState, str, str] = ("running", "", "")
"""State, message and traceback of a lane that hasn't ended."""


@dataclass
class Model:
    """What a store is to hold, and how it is written to."""

    facts: dict[str, Any] = field(default_factory=dict)
    numbers: dict[LaneKey, int] = field(default_factory=dict)
    ends: dict[LaneKey, tuple[LaneState, str, str]] = field(default_factory=dict)
    calls: dict[LaneKey, list[Call | Query]] = field(default_factory=dict)
    answers: dict[str, dict[str, Any]] = field(default_factory=dict)
    seconds: dict[str, dict[str, float]] = field(default_factory=dict)
    trainings: dict[str, dict[tuple[str, int], StandaloneRecord]] = field(default_factory=dict)
    costs: dict[str, dict[str, CostRecord]] = field(default_factory=dict)

    def without(self, draft: "Model") -> None:
        """Whatever only ``draft`` names is not there."""
        self.facts = dict.fromkeys(draft.facts) | self.facts
        self.ends = dict.fromkeys(draft.ends, NEW) | self.ends
        for name in (*draft.answers, *draft.trainings, *draft.costs):
            self.answers.setdefault(name, {})
            self.seconds.setdefault(name, {})
            self.trainings.setdefault(name, {})
            self.costs.setdefault(name, {})


Write = Callable[[Store, Model], None]
"""Changes a store, and a model in the way in which the store should change."""


def fact(key: str, value: Any) -> Write:
    def write(store: Store, model: Model) -> None:
        store.set_fact(key, value)
        model.facts[key] = value

    return write


def _lane(store: Store, model: Model, key: LaneKey) -> int:
    number = store.lane(key)
    assert number == model.numbers.setdefault(key, number)
    model.ends.setdefault(key, NEW)
    model.calls.setdefault(key, [])
    return number


def call(key: LaneKey, made: Call | Query) -> Write:
    def write(store: Store, model: Model) -> None:
        number = _lane(store, model, key)
        store.add_call(number, len(model.calls[key]), made)
        model.calls[key].append(made)

    return write


def end(key: LaneKey, state: LaneState, message: str, traceback: str) -> Write:
    def write(store: Store, model: Model) -> None:
        store.end_lane(_lane(store, model, key), state, message, traceback=traceback)
        model.ends[key] = (state, message, traceback or model.ends[key][2])

    return write


def answers(oracle: str, new: dict[str, Answer], seconds: float) -> Write:
    def write(store: Store, model: Model) -> None:
        store.add_answers(oracle, list(new), list(new.values()), seconds=seconds)
        model.answers[oracle] = new | model.answers.get(oracle, {})
        times = dict.fromkeys(new, seconds)
        model.seconds[oracle] = times | model.seconds.get(oracle, {})

    return write


def training(name: str, record: StandaloneRecord) -> Write:
    def write(store: Store, model: Model) -> None:
        store.add_standalone(name, record)
        model.trainings.setdefault(name, {}).setdefault((record.bits, record.seed), record)

    return write


def cost(machine: str, record: CostRecord) -> Write:
    def write(store: Store, model: Model) -> None:
        store.add_cost(machine, record)
        model.costs.setdefault(machine, {}).setdefault(record.bits, record)

    return write


WRITES = st.one_of(
    st.builds(fact, TEXTS, JSON),
    st.builds(call, KEYS, CALLS | QUERIES),
    st.builds(end, KEYS, st.sampled_from(["finished", "failed"]), TEXTS, TEXTS),
    st.builds(answers, NAMES, ANSWERS, st.floats(0, 1e9)),
    st.builds(training, NAMES, TRAININGS),
    st.builds(cost, NAMES, COSTS),
)


def check(store: Store, model: Model) -> None:
    """Compare everything, to the last bit."""
    assert len(set(model.numbers.values())) == len(model.numbers)
    for name, value in model.facts.items():
        assert exact(store.fact(name)) == exact(value)
    for key, ended in model.ends.items():
        assert store.lane_end(key) == ended[:2]
    for key, number in model.numbers.items():
        assert store.lane_traceback(number) == model.ends[key][2]
        assert exact(store.calls(number)) == exact(model.calls[key])
        record, full = store.lane_record(key, BLOCKS), _full(model.calls[key])
        assert record.total == float(sum(made.charge for made in model.calls[key]))
        assert exact(list(zip(record.accuracy, record.loss, strict=True))) == exact(full)
    for oracle, known in model.answers.items():
        assert exact(store.answers(oracle)) == exact(known)
        assert exact(store.answer_seconds(oracle)) == exact(model.seconds[oracle])
    for name, trained in model.trainings.items():
        assert exact(store.standalone(name)) == exact(trained)
    for machine, measured in model.costs.items():
        assert exact(store.costs(machine)) == exact(measured)


def _full(calls: list[Call | Query]) -> list[Answer]:
    return [
        answer
        for made in calls
        if isinstance(made, Call) and made.fidelity == 1
        for answer in made.answers
    ]


def exact(value: Any) -> Any:
    """``value`` with its numbers as bits, so that NaN equals NaN and 0 doesn't equal -0."""
    if isinstance(value, float):
        return "NaN" if isnan(value) else struct.pack("<d", value)
    if isinstance(value, dict):
        return {exact(key): exact(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return tuple(exact(item) for item in value)
    if isinstance(value, Call | Query | StandaloneRecord | CostRecord):
        return type(value), exact(astuple(value))
    return type(value), value
