import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from benchmark.cli import main
from benchmark.commands import options
from benchmark.commands.options import OutputPath
from benchmark.records.settings import SETTINGS, written
from tests.benchmark.plug_in import write_package, write_plug_in

QUICK = [
    *("run", "--strategies", "random,ga", "--budget", "4", "--seeds", "1"),
    *("--standalone-seeds", "1", "--candidates", "1"),
    *("--supernet-epochs", "1", "--standalone-epochs", "1"),
]


def _python(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "benchmark", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | environment,
    )


def test_help_needs_none_of_the_heavy_libraries() -> None:
    code = (
        "import sys; from benchmark.cli import main\n"
        "try: main(['run', '--help'])\n"
        "except SystemExit: pass\n"
        "print(sorted({'torch', 'numpy', 'sklearn', 'rich', 'pydantic'} & set(sys.modules)))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "--strategies" in shown.stdout
    assert shown.stdout.splitlines()[-1] == "[]"


def test_help_names_every_setting_and_its_default() -> None:
    shown = " ".join(CliRunner().invoke(main, ["run", "--help"]).output.split())
    for setting in SETTINGS.values():
        assert f" {setting.option} " in shown
        if isinstance(setting.default, int | float | str | tuple) and setting.kind is not bool:
            assert f"{setting.help} [default: {written(setting.default)}]" in shown


def test_help_fits_into_the_width_of_a_terminal() -> None:
    for name in main.commands:
        shown = CliRunner().invoke(main, [name, "--help"], terminal_width=80).output
        assert [line for line in shown.splitlines() if len(line) > 80] == [], name


def test_no_default_is_written_into_a_help_text_by_hand() -> None:
    for path in Path(options.__file__).parent.glob("*.py"):
        if path.name != "options.py":
            assert "[default:" not in path.read_text(encoding="utf-8"), path


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--strategies", "eam"], "Error: unknown strategy 'eam'; did you mean 'ean'?"),
        (["--strategies", ","], "Error: strategies:"),
        (["--task", "digit"], "did you mean 'digits'?"),
        (
            ["--budget", "0"],
            "Error: --budget: expected a whole number from 1 to 100,000,000, received 0",
        ),
        (["--seeds", "-1"], "Error: --seeds: expected a whole number from 1 to 1,000,000"),
        (["--device", "cuda:99"], "Error: device 'cuda:99' was asked for, but"),
        (["--batch-norm", "runing"], "expected 'recalibrated' or 'running', received 'runing'"),
        (["--verdict", "means"], "unknown verdict rule 'means' (there are: interval, paper)"),
        (["--retain", "nan"], "Error: --retain: expected a number above 0 to 1, received nan"),
        (["--backbone", "resnet39"], "Error: unknown backbone 'resnet39' (there are:"),
        (["--attention", "dia"], "Error: DIA is one module for all blocks of a stage"),
        (["--attention", "sge", "--backbone", "resnet50"], "Error: SGE: expected feature maps"),
        (["--config", "absent.toml"], "can't read settings from absent.toml"),
        (["--budgte", "3"], "No such option"),
        (["--strategies", "ga,./absent.py:Mine"], "there is no strategy file './absent.py'"),
        (["--set", "ean.clip"], "Error: --set: expected STRATEGY.NAME=VALUE, received 'ean.clip'"),
        (["--training", "epochs"], "Error: --training: expected NAME=VALUE, received 'epochs'"),
        (["--task-option", "x"], "Error: --task-option: expected NAME=VALUE, received 'x'"),
        (["--oracle-memory", "2Gb"], "Error: --oracle-memory: expected a size of memory such as"),
        (["--set", "eam.clip=1"], "unknown strategy of this run 'eam'; did you mean 'ean'?"),
        (["--set", "ean.clipp=1"], "unknown hyper-parameter of ean 'clipp'; did you mean 'clip'"),
        (["--set", "ean.clip=wide"], "Error: ean.clip: expected a valid number"),
        (["--set", "ean.clip=-1"], "Error: ean: expected clip above 0, received -1.0"),
        (["--workers", "0"], "Error: --workers: expected a whole number from 1 to 4,096"),
    ],
)
def test_bad_input_gives_one_clear_line_exit_code_two_and_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, ["run", *arguments])
    assert result.exit_code == 2
    assert message in result.output
    assert "Traceback" not in result.output
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["tabulate", "--task", "digit"], "did you mean 'digits'?"),
        (["run", "--oracle", "absent"], "there is no table absent"),
        (["run", "--oracle", "absent", "--task", "digits", "--sharing", "share"], "--sharing has"),
        (["run", "--oracle", "known:trap", "--smoke"], "Error: --smoke has no effect on a known"),
        (["run", "--oracle", "absent", "--recipe", "paper-resnet38-se"], "Error: --recipe has no"),
        (
            ["supernet", "train", "--training", "standalone.epochs=1"],
            "Error: --training: expected supernet.NAME, received standalone.epochs",
        ),
        (["race", "--landscapes", ","], "--landscapes: expected names with commas, received ','"),
        (["race", "--strategies", ""], "--strategies: expected names with commas, received ''"),
        (["race", "--tune", ","], "--tune: expected names with commas, received ','"),
        (["transfer", "absent"], "Error: Missing option '--task'"),
        (["standalone", "--cache", "c"], "nothing to train: name schemes with --scheme"),
        (["standalone", "--cache", "c", "--scheme", "101"], "expected a scheme of 12 bits"),
        (["standalone", "--cache", "c", "--scheme", "maybe"], "received 'maybe'"),
        (["standalone", "--cache", "c", "--schemes", "absent"], "can't read schemes from absent"),
        (["trust", "absent", "--cache", "c"], "can't read stand-alone results from absent"),
        (["gradcam", "absent"], "absent holds no run (run.sqlite is missing)"),
        (
            ["gradcam", "absent", "--images", "1,-2"],
            "--images: expected a whole number from 0 to 1,000,000",
        ),
        (["list"], "Choose from: strategies, tasks, recipes (`main list --help` says more)"),
    ],
)
def test_bad_input_to_other_commands_is_one_clear_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2
    assert message in result.output
    assert result.output.count("\n") == 1


