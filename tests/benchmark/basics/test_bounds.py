"""Numbers from outside: every flag, every setting, whatever somebody types."""

from collections.abc import Iterator
from math import inf, nan
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from benchmark.basics.bounds import BUDGET, COUNT, FRACTION, INSIDE, LOSS, SCORE, SEED, Range
from benchmark.basics.errors import UsageError
from benchmark.cli import COMMANDS, main
from benchmark.commands.options import Checked
from benchmark.planning.settings import Settings
from benchmark.records.settings import RECIPE_CHANGES, SETTINGS
from benchmark.studies.race import run_race
from benchmark.workers.pool import WorkerPool

HUGE = "1" + 400 * "0"
ODD = (HUGE, f"-{HUGE}", "-1", "1e308", "-1e308", "1e400", "nan", "inf", "1000000001", "many", "")


def _commands(group: click.Group, *path: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from _commands(command, *path, name)
        else:
            yield (*path, name), command


FLAGS = [
    (path, parameter)
    for path, command in _commands(main)
    for parameter in command.params
    if isinstance(parameter.type, Checked) and isinstance(parameter.type.allowed, Range)
]


def test_every_flag_that_takes_a_number_has_bounds() -> None:
    known = (click.types.StringParamType, click.Path, click.Choice, click.types.BoolParamType)
    for path, command in _commands(main):
        for parameter in command.params:
            assert isinstance(parameter.type, (Checked, *known)), (path, parameter.name)
    assert {path[0] for path, _ in FLAGS} > {
        "run",
        "race",
        "theorem",
        "supernet",
        "verify",
    }
    assert len({command.name for command in COMMANDS}) == len(main.commands)


@pytest.mark.parametrize(
    ("path", "parameter"), FLAGS, ids=[f"{' '.join(p)} {f.opts[-1]}" for p, f in FLAGS]
)
def test_a_number_that_can_not_be_is_one_line_and_exit_code_two(
    path: tuple[str, ...], parameter: click.Parameter
) -> None:
    assert isinstance(parameter.type, Checked)
    assert isinstance(parameter.type.allowed, Range)
    flag = max(parameter.opts, key=len)
    refused = []
    for text in ODD:
        try:
            number = parameter.type.convert(text, parameter, None)
        except UsageError:
            refused.append(text)
        else:
            assert number in parameter.type.allowed
    assert {HUGE, "1e308", "1e400", "nan", "inf", "-1", "many", ""} <= set(refused)
    # Flags are read from left to right: the odd one is the first, whatever else is missing.
    for text in refused:
        if text.startswith("-") and getattr(parameter, "flag_value", None) is not None:
            continue  # click takes what may follow a flag without a value for an option
        result = CliRunner().invoke(main, [*path, f"{flag}={text}"])
        assert (result.exit_code, result.output.count("\n")) == (2, 1), result.output
        assert result.output.startswith(f"Error: {flag}: expected a")
        assert len(result.output) < 200


@pytest.mark.parametrize(
    "words",
    [
        ["theorem", "--widths", "1000000000"],
        ["theorem", "--widths", "9999999999999999999999"],
        ["theorem", "--widths", "8,"],
        ["theorem", "--inputs", "1000000"],
        ["theorem", "--epsilon", "1e308"],
        ["theorem", "--epsilon", "nan"],
        ["theorem", "--epsilon", ","],
        ["theorem", "--draws", "1" + 40 * "0"],
        ["scale", "--gpus", HUGE],
        ["scale", "--gpus", "8,-8"],
        ["gradcam", "absent", "--images", HUGE],
        ["run", "--dry-run", "--budget", HUGE],
        ["run", "--dry-run", "--seeds", "1000000"],
        ["run", "--dry-run", "--training", f"supernet.epochs={HUGE}"],
        ["run", "--dry-run", "--training", "supernet.gamma=1e308"],
        ["run", "--dry-run", "--recipe", "paper-resnet38-se", "--training", "supernet.epochs=inf"],
        ["run", "--dry-run", "--oracle-memory", f"{HUGE}GiB"],
        ["race", "--strategies", "ga", "--set", f"ga.population={HUGE}"],
        ["race", "--strategies", "ga", "--set", "ga.flip_probability=1e400"],
        ["race", "--strategies", "ga", "--budget", "100000000"],
        ["describe", "--scheme", f"{HUGE},1,1"],
        ["describe", "--backbone", f"resnet{HUGE}"],
    ],
    ids=lambda words: " ".join(words)[:50],
)
def test_numbers_inside_texts_are_one_line_and_exit_code_two(
    words: list[str], tmp_path: Path
) -> None:
    out = ["--out", str(tmp_path)] if words[0] in ("theorem", "race") else []
    result = CliRunner().invoke(main, [*words, *out])
    if words[-1] == "8,":
        assert result.exit_code == 0
        return
    assert (result.exit_code, result.output.count("\n")) == (2, 1), result.output
    assert result.output.startswith("Error: ")


def test_a_plan_at_the_bounds_is_printed() -> None:
    words = ["run", "--dry-run", "--budget", "100000000", "--seeds", "300000", "--candidates"]
    result = CliRunner().invoke(main, [*words, "1000000", "--seed", str(2**63 - 1)])
    assert result.exit_code == 0, result.output
    shown = set(result.output.split())
    assert "900,000" in shown  # runs
    assert not {"inf", "nan"} & shown


NUMBERS = [
    *(name for name, setting in SETTINGS.items() if setting.kind in (int, float)),
    *(f"supernet.{name}" for name, change in RECIPE_CHANGES.items() if change.kind in (int, float)),
]


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize(
    "value",
    [True, False, np.True_, nan, inf, -inf, -1, 10**400, 1e308, "many", [1], np.float64("nan")],
    ids=lambda value: f"{value}"[:10],
)
def test_a_setting_that_can_not_be_is_refused_by_its_name(name: str, value: object) -> None:
    section, _, key = name.partition(".")
    with pytest.raises(UsageError, match=rf"^{name}: expected .*, received "):
        Settings(**{section: {key: value} if key else value})


def test_all_settings_that_are_numbers_were_tried() -> None:
    top = {name for name in NUMBERS if "." not in name}
    assert top == {
        name
        for name, setting in SETTINGS.items()
        if type(setting.default) in (int, float) or name.endswith("_epochs")
    }
    assert set(NUMBERS) >= {f"supernet.{name}" for name in ("epochs", "learning_rate", "threads")}


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [
        ("budget", np.int64(7), 7),
        ("seeds", np.uint8(2), 2),
        ("seeds", 2.0, 2),
        ("retain", np.float32(0.5), 0.5),
        ("confidence", np.float64(0.9), 0.9),
        ("objective_weight", 0, 0.0),
        ("supernet_epochs", np.int32(3), 3),
        ("budget", "70", 70),
    ],
)
def test_numbers_of_numpy_and_of_flags_are_taken(name: str, value: object, read: object) -> None:
    found = getattr(Settings(**{name: value}), name)
    assert (found, type(found)) == (read, type(read))


