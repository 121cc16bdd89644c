"""One record says what is maximised; whoever needs a reward asks it."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import optuna
import pytest
from jaxtyping import Bool, Float64
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from benchmark.records.objective import Connections
from benchmark.records.run import LaneKey, LaneRecord, RunRecords
from benchmark.search.runner import Lane, search
from benchmark.storage.store import Store
from benchmark.studies.race import run_race
from benchmark.watching.snapshots import look
from reports.charts.landscape import landscape_caption
from reports.compare.comparison import compare
from reports.compare.tables import cells_table, results_table
from reports.export.optuna import address, write_studies
from reports.export.tensorboard import write_search_curves
from reports.numbers.member import Member
from reports.numbers.statistics import best_so_far
from reports.pages.report import Report
from reports.sentences.glossary import glossary
from reports.tables.columns import evaluations_columns
from reports.tables.run import evaluations_table
from strategies.base import Answers, Schemes, SearchSpace, Strategy
from tests.benchmark.formula import Formula
from tests.reports.conftest import _records as make_records
from tests.stored import store_run

ROOT = Path(__file__).parents[3]
NAN = float("nan")


def otherwise(
    self: Connections, schemes: Bool[np.ndarray, "n blocks"], accuracy: Float64[np.ndarray, " n"]
) -> Float64[np.ndarray, " n"]:
    """Another objective: the least accurate scheme, and rather with than without its last block."""
    return 1 - accuracy + 3 * self.weight * schemes[:, -1]


def of(lane: LaneRecord) -> Float64[np.ndarray, " n"]:
    return otherwise(Connections(0.02), lane.schemes, lane.accuracy)


@pytest.fixture(scope="module")
def records() -> RunRecords:
    made = make_records(lanes=2, evaluations=30, seeds=1)
    first, *others = made.lanes
    lost = replace(first, accuracy=np.append(NAN, first.accuracy[1:]))
    return replace(made, lanes=[lost, *others])


@pytest.fixture
def other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Connections, "reward", otherwise)


def test_a_reward_is_accuracy_and_the_price_of_unconnected_blocks() -> None:
    schemes = np.array([[True, True], [False, False], [True, False]])
    rewards = Connections(0.02).reward(schemes, np.array([0.9, 0.8, NAN]))
    assert rewards.tolist() == pytest.approx([0.9, 0.82, NAN], nan_ok=True)
    assert Connections(0.0).reward(schemes, np.ones(3)).tolist() == [1, 1, 1]
    assert Connections(0.5).reward(schemes[:0], np.zeros(0)).tolist() == []


class Listening(Strategy):
    """Asks for two schemes and remembers what it is told."""

    name = "listening"
    summary = "remembers"
    source = "this test"
    asked = np.array([[True, False, False, True], [False, False, True, False]])

    def __init__(self) -> None:
        super().__init__(SearchSpace((4,), 2), rng=np.random.default_rng(0))
        self.told: Answers | None = None

    def ask(self, n: int) -> Schemes:
        return self.asked[:n]

    def tell(self, schemes: Schemes, answers: Answers) -> None:
        assert np.array_equal(schemes, self.asked)
        self.told = answers


@pytest.mark.usefixtures("other")
def test_searches_are_told_its_rewards(tmp_path: Path) -> None:
    store, strategy = Store(tmp_path / "run.sqlite"), Listening()
    oracle = Formula([0.1, 0.2, 0.3, 0.4])
    lane = Lane(LaneKey("listening", 0, 0), lambda: strategy, oracle, store, 2)
    search([lane], oracle, store, Connections(0.02))
    assert strategy.told is not None
    expected = otherwise(Connections(0.02), strategy.asked, strategy.told.accuracy)
    assert strategy.told.reward.tolist() == expected.tolist()


@pytest.mark.usefixtures("other")
def test_reports_rank_draw_and_list_its_rewards(records: RunRecords) -> None:
    analysis = Report(records).analysis
    for lane, score in zip(records.lanes, analysis.ranking.lanes, strict=True):
        best = int(np.nanargmax(of(lane)))
        assert score.reward == of(lane)[best]
        assert score.accuracy == lane.accuracy[best]
        (table,) = records.oracles
        most = otherwise(Connections(0.02), table.schemes, table.accuracy).max()
        assert analysis.finds[lane.key].regret == most - score.reward
    for curves in (analysis.curves, analysis.time_curves):
        for curve in curves:
            own = [lane for lane in records.lanes if lane.key.strategy == curve.strategy]
            mean = np.mean([np.nanmax(of(lane)) for lane in own])
            assert curve.center[-1] == pytest.approx(mean, abs=1e-12)
    rows = evaluations_table(records).records()
    rewards = np.concatenate([of(lane) for lane in records.lanes])
    best_yet = np.concatenate([best_so_far(of(lane)) for lane in records.lanes])
    assert [row["reward"] for row in rows] == pytest.approx(rewards.tolist(), nan_ok=True)
    assert [row["best_reward"] for row in rows] == pytest.approx(best_yet.tolist(), nan_ok=True)


@pytest.mark.usefixtures("other")
def test_comparisons_rank_by_its_rewards(records: RunRecords) -> None:
    again = replace(
        records,
        experiment="again",
        facts=records.facts | {"task": "cifar100"},
        oracles=[replace(oracle, identity="again") for oracle in records.oracles],
    )
    found = compare([Member("a", records), Member("b", again)])
    best = [float(np.nanmax(of(lane))) for lane in records.lanes] * 2
    assert [row["best_reward"] for row in cells_table(found).records()] == best
    for row in results_table(found).records():
        own = [lane for lane in records.lanes if lane.key.strategy == row["strategy"]]
        mean = np.mean([np.nanmax(of(lane)) for lane in own])
        assert row["best_reward"].center == pytest.approx(mean, abs=1e-12)  # type: ignore[union-attr]


@pytest.mark.usefixtures("other")
def test_watching_shows_its_rewards(records: RunRecords, tmp_path: Path) -> None:
    seen = {lane.key: lane.best for lane in look(store_run(records, tmp_path)).lanes}
    assert seen == {lane.key: np.nanmax(of(lane)) for lane in records.lanes}


@pytest.mark.usefixtures("other")
def test_exports_hold_its_rewards(records: RunRecords, tmp_path: Path) -> None:
    some = replace(records, lanes=records.lanes[:2])
    write_studies(some, tmp_path / "studies.log")
    places = write_search_curves(some, tmp_path / "curves")
    storage = optuna.storages.JournalStorage(
        optuna.storages.journal.JournalFileBackend(address(tmp_path / "studies.log"))
    )
    for lane, place in zip(some.lanes, places, strict=True):
        rewards = [value for value in of(lane).tolist() if not np.isnan(value)]
        name = f"{lane.key.strategy}, seed {lane.key.strategy_seed}, supernet 0"
        study = optuna.load_study(study_name=name, storage=storage)
        values = [trial.value for trial in study.trials if trial.value is not None]
        assert values == rewards
        events = EventAccumulator(str(place)).Reload()
        shown = [event.value for event in events.Scalars("search/reward")]
        assert shown == pytest.approx(rewards)


@pytest.mark.usefixtures("other")
def test_races_follow_the_scheme_of_its_best_reward() -> None:
    """Of the least accurate scheme so far the regret can only grow."""
    (found,) = run_race(
        strategies=["random"], landscapes=["additive"], blocks=6, budget=20, seeds=1, workers=1
    )
    steps = np.diff(found.regret)
    assert steps.min() >= 0
    assert steps.max() > 0


def test_nobody_else_reads_the_weight_or_writes_the_formula() -> None:
    settings = {
        "benchmark/records/objective.py",
        "benchmark/records/settings.py",
    }
    named, written = set(), set()
    for path in [p for part in ("benchmark", "reports") for p in (ROOT / part).rglob("*.py")]:
        text, name = path.read_text(encoding="utf-8"), path.relative_to(ROOT).as_posix()
        if re.search(r"objective_weight", text):
            named.add(name)
        if re.search(r"1 - [\w.]*mean\(axis=1\)|fraction of unconnected", text):
            written.add(name)
    assert written == {"benchmark/records/objective.py"}
    assert named == settings


def test_its_words_are_those_of_every_page_and_of_the_documents(records: RunRecords) -> None:
    assert Connections(0.02).words == "accuracy + 0.02 · fraction of unconnected blocks"
    assert Connections(0.02).words in Report(records).ranking.caption
    formula, columns = Connections.formula, evaluations_columns(records)
    assert formula in glossary(records)["Reward"]
    assert formula in next(column for column in columns if column.key == "reward").description
    for document in ("README.md", "docs/design.md", "strategies/base.py"):
        assert formula in (ROOT / document).read_text(encoding="utf-8")


def test_without_a_price_rewards_prefer_nothing(records: RunRecords) -> None:
    free = replace(records, settings=records.settings | {"objective_weight": 0.0})
    assert "rewards prefer few connections" in landscape_caption(Report(records).analysis)
    assert "rewards are accuracies" in landscape_caption(Report(free).analysis)
