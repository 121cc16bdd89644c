import re
import sqlite3
from contextlib import closing
from fractions import Fraction
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from click.testing import CliRunner

from benchmark.basics.errors import StoreError, UsageError
from benchmark.cli import main
from benchmark.oracle.known import BEST, WORST, make_landscape
from benchmark.plugins.chosen import choose
from benchmark.records.run import RaceRecord
from benchmark.studies.race import STORE, Heat, opened_searches, run_heats, run_race
from benchmark.studies.searches import Search, Searched, run_search
from benchmark.workers.pool import WorkerPool
from strategies import registry
from strategies.base import Answers, Need, Request, Schemes, SearchSpace, Strategy
from tests.benchmark.plug_in import write_plug_in


class Broken(Strategy):
    """Raises, or breaks the contract, as its hyper-parameter says."""

    name, summary, source = "broken", "breaks", "this test"

    def __init__(
        self, space: SearchSpace, *, rng: np.random.Generator, how: str = "raises"
    ) -> None:
        super().__init__(space, rng=rng)
        self.how = how

    def ask(self, n: int) -> Schemes:
        rows = {"raises": 1, "too many": n + 1, "nothing": 0}[self.how]
        return np.zeros((rows, self.space.blocks), dtype=bool)

    def tell(self, schemes: Schemes, answers: Answers) -> None:  # noqa: ARG002 - it gives up
        raise RuntimeError("out of ideas")


class TooMany(Broken):
    """Asks past its budget."""

    def __init__(self, space: SearchSpace, *, rng: np.random.Generator) -> None:
        super().__init__(space, rng=rng, how="too many")


class Nothing(Broken):
    """Proposes nothing."""

    def __init__(self, space: SearchSpace, *, rng: np.random.Generator) -> None:
        super().__init__(space, rng=rng, how="nothing")


class Partial(Broken):
    """Never wants a full answer."""

    needs: ClassVar[tuple[Need, ...]] = ("scores", "fidelity")

    def ask(self, n: int) -> Any:
        rows = (np.arange(4 * n)[:, None] + np.arange(self.space.blocks)) % 3 > 0
        return Request(rows, Fraction(1, 4))

    def tell(self, schemes: Schemes, answers: Answers) -> None:
        pass


class Greedy(Broken):
    """Needs what closed forms don't have."""

    needs: ClassVar[tuple[Need, ...]] = ("scores", "gradients")

    def __init__(self, space: SearchSpace, *, rng: np.random.Generator) -> None:
        super().__init__(space, rng=rng)


def searched(name: str, landscape: str, *, seed: int, blocks: int, budget: int) -> RaceRecord:
    heat = Heat(choose(name), landscape, seed, blocks, budget)
    with opened_searches(None) as store:
        (record,) = run_heats([heat], store, WorkerPool(1))
    return record


def quick(strategies: list[str], **values: Any) -> list[RaceRecord]:
    given: dict[str, Any] = {"landscapes": ["trap"], "blocks": 6, "budget": 10, "seeds": 2}
    return run_race(strategies=strategies, workers=1, **(given | values))


def test_the_regret_is_that_of_the_best_answer_so_far() -> None:
    record = searched("exhaustive", "noisy", seed=1, blocks=5, budget=32)
    landscape = make_landscape("noisy", 5, seed=1)
    numbers = np.arange(32)
    schemes = (numbers[:, None] >> np.arange(4, -1, -1) & 1).astype(bool)
    answers, regrets = landscape.score(schemes).accuracy, landscape.regret(schemes)
    expected = [regrets[answers[: n + 1].argmax()] for n in range(32)]
    assert record.regret.tolist() == expected
    assert record.message == ""
    assert record.seconds >= 0


