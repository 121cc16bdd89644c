"""Several processes that train one supernet, as ``torchrun`` starts them."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from benchmark.basics.errors import UsageError
from benchmark.planning.plan import Plan
from benchmark.planning.settings import Settings
from benchmark.supernet.train import train_supernet
from benchmark.training.group import joined
from tests.benchmark.training.tiny import SPEC, tiny_task

# Its last step has one row, so that one of two processes goes without.
BATCH = 257
OPTIONS = [
    "--supernet-epochs",
    "1",
    "--retain",
    "0.3",
    "--training",
    f"supernet.batch_size={BATCH}",
]


def _free_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        port: int = server.getsockname()[1]
        return port


def _run(arguments: list[str], ranks: int) -> "list[subprocess.CompletedProcess[str]]":
    """Run Python in ``ranks`` processes; ``{rank}`` in an argument is the process's own."""
    port = str(_free_port())
    group = {"WORLD_SIZE": str(ranks), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    processes = [
        subprocess.Popen(
            [sys.executable, *(argument.replace("{rank}", str(rank)) for argument in arguments)],
            env=os.environ | group | {"RANK": str(rank), "LOCAL_RANK": str(rank)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(ranks)
    ]
    done = []
    for process in processes:
        out, err = process.communicate(timeout=240)
        done.append(subprocess.CompletedProcess(arguments, process.returncode, out, err))
    return done


def _train(folder: Path, ranks: int) -> "list[subprocess.CompletedProcess[str]]":
    cache = ["--cache", str(folder / "{rank}")]  # no disk is shared
    return _run(["-m", "benchmark", "supernet", "train", *OPTIONS, *cache], ranks)


def test_two_processes_do_the_steps_of_one_that_takes_each_in_two_parts(tmp_path: Path) -> None:
    """Batch norms see the same rows; only the order of float32 sums may differ."""
    first, second = _train(tmp_path, 2)
    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert second.stdout == ""
    assert not list((tmp_path / "1").rglob("*.safetensors"))
    path = Path(first.stdout.strip())
    settings = Settings(
        supernet_epochs=1, retain=0.3, supernet={"batch_size": BATCH, "accumulate": 2}
    )
    plan = Plan(settings)
    parted, _ = train_supernet(plan.supernet(0), plan.task)
    trained = load_file(path)
    for name, parameter in parted.named_parameters():
        torch.testing.assert_close(trained[name], parameter.detach(), atol=1e-5, rtol=1e-4)
    # What a run has to say to find it.
    both = Plan(
        Settings(
            **settings.model_dump() | {"supernet": {"batch_size": BATCH}, "supernet_processes": 2}
        )
    )
    assert both.supernet(0).identity(both.task) == path.stem


AVERAGE = """
import torch
from benchmark.training.group import joined

with joined("cpu") as (group, _):
    norm = torch.nn.BatchNorm2d(2)
    norm.running_mean.fill_(group.rank)
    norm.running_var.fill_(1 + 4 * group.rank)
    group.average(norm)
    print(norm.running_mean.tolist(), norm.running_var.tolist(), int(norm.num_batches_tracked))
"""


def test_running_statistics_are_the_mean_of_all_processes() -> None:
    for done in _run(["-c", AVERAGE], 2):
        assert done.stdout == "[0.5, 0.5] [3.0, 3.0] 0\n", done.stderr


def test_a_supernet_of_two_processes_is_not_trained_by_one() -> None:
    two = type(SPEC)(**vars(SPEC) | {"processes": 2})
    with pytest.raises(UsageError, match=r"expected 2 processes .*torchrun --nproc-per-node 2"):
        train_supernet(two, tiny_task())


@pytest.mark.parametrize(
    ("variables", "device", "message"),
    [
        ({"WORLD_SIZE": "x"}, "cpu", "WORLD_SIZE: expected a number of processes, received 'x'"),
        ({"WORLD_SIZE": "2", "RANK": "1"}, "cpu", "but MASTER_ADDR, MASTER_PORT not"),
        ({"WORLD_SIZE": "2", "LOCAL_RANK": "77"}, "cuda", "'cuda:77' was asked for, but"),
    ],
)
def test_a_group_that_can_not_be_joined_is_a_usage_error(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], device: str, message: str
) -> None:
    for name in ("RANK", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UsageError, match=message), joined(device):
        pass
