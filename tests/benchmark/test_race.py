from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from benchmark.cli import main
from benchmark.errors import UsageError
from benchmark.landscapes import BEST, WORST, make_landscape
from benchmark.race import Heat, run_heat, run_race
from strategies import registry
from strategies.base import Answers, Schemes, SearchSpace, Strategy


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


def test_the_regret_is_that_of_the_best_answer_so_far() -> None:
    record = run_heat(Heat("exhaustive", "noisy", seed=1, blocks=5, budget=32))
    landscape = make_landscape("noisy", 5, seed=1)
    numbers = np.arange(32)
    schemes = (numbers[:, None] >> np.arange(4, -1, -1) & 1).astype(bool)
    answers, regrets = landscape.score(schemes).accuracy, landscape.regret(schemes)
    expected = [regrets[answers[: n + 1].argmax()] for n in range(32)]
    assert record.regret.tolist() == expected
    assert record.message == ""
    assert record.seconds >= 0


def test_a_search_that_finishes_early_keeps_its_best() -> None:
    record = run_heat(Heat("exhaustive", "trap", seed=0, blocks=4, budget=40))
    assert record.regret.shape == (40,)
    assert record.regret[15:] == pytest.approx(0.0)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Broken", "RuntimeError: out of ideas"),
        ("TooMany", "asked for 21 evaluations with 20 of 20 left"),
        ("Nothing", "proposed nothing"),
    ],
)
def test_a_strategy_that_fails_says_why(
    name: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(registry.STRATEGIES, "broken", f"{__name__}:{name}")
    record = run_heat(Heat("broken", "additive", seed=0, blocks=4, budget=20))
    assert record.message == message
    assert record.regret.shape == (0,)


def test_processes_change_nothing_but_times() -> None:
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
    def race(*, strategies: list[str], landscapes: list[str]) -> None:
        run_race(strategies=strategies, landscapes=landscapes, blocks=4, budget=10, seeds=2)

    with pytest.raises(UsageError, match="unknown strategy 'loca'; did you mean 'local'"):
        race(strategies=["loca"], landscapes=["trap"])
    with pytest.raises(UsageError, match="unknown landscape 'trip'"):
        race(strategies=["local"], landscapes=["trip"])
    with pytest.raises(UsageError, match="strategy 'local' is listed more than once"):
        race(strategies=["local", "local"], landscapes=["trap"])


def test_the_command_writes_tables_and_its_exit_code_says_that_one_failed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(registry.STRATEGIES, "broken", f"{__name__}:Broken")
    arguments = ["race", "--landscapes", "trap,plateau", "--blocks", "6", "--budget", "10"]
    arguments += ["--seeds", "2", "--workers", "1", "--out", str(tmp_path)]
    result = CliRunner().invoke(main, [*arguments, "--strategies", "local,random"])
    assert result.exit_code == 0, result.output
    assert (tmp_path / "race.md").read_text().count("| random |") == 3
    result = CliRunner().invoke(main, [*arguments, "--strategies", "local,broken"])
    assert result.exit_code == 1
    assert "broken on trap, seed 1 failed: RuntimeError: out of ideas" in result.output


def test_a_landscape_that_lacks_what_a_strategy_needs_is_not_applicable(tmp_path: Path) -> None:
    arguments = ["race", "--landscapes", "additive,trap", "--blocks", "5", "--budget", "10"]
    arguments += ["--seeds", "2", "--workers", "1", "--out", str(tmp_path)]
    result = CliRunner().invoke(main, [*arguments, "--strategies", "local,darts,l1"])
    assert result.exit_code == 0, result.output
    text = (tmp_path / "race.md").read_text()
    everywhere, additive, trap = text.split("## ")[1:]
    assert "Not applicable: darts (n/a: needs gradients on trap)" in everywhere
    assert "l1 (n/a: needs weights on additive, trap)" in everywhere
    assert "| darts |" not in everywhere
    assert "| darts |" in additive
    assert "Not applicable: darts (n/a: needs gradients); l1 (n/a: needs weights)." in trap
    assert "| local |" in everywhere


def test_partial_answers_and_gradients_move_the_search_along_and_find_nothing() -> None:
    darts = run_heat(Heat("darts", "additive", seed=0, blocks=6, budget=20))
    answered = 1 + int(np.argmax(darts.regret < BEST - WORST))
    assert answered == 14  # 86 steps of 0.15 leave 7 for the schemes; then the first answer
    assert (darts.regret[: answered - 1] == BEST - WORST).all()
    assert darts.regret[-1] == pytest.approx(0, abs=1e-9)
    halving = run_heat(Heat("halving", "additive", seed=0, blocks=6, budget=20))
    assert halving.regret[2] == BEST - WORST  # three rungs of parts
    assert halving.regret[3] < BEST - WORST