def test_a_search_that_finishes_early_keeps_its_best() -> None:
    record = searched("exhaustive", "trap", seed=0, blocks=4, budget=40)
    assert record.regret.shape == (40,)
    assert record.regret[15:] == pytest.approx(0.0)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Broken", r"RuntimeError: out of ideas \(test_race.py, line \d+\)"),
        ("TooMany", "asked for 21 evaluations with 20 left"),
        ("Nothing", "proposed nothing"),
        ("Partial", "never asked for a full answer: the 20 evaluations .* partial answers .*"),
    ],
)
def test_a_strategy_that_fails_says_why(
    name: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(registry.STRATEGIES, "broken", f"{__name__}:{name}")
    record = searched("broken", "additive", seed=0, blocks=4, budget=20)
    assert re.fullmatch(message, record.message)
    assert record.regret.shape == (0,)


def test_processes_change_nothing_but_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmark.studies.searches._START", 0.0)

    def race(workers: int) -> list[tuple[str, str, int, list[float]]]:
        records = run_race(
            strategies=["surrogate", "local"],
            landscapes=["additive", "plateau"],
            blocks=8,
            budget=30,
            seeds=2,
            workers=workers,
        )
        return [(r.strategy, r.landscape, r.seed, r.regret.tolist()) for r in records]

    alone = race(1)
    assert [one[:3] for one in alone[:3]] == [
        ("surrogate", "additive", 0),
        ("surrogate", "additive", 1),
        ("surrogate", "plateau", 0),
    ]
    assert alone == race(2)


def test_unknown_and_repeated_names_are_refused() -> None:
    with pytest.raises(UsageError, match="unknown strategy 'loca'; did you mean 'local'"):
        quick(["loca"])
    with pytest.raises(UsageError, match="unknown landscape 'trip'"):
        quick(["local"], landscapes=["trip"])
    with pytest.raises(UsageError, match="landscape 'trap' is listed more than once"):
        quick(["local"], landscapes=["trap", "trap"])
    with pytest.raises(UsageError, match="strategy 'local' is listed more than once"):
        quick(["local", "local"])


def test_a_file_takes_part_with_hyper_parameters_of_its_own(tmp_path: Path) -> None:
    reference = write_plug_in(tmp_path)
    default = quick([reference], landscapes=["additive"])
    none = quick([reference], landscapes=["additive"], overrides=_share(0))
    assert {record.strategy for record in default} == {"flipper"}
    assert all(len(set(record.regret)) == 1 for record in none)
    assert any(len(set(record.regret)) > 1 for record in default)
    with pytest.raises(UsageError, match="did you mean 'share'"):
        quick([reference], overrides={"flipper": {"shar": 0.5}})


def _share(value: float) -> dict[str, dict[str, float]]:
    return {"flipper": {"share": float(value)}}


def test_a_strategy_that_needs_more_is_not_applicable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry.STRATEGIES, "broken", f"{__name__}:Greedy")
    greedy, *others = sorted(quick(["broken", "random"]), key=lambda record: record.applicable)[1:]
    assert greedy.message == "needs gradients, which the landscape does not have"
    assert not greedy.applicable
    assert all(record.applicable and not record.message for record in others)


def test_finished_searches_are_kept_and_not_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "new"
    first = quick(["random", "local"], out=out)
    with closing(sqlite3.connect(out / STORE)) as store, store:
        assert store.execute("SELECT count(*) FROM lanes").fetchone() == (4,)
        store.execute("DELETE FROM journal WHERE lane = 4")  # as a kill leaves it
        store.execute("DELETE FROM lanes WHERE lane = 4")
    again = quick(["random", "local"], out=out)
    assert [record.regret.tolist() for record in again] == [r.regret.tolist() for r in first]
    begun: list[object] = []

    def searched_anew(task: Search) -> Searched:
        begun.append(task.key)
        return run_search(task)

    monkeypatch.setattr("benchmark.studies.searches.run_search", searched_anew)
    last = quick(["random", "local"], out=out)
    assert [record.seconds for record in last] == [record.seconds for record in again]
    assert begun == []
    more = quick(["random", "local", "exhaustive"], seeds=3, out=out)
    assert len(begun) == 5  # of 9
    assert [record.regret.tolist() for record in more[:2]] == [r.regret.tolist() for r in first[:2]]
    quick(["random"], out=out, budget=11)
    assert len(begun) == 7