@pytest.mark.parametrize(
    ("allowed", "words"),
    [
        (COUNT, "a whole number from 1 to 1,000,000"),
        (BUDGET, "a whole number from 1 to 100,000,000"),
        (FRACTION, "a number above 0 to 1"),
        (INSIDE, "a number above 0 to below 1"),
        (LOSS, "a number from 0 on"),
        (SCORE, "a number from 0 to 1"),
    ],
)
def test_a_range_says_what_it_is(allowed: Range, words: str) -> None:
    assert str(allowed) == words


@given(st.one_of(st.integers(), st.floats(), st.booleans(), st.text(max_size=4), st.none()))
def test_what_is_read_lies_inside_whatever_it_was(value: object) -> None:
    for allowed in (COUNT, SEED, FRACTION, INSIDE, SCORE, LOSS):
        try:
            number = allowed.read(value)
        except ValueError:
            continue
        assert type(number) is (int if allowed.whole else float)
        assert number in allowed
        assert not isinstance(value, bool)
        assert number != number or number == float(str(value))  # noqa: PLR0124 - NaN


def test_arguments_of_functions_have_the_same_bounds() -> None:
    with pytest.raises(UsageError, match="workers: expected a whole number from 1 to 4,096"):
        WorkerPool.of(10**9)
    race: dict[str, Any] = {"strategies": ["random"], "landscapes": ["additive"], "blocks": 4}
    with pytest.raises(UsageError, match=r"seeds: expected a whole number .* received True"):
        run_race(**race, budget=10, seeds=True)
    with pytest.raises(UsageError, match=r"100,000,000,000 evaluations in all don't fit"):
        run_race(**race, budget=10**5, seeds=10**6)
