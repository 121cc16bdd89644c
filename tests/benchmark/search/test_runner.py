from collections.abc import Callable
from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmark.records.objective import Connections
from benchmark.records.run import LaneKey
from benchmark.search.runner import Lane, search
from benchmark.search.wrappers import CachedOracle
from benchmark.storage.store import Store
from strategies.base import Answers, GateQuestion, Request, Schemes, SearchSpace, Strategy
from strategies.random import Random
from tests.benchmark.formula import Formula, PartialFormula

SPACE = SearchSpace((2, 2), budget=6)


class Scripted(Strategy):
    """Asks what it was given, whatever it is told."""

    name = "scripted"
    summary = "asks what it was given"
    source = "this test"

    def __init__(self, script: list[object]) -> None:
        super().__init__(SPACE, rng=np.random.default_rng(0))
        self.script = list(script)
        self.told: list[Answers] = []

    def ask(self, n: int) -> Schemes | Request:  # noqa: ARG002 - deaf on purpose
        step = self.script.pop(0) if self.script else np.empty((0, 4), dtype=bool)
        if isinstance(step, BaseException):
            raise step
        return step  # type: ignore[return-value]  # some scripts are wrong on purpose

    def tell(self, schemes: Schemes, answers: Answers) -> None:
        self.told.append(answers)
        if np.array_equal(schemes, np.ones((1, 4))):
            raise RuntimeError("can't learn this")


class Bench:
    """Runs lanes on one formula."""

    def __init__(self, path: Path) -> None:
        self.store = Store(path / "run.sqlite")
        self.formula: Formula = Formula([0.1, 0.2, 0.3, 0.4])
        self.oracle = CachedOracle(self.formula, Store(path / "cache.sqlite"))

    def run(self, budget: int = SPACE.budget, /, **makers: Callable[[], Strategy]) -> None:
        lanes = [
            Lane(LaneKey(name, 0, 0), make, self.oracle, self.store, budget)
            for name, make in makers.items()
        ]
        search(lanes, self.oracle, self.store, Connections(0.5))

    def ended(self, name: str) -> tuple[str, str, list[list[int]]]:
        record = self.store.lane_record(LaneKey(name, 0, 0), 4)
        return record.state, record.message, record.schemes.astype(int).tolist()


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def rows(*bits: str) -> np.ndarray:
    return np.array([[bit == "1" for bit in row] for row in bits])


def test_rewards_are_accuracy_and_the_price_of_connections() -> None:
    rewards = Connections(0.5).reward(rows("0000", "1100", "1111"), np.array([0.1, 0.2, 0.3]))
    assert rewards.tolist() == pytest.approx([0.6, 0.45, 0.3])


def test_all_lanes_of_a_round_become_one_call(bench: Bench) -> None:
    bench.run(
        one=lambda: Scripted([rows("1000", "0100"), rows("0010")]),
        two=lambda: Scripted([rows("0001"), rows("1000", "0011")]),
    )
    assert bench.formula.asked == [3, 2]  # 1000 is known in the second round
    assert bench.ended("one") == ("finished", "", [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]])
    assert bench.ended("two")[2] == [[0, 0, 0, 1], [1, 0, 0, 0], [0, 0, 1, 1]]


def test_a_strategy_is_told_rewards_accuracy_and_loss(bench: Bench) -> None:
    strategy = Scripted([rows("1000")])
    bench.run(one=lambda: strategy)
    (answers,) = strategy.told
    assert answers.accuracy.tolist() == pytest.approx([0.025])
    assert answers.reward.tolist() == pytest.approx([0.025 + 0.5 * 0.75])
    assert answers.loss.tolist() == pytest.approx([0.975])