def test_a_search_that_failed_gets_another_chance(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(registry.STRATEGIES, "broken", f"{__name__}:Broken")
    assert all("out of ideas" in record.message for record in quick(["broken"], out=tmp_path))
    monkeypatch.setattr(Broken, "ask", lambda self, _: self.rng.random((1, 6)) < 0.5)
    monkeypatch.setattr(Broken, "tell", lambda *_: None)
    assert all(not record.message for record in quick(["broken"], out=tmp_path))


def test_a_folder_of_an_older_version_or_a_damaged_one_is_refused(tmp_path: Path) -> None:
    (tmp_path / "searches.jsonl").write_text("{}\n")
    with pytest.raises(UsageError, match=r"keeps searches of an older version.*delete it, or"):
        quick(["random"], out=tmp_path)
    (tmp_path / "searches.jsonl").unlink()
    (tmp_path / STORE).write_bytes(b"\xff\xfe" * 1000)
    with pytest.raises(StoreError, match="searches"):
        quick(["random"], out=tmp_path)
    (tmp_path / STORE).unlink()
    quick(["random"], out=tmp_path)
    with closing(sqlite3.connect(tmp_path / STORE)) as store, store:
        store.execute("UPDATE journal SET scheme = '01'")
    with pytest.raises(StoreError, match="is damaged"):
        quick(["random"], out=tmp_path)


def test_the_command_writes_tables_and_its_exit_code_says_that_one_failed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(registry.STRATEGIES, "broken", f"{__name__}:Broken")
    monkeypatch.setitem(registry.STRATEGIES, "greedy", f"{__name__}:Greedy")
    monkeypatch.setattr(Greedy, "name", "greedy")
    arguments = ["race", "--landscapes", "trap,plateau", "--blocks", "6", "--budget", "10"]
    arguments += ["--seeds", "2", "--workers", "1", "--out", str(tmp_path)]
    result = CliRunner().invoke(main, [*arguments, "--strategies", "local,random,greedy"])
    assert result.exit_code == 0, result.output
    assert "greedy on trap: n/a, needs gradients" in result.output
    written = (tmp_path / "race.md").read_text()
    assert written.count("| random |") == 3
    assert written.count("| greedy | n/a |") == 3
    result = CliRunner().invoke(main, [*arguments, "--strategies", "local,broken"])
    assert result.exit_code == 1
    assert "broken on trap, seed 1 failed: RuntimeError: out of ideas" in result.output


def test_only_landscapes_that_lack_what_a_strategy_needs_go_without_it(tmp_path: Path) -> None:
    arguments = ["race", "--landscapes", "additive,trap", "--blocks", "5", "--budget", "10"]
    arguments += ["--seeds", "2", "--workers", "1", "--out", str(tmp_path)]
    result = CliRunner().invoke(main, [*arguments, "--strategies", "local,darts,l1"])
    assert result.exit_code == 0, result.output
    everywhere, additive, trap = (tmp_path / "race.md").read_text().split("## ")[1:]
    assert "needs gradients, which the landscape does not have (trap)" in everywhere
    assert "needs weights, which the landscape does not have (additive, trap)" in everywhere
    assert everywhere.count("| n/a |") == trap.count("| n/a |") == 2
    assert additive.count("| n/a |") == 1
    assert "| darts | n/a" not in additive


def test_partial_answers_and_gradients_move_the_search_along_and_find_nothing() -> None:
    darts, halving = (
        searched(name, "additive", seed=0, blocks=6, budget=20) for name in ("darts", "halving")
    )
    answered = 1 + int(np.argmax(darts.regret < BEST - WORST))
    assert answered == 14  # 86 steps of 0.15 leave 7 for the schemes; then the first answer
    assert (darts.regret[: answered - 1] == BEST - WORST).all()
    assert darts.regret[-1] == pytest.approx(0, abs=1e-9)
    assert halving.regret[2] == BEST - WORST  # three rungs of parts
    assert halving.regret[3] < BEST - WORST


def test_options_of_races_are_checked_at_once() -> None:
    def message(*arguments: str) -> str:
        result = CliRunner().invoke(main, ["race", *arguments])
        assert result.exit_code == 2
        return result.output

    assert "did you mean 'population'" in message("--strategies", "ga", "--set", "ga.populatio=3")
    assert "--trials has no effect without --tune" in message("--trials", "3")
    assert "leave --strategies out" in message("--tune", "ga", "--strategies", "ga")
