"""A supernet is trained, shown, exported and imported from the command line."""

import json
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner, Result
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from benchmark.basics.identity import code_version
from benchmark.cli import main
from benchmark.networks.registry import ATTENTIONS
from benchmark.planning.plan import Plan
from benchmark.planning.settings import Settings
from benchmark.supernet.file import read_supernet, write_supernet
from benchmark.supernet.train import frozen_supernet
from benchmark.training import Watch
from tasks.registry import TASKS

OPTIONS = ["--sharing", "share", "--attention", "dia", "--smoke"]


def _supernet(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["supernet", *map(str, arguments)])


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def trained(cache: Path) -> Path:
    result = _supernet("train", *OPTIONS, "--cache", cache, "--metrics", cache / "metrics")
    assert result.exit_code == 0, result.output
    assert "epoch 1 of 1: loss " in result.stderr
    assert "images/s" in result.stderr
    assert (cache / "metrics" / "metrics.csv").read_text().count("\n") == 2
    return Path(result.stdout.strip())


@pytest.fixture(scope="module")
def exported(trained: Path, cache: Path) -> Path:
    target = cache / "handed-on.safetensors"
    assert _supernet("export", trained.stem[:6], target, "--cache", cache).exit_code == 0
    return target


def test_the_same_command_finds_it(trained: Path, cache: Path) -> None:
    again = _supernet("train", *OPTIONS, "--cache", cache)
    assert again.stdout.strip() == str(trained)
    assert "found, not repeated" in again.stderr


def test_what_changes_weights_makes_another_supernet() -> None:
    plan = Plan(Settings(smoke=True))
    flagged = Settings(smoke=True, supernet={"precision": "bf16", "accumulate": 2})
    other = Plan(flagged)
    assert other.supernet(0).identity(other.task) != plan.supernet(0).identity(plan.task)
    assert "supernet.precision=bf16" in flagged.command()


def test_show_says_what_it_was_trained_from(trained: Path, cache: Path) -> None:
    shown = _supernet("show", trained.stem[:6], "--cache", cache, "--json")
    found = json.loads(shown.stdout)
    assert found["identity"] == trained.stem
    assert found["spec"]["network"]["attention"] == "dia"
    assert found["spec"]["network"]["sharing"] == "share"
    assert found["spec"]["retain"] == 0.8
    assert found["spec"]["recipe"]["batch_size"] == 4
    assert found["data"]["fingerprint"]
    assert found["code"] == code_version(
        "benchmark.supernet.train",
        *(TASKS["digits"], ATTENTIONS["dia"], "benchmark.networks.resnet"),
    )
    text = _supernet("show", trained).stdout
    assert f"parameters                     {found['parameters']:,}" in text


def test_shared_modules_survive_export_and_import_into_another_cache(
    trained: Path, exported: Path, tmp_path: Path
) -> None:
    imported = _supernet("import", exported, "--cache", tmp_path)
    assert imported.exit_code == 0, imported.output
    settings = Settings(sharing="share", attention="dia", smoke=True)
    plan = Plan(settings)
    steps: list[int] = []
    watch = Watch(images=steps.append)
    found = frozen_supernet(plan.supernet(0), plan.task, tmp_path / "supernets", watch=watch)
    assert steps == []
    network = found.load()
    assert network.attention_of(0) is network.attention_of(1)
    wanted = load_file(trained)
    assert all(torch.equal(value, wanted[name]) for name, value in network.state_dict().items())


def test_one_of_other_code_is_taken_only_if_told_so(exported: Path, tmp_path: Path) -> None:
    file = read_supernet(exported)
    facts = type(file.facts)(**vars(file.facts) | {"code": "feedfeedfeedfeed"})
    older = tmp_path / "older.safetensors"
    write_supernet(older, file.weights(), facts)
    refused = _supernet("import", older, "--cache", tmp_path)
    assert refused.exit_code == 2
    assert "was trained by other code (feedfeedfeedfeed with torch " in refused.output
    adopted = _supernet("import", older, "--cache", tmp_path, "--adopt")
    assert f"supernet {file.facts.identity} in" in adopted.output


def _broken(exported: Path, path: Path, kind: str) -> None:
    content = exported.read_bytes()
    if kind == "text":
        path.write_text("no supernet")
    elif kind == "truncated":
        path.write_bytes(content[: len(content) // 2])
    elif kind == "altered":
        path.write_bytes(content[:-2] + b"\x01\x02")
    else:
        tensors = load_file(exported)
        with safe_open(exported, framework="pt") as file:
            described = json.loads(file.metadata()["supernet"])
        if kind == "newer":
            described["format"] = 2
        elif kind == "no data":
            del described["data"]
        elif kind == "other stages":
            described["spec"]["network"]["backbone"]["blocks_per_stage"] = [4, 4, 4, 4]
        elif kind == "other network":
            described["spec"]["network"]["backbone"]["widths"] = [8, 16, 64]
        metadata = {"supernet": json.dumps(described)} if kind != "other file" else {"by": "me"}
        save_file(tensors, path, metadata)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("text", "is no intact supernet ("),
        ("truncated", "is no intact supernet ("),
        ("altered", "is no intact supernet (its weights are "),
        ("newer", "has format 2, newer than 1"),
        ("no data", "is no intact supernet (its metadata: data: Field required)"),
        ("other stages", "aren't of the network it describes: 3 widths for 4 stages"),
        ("other network", "its weights aren't of the network it describes"),
        ("other file", "is no intact supernet (its metadata don't describe one)"),
    ],
)
def test_a_broken_file_says_what_is_wrong_and_is_not_imported(
    exported: Path, tmp_path: Path, kind: str, message: str
) -> None:
    path = tmp_path / "broken.safetensors"
    _broken(exported, path, kind)
    result = _supernet("import", path, "--cache", tmp_path)
    assert result.exit_code == 2
    assert message in result.output
    assert result.output.count("\n") == 1
    assert not (tmp_path / "supernets").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["show", "feed"], "'feed' is neither a file nor a supernet in"),
        (["export", "feed", "x"], "'feed' is neither a file nor a supernet in"),
        (["import", "absent"], "there is no file absent"),
        (["train", "--precision", "half"], "--precision: expected 'float32', 'bf16' or"),
        (["train", "--accumulate", "0"], "--accumulate: expected a whole number from 1"),
        (["train", "--tensorboard"], "--tensorboard needs a folder: --metrics FOLDER"),
        (["train", "--attention", "dia"], "DIA is one module for all blocks of a stage"),
        (["train", "--smoke", "--supernet-processes", "2"], "torchrun --nproc-per-node 2"),
        (
            ["train", "--smoke", "--training", "supernet.learning_rate=1e6"],
            "training diverged: loss",
        ),
    ],
)
def test_bad_input_is_one_clear_line_and_exit_code_two(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    result = _supernet(*arguments, "--cache", "cache")
    assert result.exit_code == 2, result.output
    assert message in result.output
    assert result.output.count("\n") == 1, result.output
    assert "Traceback" not in result.output
