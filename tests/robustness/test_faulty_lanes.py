"""Whatever one strategy does, its lane ends with a reason and the others don't notice."""

from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmark.basics.seeding import child_rng
from benchmark.plugins.chosen import choose
from benchmark.plugins.hosted import make_strategy
from benchmark.records.objective import Connections
from benchmark.records.run import LaneKey
from benchmark.search.runner import Lane, search
from benchmark.search.wrappers import CachedOracle
from benchmark.storage.store import Store
from benchmark.testing.checks import CHECKS
from benchmark.testing.guarded import check_guarded
from strategies.base import Answers, Schemes, SearchSpace, Strategy
from tests.benchmark.formula import Formula, PartialFormula

FAULTY = Path(__file__).with_name("faulty.py")
WEIGHTS = [0.01, -0.02, 0.03, 0.005, -0.01]
BUDGET = 12
ENDS = {
    "Looping": r"ask took longer than 3 s \(--ask-timeout\)",
    "Stuck": r"ask took longer than 3 s \(--ask-timeout\)",
    "Leaving": "ask ended its process with exit code 0",
    "Crashing": "ask was ended by SIGSEGV",
    "Greedy": r"MemoryError: .*faulty\.py, line",
    "Raising": r"LookupError: 42 is not among \{'answer': 41\} \(faulty\.py, line",
    "Misshapen": r"expected a boolean matrix of \(n, 5\) schemes, received bool of \(5, 2\)",
    "NaNs": r"expected a boolean matrix of \(n, 5\) schemes, received float64 of \(2, 5\)",
}


def searched(folder: Path, references: list[str], timeout: float = 3.0) -> dict[str, Any]:
    """Each lane's record when ``references`` search together."""
    folder.mkdir()
    space = SearchSpace((2, 3), BUDGET)
    with closing(Store(folder / "run")) as run, closing(Store(folder / "cache")) as cache:
        oracle = CachedOracle(Formula(WEIGHTS), cache)

        def lane(reference: str) -> Lane:
            chosen = choose(reference)

            def make() -> Strategy:
                rng = child_rng(0, "search", chosen.name)
                return make_strategy(chosen, space, rng=rng, timeout=timeout)

            key = LaneKey(chosen.name, 0, 0)
            return Lane(key, make, oracle, run, BUDGET, ask_timeout=timeout)

        lanes = [lane(reference) for reference in references]
        search(lanes, oracle, run, Connections(0.02))
        return {
            reference: run.lane_record(lane.key, space.blocks)
            for reference, lane in zip(references, lanes, strict=True)
        }


