from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmark.basics.errors import BenchmarkWarning, UsageError
from benchmark.planning.settings import Settings
from benchmark.plugins.chosen import choose_all
from strategies.base import SearchSpace


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"strategies": ("eam",)},
            r"strategy 'eam'; did you mean 'ean'\? \(there are: .*ga",
        ),
        ({"strategies": ()}, "strategies"),
        ({"strategies": ("ga", "ga")}, "'ga' is listed more than once"),
        ({"task": "digit"}, r"unknown task 'digit'; did you mean 'digits'\?"),
        ({"budget": 0}, "budget: expected a whole number from 1 to 100,000,000, received 0"),
        ({"seeds": -2}, "seeds: expected a whole number from 1 to 1,000,000, received -2"),
        (
            {"attention": "sg"},
            r"unknown attention module 'sg'; did you mean 'sge'\? \(there are: dia, se, sge\)",
        ),
        ({"retain": 1.5}, "retain: .*received 1.5"),
        ({"sharing": "half"}, "sharing: expected 'full' or 'share', received 'half'"),
        ({"batch_norm": "frozen"}, "batch_norm: expected 'recalibrated' or 'running'"),
        ({"device": "gpu"}, r"unknown device 'gpu' \(there are: cpu, cuda, cuda:N\)"),
        ({"strategies": ("./absent.py:A",)}, r"there is no strategy file '\./absent\.py'"),
        ({"set": {"ga": 3}}, "expected set.ga.NAME = VALUE, received 3"),
        ({"set": {"ga": {"x": [1]}}}, r"ga\.x: expected a number, a text or true or false"),
        (
            {"supernet": {"threads": 9999}},
            "supernet.threads: expected a whole number from 1 to 256",
        ),
        ({"supernet": {"milestones": [5, 3]}}, "milestones: expected epochs in ascending order"),
        ({"supernet": {"milestones": [-1]}}, "supernet.milestones: expected a whole number from 0"),
        ({"budgets": 3}, "unknown setting 'budgets'; did you mean 'budget'?"),
    ],
)
def test_what_can_not_be_is_refused_with_what_was_expected(
    values: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        Settings(**values)


def test_a_toml_file_is_read_and_flags_win(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('strategies = ["ga", "random"]\nbudget = 50\n')
    settings = Settings.from_toml(path, budget=70)
    assert settings.strategies == ("ga", "random")
    assert settings.budget == 70


def test_flags_win_over_a_files_tables_value_by_value(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("[supernet]\nepochs = 7\nlearning_rate = 0.5\n")
    settings = Settings.from_toml(path, supernet={"learning_rate": "0.1"})
    assert (settings.supernet.epochs, settings.supernet.learning_rate) == (7, 0.1)


@pytest.mark.parametrize("content", ["budget = ", "\udcff"])
def test_an_unreadable_file_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "broken.toml"
    path.write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(UsageError, match=r"can't read settings from .*broken\.toml"):
        Settings.from_toml(path)


@pytest.mark.hostile
def test_a_file_can_not_have_a_strategy_file_run(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    mine = tmp_path / "mine.py"
    mine.write_text("raise SystemExit('executed')")
    path.write_text(f"strategies = ['{mine}:Mine']\n")
    with pytest.raises(UsageError, match="running a file is for the command line"):
        Settings.from_toml(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"absent\.toml"):
        Settings.from_toml(tmp_path / "absent.toml")


def test_the_command_names_the_strategies_and_whatever_is_not_the_default() -> None:
    settings = Settings(strategies=("ga", "random"), budget=70, objective_weight=0.0)
    expected = "python -m benchmark run --strategies ga,random --budget 70 --objective-weight 0.0"
    assert settings.command() == expected


def test_hyper_parameters_come_from_the_file_and_flags_win_one_by_one(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("set.ean.clip = 0.2\nset.ean.temperature = 4\n[set.ga]\npopulation = 8\n")
    settings = Settings.from_toml(path, set={"ean": {"clip": "0.3"}})
    expected = {"ean": {"clip": "0.3", "temperature": 4}, "ga": {"population": 8}}
    assert settings.set == expected


def test_the_command_sets_what_was_set() -> None:
    overrides = {"ga": {"population": 8, "flip_probability": None}, "x": {"bold": True}}
    settings = Settings(strategies=("ga",), set=overrides)
    expected = (
        "python -m benchmark run --strategies ga --set ga.population=8 "
        "--set ga.flip_probability=none --set x.bold=true"
    )
    assert settings.command() == expected


def test_what_smoke_replaces_is_named(tmp_path: Path) -> None:
    expected = r"smoke takes budget 2 instead of 50, supernet\.batch_size 4 instead of 64$"
    with pytest.warns(BenchmarkWarning, match=expected):
        settings = Settings(smoke=True, budget=50, seeds=1, supernet={"batch_size": 64})
    assert (settings.budget, settings.supernet.batch_size) == (2, 4)
    path = tmp_path / "smoke.toml"
    path.write_text("smoke = true\nbudget = 50\n[supernet]\nbatch_size = 64")
    with pytest.warns(BenchmarkWarning, match=expected) as warned:
        assert Settings.from_toml(path) == settings
    assert len(warned) == 1


def test_smoke_has_nothing_to_replace_in_a_recipe_or_in_its_own_settings() -> None:
    settings = Settings(smoke=True, recipe="paper-resnet38-se")
    assert Settings(**settings.model_dump()) == settings


@pytest.mark.parametrize("odd", [{"budget": -3}, {"seeds": "many"}, {"supernet": {"epochs": 0}}])
def test_what_can_not_be_is_refused_even_where_smoke_replaces_it(odd: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=", received "):
        Settings(smoke=True, **odd)


def test_a_table_is_a_path_like_other_places(tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    settings = Settings(oracle=path)
    assert settings == Settings(oracle=str(path))
    assert settings.model_dump(mode="json")["oracle"] == str(path)
    assert f"--oracle {path}" in settings.command()


def test_hyper_parameters_may_be_numpys_numbers_and_no_truth_values_for_numbers() -> None:
    chosen = {"ga": {"population": np.int64(8), "flip_probability": np.float32(0.5)}}
    settings = Settings(strategies=("ga",), set=chosen)
    assert settings == Settings(
        strategies=("ga",), set={"ga": {"population": 8, "flip_probability": 0.5}}
    )
    assert [type(value) for value in settings.set["ga"].values()] == [int, float]
    space = SearchSpace((2, 2), 10)
    (strategy,) = choose_all(["ga"], settings.set, space)
    assert dict(strategy.values) == {"population": 8, "flip_probability": 0.5}
    for name, odd in (("population", True), ("population", np.True_), ("flip_probability", False)):
        with pytest.raises(UsageError, match=rf"ga\.{name}: expected a valid .*, received "):
            choose_all(["ga"], Settings(set={"ga": {name: odd}}).set, space)
    with pytest.raises(UsageError, match=r"ga\.population: expected a whole number of 64 bits"):
        choose_all(["ga"], {"ga": {"population": 10**400}}, space)


def test_a_recipes_milestones_need_a_number_of_epochs() -> None:
    for odd in (float("inf"), 10**400, "1e400", True):
        with pytest.raises(UsageError, match=r"supernet\.epochs: expected a whole number from 1"):
            Settings(recipe="paper-resnet38-se", supernet={"epochs": odd})