def test_a_lane_ends_when_its_budget_is_spent(bench: Bench) -> None:
    bench.run(one=lambda: Scripted([rows("1000")] * 99))
    state, _, schemes = bench.ended("one")
    assert (state, len(schemes)) == ("finished", SPACE.budget)


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (ValueError("no\nidea"), "ValueError: no idea (test_runner.py, line "),
        (SystemExit(3), "SystemExit: 3 (test_runner.py, line "),
        (None, "received object of ()"),
        ([[True] * 4, [True]], "ValueError: "),
        (rows("10"), "expected a boolean matrix"),
        (rows("1000").astype(int), "received int64"),
        (rows(*["1000"] * 7), "asked for 7 evaluations with 5 left"),
        (rows("1111"), "RuntimeError: can't learn this"),
    ],
)
def test_a_faulty_strategy_ends_its_lane_and_no_other(
    bench: Bench, step: object, message: str
) -> None:
    bench.run(
        bad=lambda: Scripted([rows("0001"), step, rows("0001")]),
        good=lambda: Scripted([rows("1000")] * 3),
    )
    state, received, _ = bench.ended("bad")
    assert state == "failed"
    assert message in received
    assert bench.ended("good") == ("finished", "", [[1, 0, 0, 0]] * 3)


def test_a_strategy_that_is_deaf_fails_once_its_budget_is_spent(bench: Bench) -> None:
    budget = 20
    bench.run(
        budget,
        deaf=lambda: Scripted([rows("1000", "0100")] * 99),
        converged=lambda: Scripted([rows("0001", "0100"), *[rows("1000", "0100")] * 99]),
        ending=lambda: Scripted([rows("1000")] * 9),
    )
    state, message, schemes = bench.ended("deaf")
    assert (state, len(schemes)) == ("failed", budget)
    expected = "repeated itself: all 10 requests were for the same 2 schemes (0100, 1000)"
    assert message.startswith(expected)
    assert bench.ended("converged")[:2] == ("finished", "")
    assert bench.ended("ending")[:2] == ("finished", "")


def test_a_stopped_search_goes_on_as_if_it_had_never_stopped(tmp_path: Path) -> None:
    def make() -> Strategy:
        return Random(SPACE, rng=np.random.default_rng(5))

    (tmp_path / "whole").mkdir()
    whole = Bench(tmp_path / "whole")
    whole.run(one=make)

    stopped = Bench(tmp_path)
    lane = Lane(LaneKey("one", 0, 0), make, stopped.oracle, stopped.store, SPACE.budget)
    lane.score(lane.ask())  # written down, and killed before the strategy is told
    resumed = Bench(tmp_path)
    resumed.run(one=make)
    assert resumed.ended("one") == whole.ended("one")


def test_a_strategy_that_does_not_repeat_itself_is_found_out(bench: Bench) -> None:
    bench.run(one=lambda: Scripted([rows("1000")]))
    bench.run(one=lambda: Scripted([rows("0100")]))
    state, message, _ = bench.ended("one")
    assert state == "failed"
    assert "expected 1000, received 0100" in message


def test_strategies_compute_on_one_thread_whatever_torch_is_set_to(bench: Bench) -> None:
    threads = []

    class Counting(Scripted):
        def tell(self, schemes: Schemes, answers: Answers) -> None:
            threads.append(torch.get_num_threads())
            super().tell(schemes, answers)

    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        bench.run(counting=lambda: Counting([rows("1000")]))
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    assert set(threads) == {1}


class Looking(Scripted):
    """Asks for gate gradients before each request and after each answer."""

    needs = ("scores", "fidelity", "gradients")
    share = Fraction(1, 8)
    seen: list[float]

    def ask(self, n: int) -> Schemes | Request:
        self.look()
        return super().ask(n)

    def tell(self, schemes: Schemes, answers: Answers) -> None:
        super().tell(schemes, answers)
        self.look()

    def look(self) -> None:
        self.seen = getattr(self, "seen", [])
        gates = np.full(4, 1 / (1 + len(self.seen)))
        self.seen.append(self.oracle.gate_gradient(GateQuestion(gates, share=self.share)).loss)


EIGHTH = Fraction(1, 8)


def part(*bits: str) -> Request:
    return Request(rows(*bits), EIGHTH)


@pytest.fixture
def white(bench: Bench) -> Bench:
    bench.formula = PartialFormula([0.1, 0.2, 0.3, 0.4])
    bench.oracle = CachedOracle(bench.formula, bench.store)
    return bench


