from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from click.testing import CliRunner
from optuna.distributions import (
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from benchmark.basics.errors import UsageError
from benchmark.cli import main
from benchmark.plugins.chosen import choose
from benchmark.records.run import TuningRecord
from benchmark.studies.race import run_race
from benchmark.studies.searches import Search, Searched, run_search
from benchmark.studies.tune import tune
from benchmark.studies.tuning_ranges import tuning_ranges
from strategies import registry
from strategies.base import Answers, Schemes, SearchSpace, Strategy, StrategyError


class Settable(Strategy):
    """Asks random schemes, the more the larger ``share``.

    Args:
        share: of 50 schemes that are asked.
        steps: has no effect.
        greedy: has no effect.
        kind: has no effect; "c" can't be.
        offset: has no range.
        name_of: has no range.
    """

    name, summary, source = "settable", "can be tuned", "this test"

    def __init__(
        self,
        space: SearchSpace,
        *,
        rng: np.random.Generator,
        share: float = 0.2,
        steps: int = 6,  # noqa: ARG002
        greedy: bool = False,  # noqa: ARG002
        kind: Literal["a", "b", "c"] = "a",
        offset: float = 0.0,  # noqa: ARG002
        name_of: str = "",  # noqa: ARG002
    ) -> None:
        super().__init__(space, rng=rng)
        if not 0 <= share <= 1:
            raise StrategyError(f"expected share from 0 to 1, received {share}")
        self.left = max(int(50 * share), 1)
        self.bad = kind == "c"

    def ask(self, n: int) -> Schemes:
        if self.bad:
            raise RuntimeError("c can't be")
        count = min(n, self.left)
        self.left -= count
        return self.rng.random((count, self.space.blocks)) < 0.5

    def tell(self, schemes: Schemes, answers: Answers) -> None:
        pass


@pytest.fixture(autouse=True)
def _registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry.STRATEGIES, "settable", f"{__name__}:Settable")


def tuned(**values: Any) -> TuningRecord:
    given: dict[str, Any] = {"landscapes": ["additive"], "blocks": 10, "budget": 50, "seeds": 8}
    (record,) = tune(strategies=["settable"], trials=12, workers=1, **(given | values))
    return record


def test_ranges_follow_types_and_defaults_and_what_the_strategy_takes() -> None:
    space = SearchSpace((10,), budget=50)
    ranges = tuning_ranges(choose("settable"), space, fixed={})
    assert ranges.distributions == {
        "share": FloatDistribution(0.02, 1.0, log=True),  # 2.0 is refused
        "steps": IntDistribution(3, 12, log=True),
        "greedy": CategoricalDistribution([False, True]),
        "kind": CategoricalDistribution(["a", "b", "c"]),
    }
    assert ranges.defaults == {"share": 0.2, "steps": 6, "greedy": False, "kind": "a"}
    fixed = {"share": 0.5, "steps": 6, "greedy": True}
    assert set(tuning_ranges(choose("settable"), space, fixed=fixed).distributions) == {"kind"}


def test_what_is_found_is_cheaper_said_as_options_and_judged_on_unseen_instances() -> None:
    record = tuned()
    values = dict(record.values)
    share = values["share"]
    assert isinstance(share, float)
    assert share > 0.4
    assert f"--set settable.share={share}" in record.advice()
    assert record.evaluations == 12 * 8 * 50
    assert record.failed > 0  # the trials of kind c
    assert record.gain.low > 0
    assert record.gain.center == pytest.approx(record.default_regret - record.tuned_regret)
    for overrides, expected in (
        ({}, record.default_regret),
        ({"settable": values}, record.tuned_regret),
    ):
        races = run_race(
            strategies=["settable"],
            landscapes=["additive"],
            blocks=10,
            budget=50,
            seeds=8,
            overrides=overrides,
            workers=1,
        )
        assert np.mean([race.regret[-1] for race in races]) == pytest.approx(expected)


def test_tuning_is_repeatable_and_goes_on_from_what_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = tuned(out=tmp_path, seeds=2)
    begun: list[object] = []

    def searched_anew(task: Search) -> Searched:
        begun.append(task.key)
        return run_search(task)

    monkeypatch.setattr("benchmark.studies.searches.run_search", searched_anew)
    again = tuned(out=tmp_path, seeds=2)
    assert len(begun) == 2 * first.failed  # seeds of trials that failed, which are tried again
    assert (first.values, first.gain) == (again.values, again.gain)


def test_what_is_set_stays_and_nothing_to_tune_is_refused() -> None:
    fixed = {"share": 0.9, "kind": "b"}
    assert not {"share", "kind"} & dict(tuned(overrides={"settable": fixed}, seeds=2).values).keys()
    everything = fixed | {"steps": 6, "greedy": False}
    with pytest.raises(UsageError, match="settable has no hyper-parameters that could be tuned"):
        tuned(overrides={"settable": everything})
    with pytest.raises(UsageError, match="settable fails with its defaults: RuntimeError: c can't"):
        tuned(overrides={"settable": {"kind": "c"}})
    with pytest.raises(UsageError, match="unknown landscape 'flat'"):
        tuned(landscapes=["flat"])


def test_the_command_says_what_to_set_what_it_cost_and_what_it_brings(tmp_path: Path) -> None:
    arguments = ["race", "--tune", "settable", "--landscapes", "additive", "--blocks", "8"]
    arguments += ["--budget", "50", "--seeds", "4", "--trials", "8", "--workers", "1"]
    result = CliRunner().invoke(main, [*arguments, "--out", str(tmp_path)])
    assert result.exit_code == 0, result.output
    assert "--set settable.share=" in result.output
    written = (tmp_path / "tuning.md").read_text()
    assert "gain (points)" in written
    assert "| settable | 8 |" in written
    assert "| 1,600 |" in written
    assert (tmp_path / "tuning.csv").exists()
