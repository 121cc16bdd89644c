"""Whatever the caller of this project has set: results are the same, and it finds it again."""

import logging
import os
import random
import signal
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from benchmark import Settings, run
from benchmark.basics.numerical_state import numerical_state
from benchmark.oracle.open import OpenOracle
from benchmark.oracle.prefix_tree import PrefixTreeOracle
from benchmark.records.schemes import all_schemes
from benchmark.records.ticket import read_ticket
from benchmark.studies.export import export_ticket
from benchmark.supernet.train import train_supernet
from benchmark.testing.states import global_states
from strategies.base import GateQuestion
from tests.benchmark.small import SMALL, small_data, small_network
from tests.benchmark.training.tiny import spec, tiny_task

DATA = replace(small_data(40), targets=torch.arange(24) % SMALL.classes)
TASK = tiny_task()
NEWER = hasattr(torch.backends, "fp32_precision")  # torch 2.9
PLACES = [("generic", "all")] + [
    (backend, operator)
    for backend in ("cuda", "mkldnn")
    for operator in ("all", "matmul", "conv", "rnn")
]


@contextmanager
def put(write: Callable[[Any], object], value: object, before: object) -> Iterator[None]:
    write(value)
    try:
        yield
    finally:
        write(before)


def read_precision(backend: str, operator: str) -> str:
    # As torch's own properties do, two of which write elsewhere than they read.
    return str(torch._C._get_fp32_precision_getter(backend, operator))  # noqa: SLF001


def precision(backend: str, operator: str, value: str) -> AbstractContextManager[None]:
    write = partial(torch._C._set_fp32_precision_setter, backend, operator)  # noqa: SLF001 - as above
    return put(
        write, value, "tf32" if backend == "cuda" and operator in ("conv", "rnn") else "none"
    )


@contextmanager
def seeded() -> Iterator[None]:
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002 - whoever does so all the same
    torch.manual_seed(1)
    yield


@contextmanager
def alarmed() -> Iterator[None]:
    before = signal.signal(signal.SIGALRM, lambda *_: None)
    signal.setitimer(signal.ITIMER_REAL, 600.0)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@contextmanager
def old_tf32() -> Iterator[None]:
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = True
    yield
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = True


def switch(write: Callable[..., object], *, usual: bool = False) -> AbstractContextManager[None]:
    return put(write, not usual, usual)


def set_cudnn_tf32(value: Any) -> None:
    torch.backends.cudnn.allow_tf32 = value


def set_onednn(value: Any) -> None:
    torch.backends.mkldnn.enabled = value


def matmul(value: str) -> AbstractContextManager[None]:
    return put(torch.set_float32_matmul_precision, value, "highest")


HABITS: dict[str, Callable[[], AbstractContextManager[Any]]] = {
    "float64": lambda: put(torch.set_default_dtype, torch.float64, torch.float32),
    "bfloat16": lambda: put(torch.set_default_dtype, torch.bfloat16, torch.float32),
    "no gradients": torch.no_grad,
    "inference mode": torch.inference_mode,
    "autocast": lambda: torch.autocast("cpu", torch.bfloat16),
    "a default device": lambda: put(torch.set_default_device, "meta", None),
    "a device around it": lambda: torch.device("meta"),
    "deterministic algorithms": lambda: switch(torch.use_deterministic_algorithms),
    "anomaly detection": lambda: switch(torch.autograd.set_detect_anomaly),
    "no denormals": lambda: switch(torch.set_flush_denormal),
    "no oneDNN": lambda: switch(set_onednn, usual=True),
    "threads": lambda: put(torch.set_num_threads, 3, torch.get_num_threads()),
    "medium matrices": lambda: matmul("medium"),
    "high matrices": lambda: matmul("high"),
    "no cuDNN TensorFloat-32": lambda: switch(set_cudnn_tf32, usual=True),
    "TensorFloat-32 the old way": old_tf32,
    "NumPy raises": lambda: np.errstate(all="raise"),
    "NumPy prints": lambda: np.printoptions(precision=1, threshold=2),
    "seeds": seeded,
    "an alarm": alarmed,
    "other warnings": lambda: warnings.catch_warnings(action="always"),
}
TREE = {
    f"{value} for {backend} {operator}": partial(precision, backend, operator, value)
    for backend, operator in (PLACES if NEWER else ())
    for value in (("ieee", "tf32") if backend == "cuda" else ("ieee", "tf32", "bf16"))
}
TOGETHER = [name for name in HABITS if name not in ("bfloat16", "a device around it")]
TOGETHER += ["bf16 for generic all"] * NEWER


SEEDS = {"numpy.random", "torch"}
LEFT_ALONE = {
    "NumPy prints": {"printing"},
    "an alarm": {"timer", "SIGALRM"},
    "other warnings": {"filters"},
    "threads": {"threads"},
}
"""What computes no otherwise for it, or is changed where it matters."""


def told(read: Callable[[], object]) -> object:
    try:
        return read()
    except RuntimeError as error:  # torch's two interfaces contradict each other
        return str(error)