def test_requests_of_a_fidelity_become_one_call_and_are_told_with_it(white: Bench) -> None:
    one = Looking([part("1000"), rows("1000")])
    white.run(one=lambda: one, two=lambda: Looking([part("0100"), rows("1000")]))
    assert isinstance(white.formula, PartialFormula)
    assert white.formula.parts[EIGHTH].asked == [2]
    assert white.formula.asked == [1]
    assert [told.fidelity for told in one.told] == [EIGHTH, 1]
    assert one.told[0].accuracy.tolist() == pytest.approx([0.025 - 0.875])
    assert white.ended("one") == ("finished", "", [[1, 0, 0, 0]])


def test_what_a_strategy_sees_is_charged_and_moves_its_answers_along(white: Bench) -> None:
    white.run(one=lambda: Looking([part("1000"), rows("1000")]))
    record = white.store.lane_record(LaneKey("one", 0, 0), 4)
    assert record.charged.tolist() == [3 * 0.375 + 0.125 + 1]  # gradients, part, full answer
    assert record.total == 3 * 0.375 + 0.125 + 1 + 2 * 0.375


def test_looking_past_the_budget_ends_the_lane(white: Bench) -> None:
    looking = Looking([rows("1000")])
    looking.share = Fraction(1)
    white.run(2, one=lambda: looking, asking=lambda: Looking([rows("1000", "0100")]))
    assert white.ended("one")[:2] == ("failed", "asked for 3 evaluations with 2 of 2 left")
    # What it has looked at is gone before it asks.
    assert white.ended("asking")[:2] == ("failed", "asked for 2 evaluations with 1 left")


def test_a_question_that_is_none_ends_its_lane_and_no_other(white: Bench) -> None:
    class Wrong(Looking):
        def look(self) -> None:
            self.oracle.gate_gradient(GateQuestion(np.full(4, np.nan)))

    white.run(one=lambda: Wrong([rows("1000")]), two=lambda: Looking([rows("1000")]))
    state, message, _ = white.ended("one")
    assert state == "failed"
    assert "asked for gradients in vain: expected 4 gates in [0, 1]" in message
    assert white.ended("two")[0] == "finished"


def test_an_oracle_that_fails_is_not_blamed_on_who_looked_into_it(
    white: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("the device is gone")

    monkeypatch.setattr(PartialFormula, "gate_gradient", broken)
    with pytest.raises(RuntimeError, match="the device is gone"):
        white.run(one=lambda: Looking([rows("1000")]))
    assert white.ended("one")[0] == "running"


def test_a_stopped_search_that_looks_inside_goes_on_as_if_it_had_never_stopped(
    white: Bench,
) -> None:
    script: list[object] = [part("1000"), rows("1000"), rows("0011")]
    whole = Looking(script)
    white.run(one=lambda: whole)
    record = white.store.lane_record(LaneKey("one", 0, 0), 4)
    calls = white.store.calls(white.store.lane(LaneKey("one", 0, 0)))
    for kept in range(len(calls)):
        key = LaneKey("one", 0, 1 + kept)
        for number, call in enumerate(calls[:kept]):
            white.store.add_call(white.store.lane(key), number, call)
        lane = Lane(key, partial(Looking, script), white.oracle, white.store, 6)
        search([lane], white.oracle, white.store, Connections(0.5))
        resumed = white.store.lane_record(key, 4)
        assert resumed.charged.tolist() == record.charged.tolist()
        assert white.store.calls(lane.number) == calls


def test_a_strategy_that_needs_what_the_oracle_lacks_is_told_so(bench: Bench) -> None:
    bench.run(one=lambda: Looking([rows("1000")]))
    state, message, _ = bench.ended("one")
    expected = "needs fidelity and gradients, which this oracle doesn't offer"
    assert (state, message) == ("failed", expected)


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (part("1000"), "asked at fidelity 1/8 without 'fidelity' among its needs"),
        (Request(rows("1000"), Fraction(2)), "expected a fidelity from 1/1000 to 1"),
    ],
)
def test_a_fidelity_that_can_not_be_ends_the_lane(
    white: Bench, request_: Request, message: str
) -> None:
    white.run(one=lambda: Scripted([request_]))
    assert message in white.ended("one")[1]
