"""Torch's part of the `benchmark.basics.numerical_state`."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import torch

from benchmark.basics.denormals import flushes

_DEVICES = ("cpu", "cuda")
_BACKENDS = {"cuda": ("matmul", "conv", "rnn"), "mkldnn": ("matmul", "conv", "rnn")}
_TF32 = {("cuda", "conv"), ("cuda", "rnn")}
"""What torch rounds to TensorFloat-32 unless told otherwise."""


def changes() -> Iterator[AbstractContextManager[Any]]:
    """What gives torch's state of a fresh process, and the caller's back; each is entered first.

    Those come last that torch has context managers for, where they have something to do.
    """
    for change in _CHANGES:
        yield change()
    if torch.is_inference_mode_enabled():
        yield torch.inference_mode(mode=False)
    if not torch.is_grad_enabled():
        yield torch.enable_grad()
    for device in _DEVICES:
        if torch.is_autocast_enabled(device):
            yield torch.autocast(device, enabled=False)
    if torch.get_default_device().type != "cpu":
        yield torch.device("cpu")


@contextmanager
def _held(
    read: Callable[[], Any], write: Callable[[Any], object], wanted: object
) -> Iterator[None]:
    before = read()
    if before == wanted:
        yield
        return
    write(wanted)
    try:
        yield
    finally:
        write(before)


def _default_dtype() -> AbstractContextManager[None]:
    return _held(torch.get_default_dtype, torch.set_default_dtype, torch.float32)


def _determinism() -> AbstractContextManager[None]:
    return _held(
        lambda: (
            torch.are_deterministic_algorithms_enabled(),
            torch.is_deterministic_algorithms_warn_only_enabled(),
        ),
        lambda modes: torch.use_deterministic_algorithms(modes[0], warn_only=modes[1]),
        (False, False),
    )


def _anomalies() -> AbstractContextManager[None]:
    return _held(
        lambda: (torch.is_anomaly_enabled(), torch.is_anomaly_check_nan_enabled()),
        lambda modes: torch.autograd.set_detect_anomaly(*modes),
        (False, True),
    )


def _denormals() -> AbstractContextManager[None]:
    return _held(flushes, torch.set_flush_denormal, wanted=False)


def _one_dnn() -> AbstractContextManager[None]:
    def write(modes: tuple[bool, bool]) -> None:
        flags.enabled, flags.deterministic = modes

    flags: Any = torch.backends.mkldnn  # its types are those of what gives its values
    return _held(lambda: (flags.enabled, flags.deterministic), write, (True, False))


@contextmanager
def _float32() -> Iterator[None]:
    """Float32 as torch begins with, through both of its interfaces.

    The older one (``set_float32_matmul_precision``, ``allow_tf32``) keeps settings of its own and
    raises an error when they contradict the newer one's, a tree of ``fp32_precision`` from all
    backends to single operators.
    """
    tree = _tree()
    if _is_fresh(tree):
        yield
        return
    before = {node: _emptied(node) for node in tree}  # roots first: leaves show what they inherit
    matmul = torch.get_float32_matmul_precision()
    cudnn = _allows_tf32(tree)
    torch.set_float32_matmul_precision("highest")
    torch.backends.cudnn.allow_tf32 = True
    for node in tree:  # which the older interface has just written to
        _set_precision(node, _first(node))
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(matmul)
        torch.backends.cudnn.allow_tf32 = cudnn
        for node, precision in before.items():
            _set_precision(node, precision)


_Node = tuple[str, str]


def _tree() -> list[_Node]:
    """Nodes of ``fp32_precision``, roots first; none before torch 2.9."""
    if not hasattr(torch._C, "_get_fp32_precision_getter"):  # noqa: SLF001 - see _precision
        return []
    leaves = [(name, operator) for name, operators in _BACKENDS.items() for operator in operators]
    return [("generic", "all"), *((name, "all") for name in _BACKENDS), *leaves]


def _precision(node: _Node) -> str:
    # What torch.backends' properties call; two of those write elsewhere than they read.
    return str(torch._C._get_fp32_precision_getter(*node))  # noqa: SLF001


def _set_precision(node: _Node, precision: str) -> None:
    torch._C._set_fp32_precision_setter(*node, precision)  # noqa: SLF001 - see above


def _emptied(node: _Node) -> str:
    """What a node says itself, once nothing is inherited any more; it says nothing then."""
    own = _precision(node)
    _set_precision(node, _first(node))
    return own


def _first(node: _Node) -> str:
    return "tf32" if node in _TF32 else "none"


def _is_fresh(tree: list[_Node]) -> bool:
    try:
        plain = torch.get_float32_matmul_precision() == "highest"
        plain = plain and torch.backends.cudnn.allow_tf32
    except RuntimeError:  # the two interfaces contradict each other
        return False
    return plain and all(_precision(node) == _first(node) for node in tree)


def _allows_tf32(tree: list[_Node]) -> bool:
    try:
        return bool(torch.backends.cudnn.allow_tf32)
    except RuntimeError:  # with its operators at TensorFloat-32, it must be off
        assert tree
        return False


_CHANGES: tuple[Callable[[], AbstractContextManager[None]], ...] = (
    _denormals,
    _default_dtype,
    _determinism,
    _anomalies,
    _one_dnn,
    _float32,
)