def test_errors_are_lines_where_click_is_too_old_to_know_of_help_as_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr("click.exceptions.NoArgsIsHelpError", raising=False)
    monkeypatch.setattr("benchmark.cli._HELP", ())
    result = CliRunner().invoke(main, ["describe", "--depth"])
    assert (result.exit_code, result.output.count("\n")) == (2, 1)
    assert result.output.startswith("Error: ")


def test_a_group_without_a_command_shows_its_help() -> None:
    result = CliRunner().invoke(main, ["supernet"])
    assert result.output.startswith("Usage: ")
    assert "Error" not in result.output


def _outputs() -> list[tuple[str, str]]:
    """Every option of every command that says where something is written."""
    group = main.commands["supernet"]
    assert isinstance(group, click.Group)
    commands = {**main.commands, **{f"supernet {k}": v for k, v in group.commands.items()}}
    return [
        (name, option.opts[0])
        for name, command in commands.items()
        for option in command.params
        if isinstance(option, click.Option) and isinstance(option.type, OutputPath)
    ]


@pytest.mark.parametrize(("command", "option"), [*_outputs(), ("run", "--cache")])
def test_a_place_that_can_not_be_written_is_named_with_its_option_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, option: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("not a folder")
    result = CliRunner().invoke(main, [*command.split(), option, "file/below"])
    assert result.exit_code == 2
    assert result.output.startswith("Error: can't write to file/below (")
    assert f"choose another place with {option}" in result.output
    assert result.output.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_there_are_places_to_write_to() -> None:
    named = _outputs()
    assert ("run", "--out") in named
    assert ("supernet train", "--metrics") in named


@pytest.mark.parametrize(
    ("name", "home"), [("HOME", "/dev/null"), ("XDG_CACHE_HOME", "/dev/null/cache")]
)
def test_a_home_without_room_for_a_cache_names_what_chooses_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, home: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("TICKET_BENCHMARK_CACHE", raising=False)
    monkeypatch.setenv(name, home)
    result = CliRunner().invoke(main, ["run", "--smoke", "--strategies", "random"])
    assert result.exit_code == 2
    assert "/dev/null is no folder): choose another place with --cache" in result.output
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("kind", "names"), [("strategies", ["ean", "ga", "random"]), ("tasks", ["digits"])]
)
def test_what_there_is_can_be_listed(kind: str, names: list[str]) -> None:
    result = CliRunner().invoke(main, ["list", kind])
    assert result.exit_code == 0
    assert all(name in result.output for name in names)