@pytest.fixture(scope="module")
def together(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("together") / "run"
    return searched(folder, ["ga", *(f"{FAULTY}:{name}" for name in ENDS), "random"])


@pytest.mark.parametrize("name", ENDS)
def test_a_faulty_lane_ends_with_its_reason_and_keeps_what_it_asked(
    together: dict[str, Any], name: str
) -> None:
    lane = together[f"{FAULTY}:{name}"]
    assert lane.state == "failed"
    with pytest.raises(AssertionError, match=ENDS[name]):
        raise AssertionError(lane.message)
    assert len(lane.schemes) == 4  # two requests of two


def test_the_others_find_what_they_find_without_them(
    together: dict[str, Any], tmp_path: Path
) -> None:
    alone = searched(tmp_path / "alone", ["ga", "random"])
    for name in ("ga", "random"):
        assert together[name].state == alone[name].state == "finished"
        for column in ("schemes", "accuracy", "loss", "charged"):
            assert (getattr(together[name], column) == getattr(alone[name], column)).all()


def test_the_store_says_where_in_its_code_a_strategy_failed(together: dict[str, Any]) -> None:
    shown = together[f"{FAULTY}:Raising"].traceback
    assert shown.startswith("Traceback (most recent call last):")
    assert "return self._deeper" in shown
    assert shown.endswith("LookupError: 42 is not among {'answer': 41}")
    assert "benchmark/plugins/hosted.py" not in shown
    for hangs in ("Looping", "Stuck"):
        assert "in _strike" in together[f"{FAULTY}:{hangs}"].traceback


def test_in_a_process_of_its_own_a_strategy_proposes_the_same(tmp_path: Path) -> None:
    hosted = searched(tmp_path / "hosted", [f"{FAULTY}:Calm"])[f"{FAULTY}:Calm"]
    chosen = choose(f"{FAULTY}:Calm")
    here = chosen.make(SearchSpace((2, 3), BUDGET), rng=child_rng(0, "search", "calm"))
    proposed = [row for _ in range(BUDGET // 2) for row in np.asarray(here.ask(BUDGET))]
    assert (np.array(proposed) == hosted.schemes).all()
    assert hosted.own_seconds is not None
    assert hosted.own_seconds[-1] > 0


def test_a_strategy_looks_into_the_oracle_from_there_and_is_replayed(tmp_path: Path) -> None:
    space = SearchSpace((2, 3), BUDGET)

    def looked(reference: str, folder: Path) -> tuple[Any, list[Any], int]:
        chosen = choose(reference)

        def make() -> Strategy:
            return make_strategy(chosen, space, rng=child_rng(0, "look"), timeout=60.0)

        oracle = PartialFormula(WEIGHTS)
        with closing(Store(folder / "run")) as store:
            lane = Lane(LaneKey("one", 0, 0), make, oracle, store, BUDGET)
            search([lane], oracle, store, Connections(0.02))
            record = store.lane_record(lane.key, 5)
            return record.schemes.tolist(), store.calls(lane.number), len(oracle.questions)

    (tmp_path / "here").mkdir()
    *here, asked = looked("darts", tmp_path / "here")
    *there, asked_there = looked(f"{FAULTY}:Looking", tmp_path)
    assert there == here
    assert asked == asked_there > 0
    *again, asked_again = looked(f"{FAULTY}:Looking", tmp_path)  # the journal answers
    assert (again, asked_again) == (there, 0)


class Sleepy(Strategy):
    """One of the project's own, which hangs in Python and swallows exceptions."""

    def ask(self, n: int) -> Schemes:  # noqa: ARG002 - it hangs first
        for _ in range(10**9):
            try:
                sum(range(1000))
            except Exception:  # noqa: BLE001 - it swallows
                continue
        raise AssertionError

    def tell(self, schemes: Schemes, answers: Answers) -> None:  # noqa: ARG002 - never told
        raise AssertionError


def test_a_strategy_in_this_process_is_interrupted(tmp_path: Path) -> None:
    with closing(Store(tmp_path / "run")) as store:
        oracle = Formula(WEIGHTS)
        space = SearchSpace((2, 3), BUDGET)
        sleepy = Lane(
            LaneKey("sleepy", 0, 0),
            lambda: Sleepy(space, rng=np.random.default_rng(0)),
            oracle,
            store,
            BUDGET,
            ask_timeout=0.2,
        )
        search([sleepy], oracle, store, Connections(0.0))
        record = store.lane_record(sleepy.key, 5)
    assert record.state == "failed"
    assert record.message.startswith("took longer than 0.2 s (--ask-timeout)")
    assert "in ask" in record.traceback


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("Leaving", "expected a strategy that comes back, received one that ended its process"),
        ("Crashing", "received one that was ended by SIGSEGV"),
        ("Looping", "expected an end within 1 s, received none, not even by an alarm"),
    ],
)
def test_the_contract_suite_says_what_a_strategy_did_to_its_process(
    name: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmark.testing.guarded._GRACE", 1.0)
    verdicts = check_guarded(choose(f"{FAULTY}:{name}"), limit=1.0)
    assert [verdict.check for verdict in verdicts] == list(CHECKS)
    reasons = [verdict.reason for verdict in verdicts]
    assert reasons[:2] == ["", ""]
    assert reason in reasons[2]
    assert set(reasons[3:]) == {"not checked after legal-schemes"}