def callers_state() -> dict[str, object]:
    """What is a caller's own, for comparison."""
    switches: dict[str, Callable[[], object]] = {
        "dtype": torch.get_default_dtype,
        "device": torch.get_default_device,
        "gradients": torch.is_grad_enabled,
        "inference": torch.is_inference_mode_enabled,
        "autocast": lambda: torch.is_autocast_enabled("cpu"),
        "deterministic": torch.are_deterministic_algorithms_enabled,
        "warns only": torch.is_deterministic_algorithms_warn_only_enabled,
        "anomalies": torch.is_anomaly_enabled,
        "denormals": lambda: float(torch.tensor([1e-40], device="cpu", dtype=torch.float32)[0] * 1),
        "oneDNN": lambda: torch.backends.mkldnn.enabled,
        "threads": torch.get_num_threads,
        "matrices": torch.get_float32_matmul_precision,
        "old matrices": lambda: torch.backends.cuda.matmul.allow_tf32,
        "old convolutions": lambda: torch.backends.cudnn.allow_tf32,
        "errors": np.geterr,
        "printing": np.get_printoptions,
        "filters": lambda: list(warnings.filters),
        "how warnings are shown": lambda: warnings.showwarning,
        "environment": lambda: dict(os.environ),
        "folder": Path.cwd,
        "path": lambda: list(sys.path),
        "recursion": sys.getrecursionlimit,
        "log": lambda: (logging.root.level, list(logging.root.handlers)),
        "timer": lambda: signal.getitimer(signal.ITIMER_REAL)[0] > 0,
    }
    state = {name: told(read) for name, read in switches.items()}
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM):
        state[number.name] = signal.getsignal(number)
    if NEWER:
        state |= {str(place): read_precision(*place) for place in PLACES}
    states = global_states()
    del states["random"]  # the checks of shapes in signatures draw from it, in tests only
    return state | states


def computed() -> list[bytes]:
    """Weights of a training, answers and a gradient."""
    network, _ = train_supernet(spec(epochs=1), TASK)
    answers, gradient = answered(
        OpenOracle(NETWORK, DATA, "recalibrated", identity="x", make=PrefixTreeOracle)
    )
    weights = [tensor.numpy().tobytes() for tensor in network.state_dict().values()]
    return [*weights, answers, gradient]


def answered(oracle: OpenOracle) -> tuple[bytes, bytes]:
    scores = oracle.score(all_schemes(SMALL.blocks))
    found = oracle.gate_gradient(GateQuestion(np.full(SMALL.blocks, 0.5)))
    return scores.accuracy.tobytes() + scores.loss.tobytes(), found.gradient.tobytes()


NETWORK = small_network()


@pytest.fixture(scope="module")
def expected() -> list[bytes]:
    return computed()


@pytest.mark.parametrize("habit", HABITS)
def test_a_caller_s_habit_changes_no_bit_and_stays_as_it_was(
    habit: str, expected: list[bytes]
) -> None:
    with HABITS[habit]():
        before = callers_state()
        found = computed()
        assert callers_state() == before
    assert found == expected


def test_nothing_of_torch_s_precision_is_seen_inside_or_lost() -> None:
    with numerical_state():
        ours = callers_state()
    for name, habit in (HABITS | TREE).items():
        with habit():
            before = callers_state()
            with numerical_state():
                inside = callers_state()
            assert callers_state() == before, name
        differing = {key for key in ours.keys() - SEEDS if inside[key] != ours[key]}
        assert differing == LEFT_ALONE.get(name, set()), name


def test_a_whole_run_and_an_export_are_the_same_with_all_habits_together(tmp_path: Path) -> None:
    settings = Settings(strategies=("random",), smoke=True)

    def results(folder: Path) -> tuple[object, ...]:
        report = run(settings, out=folder / "run", cache=folder, workers=1)
        lanes = [lane.schemes.tobytes() + lane.accuracy.tobytes() for lane in report.records.lanes]
        trained = {(one.bits, one.seed, one.test_loss) for one in report.records.standalone}
        return lanes, trained

    expected = results(tmp_path / "plain")
    habitual = tmp_path / "habits"
    with ExitStack() as habits:
        for name in TOGETHER:
            habits.enter_context((HABITS | TREE)[name]())
        before = callers_state()
        found = results(habitual)
        ticket = read_ticket(min((habitual / "run" / "tickets").iterdir()))
        made = export_ticket(ticket, "onnx", habitual / "net.onnx", cache=habitual)
        assert callers_state() == before
    assert found == expected
    assert made.stated == made.accuracy


def test_what_is_set_inside_another_one_stays_until_its_end() -> None:
    with numerical_state(), torch.no_grad(), numerical_state():
        assert not torch.is_grad_enabled()


def test_an_error_brings_the_caller_s_state_back_too() -> None:
    with HABITS["float64"](), HABITS["no gradients"]():
        before = callers_state()
        with pytest.raises(ZeroDivisionError), numerical_state():
            raise ZeroDivisionError
        assert callers_state() == before


def test_torch_without_the_newer_interface_is_brought_back_by_the_older(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("benchmark.basics.torch_state._tree", list)
    with HABITS["medium matrices"](), HABITS["no cuDNN TensorFloat-32"]():
        before = callers_state()
        with numerical_state():
            assert torch.get_float32_matmul_precision() == "highest"
            assert torch.backends.cudnn.allow_tf32
        assert callers_state() == before