def test_strategies_are_listed_with_source_needs_and_hyper_parameters() -> None:
    result = CliRunner(env={"COLUMNS": "200"}).invoke(main, ["list", "strategies"])
    lines = [" ".join(line.split()) for line in result.output.splitlines()]
    start = next(number for number, line in enumerate(lines) if line.startswith("ga "))
    settable = "population=30, crossover_probability=0.6, mutation_probability=0.2, "
    settable += "flip_probability=none"
    assert lines[start : start + 4] == [
        "ga genetic algorithm with one-point crossover and bit flips",
        "source Multi-objective Evolution for Deep Neural Network Architecture Search",
        "needs scores",
        f"settable {settable}",
    ]


def test_a_strategy_that_is_named_is_described_in_full(tmp_path: Path) -> None:
    runner = CliRunner(env={"COLUMNS": "200"})
    result = runner.invoke(main, ["list", "strategies", write_plug_in(tmp_path)])
    assert result.exit_code == 0
    lines = [" ".join(line.split()) for line in result.output.splitlines()]
    assert "share float = 0.5; of connected blocks, in [0, 1]." in lines


def test_what_is_installed_and_broken_is_listed_with_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("flips", "flips.search"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    write_package(tmp_path)
    (tmp_path / "flips" / "search.py").write_text("import os\n\nos._exit(0)\n")
    result = CliRunner().invoke(main, ["list", "strategies"])
    assert result.exit_code == 0
    said = " ".join(result.stdout.split())
    assert "flipper broken: flipper ended its process with exit code 0 while" in said
    assert "ean " in said
    named = CliRunner().invoke(main, ["list", "strategies", "flipper"])
    assert named.exit_code == 2


def test_a_strategy_that_keeps_the_contract_passes_the_check() -> None:
    path = Path(__file__).parent / "testing" / "broken.py"
    result = CliRunner().invoke(main, ["check", f"{path}:Climber"])
    assert result.exit_code == 0, result.output
    assert "14 of 14 checks passed" in result.output


def test_a_strategy_that_breaks_the_contract_fails_the_check() -> None:
    path = Path(__file__).parent / "testing" / "broken.py"
    result = CliRunner(env={"COLUMNS": "200"}).invoke(main, ["check", f"{path}:Integers"])
    assert result.exit_code == 1
    assert "expected schemes of dtype bool, received int64" in result.output


@pytest.mark.parametrize("strategy", ["gaa", "./absent.py:Mine", "mine.py"])
def test_what_can_not_be_checked_is_bad_input(strategy: str) -> None:
    result = CliRunner().invoke(main, ["check", strategy])
    assert result.exit_code == 2
    assert result.output.startswith("Error: ")
    assert "Traceback" not in result.output


def test_a_folder_without_a_run_has_no_report(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["report", str(tmp_path / "absent")])
    assert result.exit_code == 2
    assert "holds no run" in result.output


def test_run_and_report_print_the_same_ranking(tmp_path: Path) -> None:
    places = ("--out", str(tmp_path / "run"), "--cache", str(tmp_path / "cache"))
    ran = _python("run", "--smoke", "--strategies", "random", *places, COLUMNS="160")
    assert ran.returncode == 0, ran.stderr
    assert "random" in ran.stdout
    assert (tmp_path / "run" / "report.html").exists()
    reported = _python("report", str(tmp_path / "run"), COLUMNS="160")
    assert reported.stdout == ran.stdout


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for one process")
def test_ctrl_c_stops_cleanly_and_says_how_to_go_on(tmp_path: Path) -> None:
    arguments = [*QUICK, "--standalone-epochs", "40", "--out", str(tmp_path / "run")]
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmark", *arguments, "--cache", str(tmp_path / "cache")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and not (tmp_path / "run" / "run.sqlite").exists():
        time.sleep(0.2)
    time.sleep(4)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "the same command again goes on from here" in " ".join(errors.split())
    assert "Traceback" not in errors
    assert "resource_tracker" not in errors


def test_a_file_called_like_one_of_our_packages_hides_nothing(tmp_path: Path) -> None:
    (tmp_path / "tasks.py").write_text("raise AssertionError('somebody ran this')")
    child = subprocess.run(
        [sys.executable, "-m", "benchmark", "list", "tasks"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (child.returncode, child.stderr) == (0, "")
    assert "digits" in child.stdout
