"""The compiled kernels: found, loaded, chosen, and called with tensors.

`pip install` compiles ``kernels.c`` where there is a C compiler for x86-64 on Linux. Elsewhere,
and on processors without AVX2, there are none, and torch's operations do the same.
"""

from ctypes import CDLL, POINTER, Structure, byref, c_int32, c_int64, c_void_p
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from typing import Literal, get_args

import torch
from torch import Tensor

from benchmark.errors import UsageError

MODULE = "ticket_kernels"
"""Where the compiled file is found: beside the packages, wherever these are read from."""
VERSION = 1
"""Of what ``kernels.c`` declares; a file of another version is older or newer code."""

Instructions = Literal["avx512", "avx2"]
"""Instruction sets that there are kernels for, the fastest first."""
INSTRUCTIONS: tuple[Instructions, ...] = get_args(Instructions)
Choice = Literal["auto", "avx512", "avx2", "torch"]
"""What a user may ask for: the fastest that there are, some, or torch's operations."""


class Unit(Structure):
    """``struct unit`` of ``kernels.c``."""

    _fields_ = (
        ("from_", c_void_p),
        ("to", c_void_p),
        ("needs", c_void_p),
        ("taps", c_void_p),
        ("weights", c_void_p),
        ("scale", c_void_p),
        ("shift", c_void_p),
        ("output", c_void_p),
        ("positions", c_int32),
        ("depth", c_int32),
        ("outputs", c_int32),
        ("tap_count", c_int32),
        ("relu", c_int32),
    )


class Chain(Structure):
    """``struct chain`` of ``kernels.c``."""

    _fields_ = (
        ("units", POINTER(Unit)),
        ("enter", c_void_p),
        ("entered", c_void_p),
        ("branch", c_void_p),
        ("joined", c_void_p),
        ("count", c_int32),
        ("together", c_int32),
        ("entering", c_int32),
        ("channels", c_int32),
    )


_WIDTHS: dict[Instructions, tuple[int, ...]] = {"avx512": (32, 16, 8), "avx2": (16, 8)}


@dataclass(frozen=True)
class Kernels:
    """The kernels for one instruction set; tensors are float32 and contiguous.

    Attributes:
        instructions: the instruction set.
        library: the compiled file.
    """

    instructions: Instructions
    library: CDLL

    @property
    def widths(self) -> tuple[int, ...]:
        """Numbers of outputs that are computed at once, in the order in which they are used."""
        return _WIDTHS[self.instructions]

    def run(
        self,
        chain: Chain,
        features: Tensor,
        skip: Tensor | None,
        *,
        residual: Tensor | None = None,
        means: Tensor | None = None,
        passed: Tensor | None = None,
        pooled: Tensor | None = None,
    ) -> None:
        """Run ``features`` through ``chain`` and write what is wanted.

        Args:
            chain: the convolutions, with tables for at most as many images.
            features: maps that enter.
            skip: what the residual is added to; None where nothing is.
            residual: for what comes out of the last convolution.
            means: for the residual's mean of each map and channel.
            passed: for ``relu(skip + residual)``.
            pooled: for its means, in the place of ``passed``.
        """
        self._function("ticket_pass")(
            byref(chain),
            features.data_ptr(),
            len(features),
            *(None if part is None else part.data_ptr() for part in (skip, residual, means)),
            *(None if part is None else part.data_ptr() for part in (passed, pooled)),
        )

    def join(
        self,
        skip: Tensor,
        residual: Tensor,
        gate: Tensor | None,
        *,
        joined: Tensor | None = None,
        pooled: Tensor | None = None,
        scratch: int | None = None,
    ) -> None:
        """Write ``relu(skip + gate · residual)`` to ``joined``, which may be ``residual``.

        Args:
            skip: maps (n, c, h, w), channels last.
            residual: maps like these.
            gate: of each map and channel; None for 1.
            joined: where it is written.
            pooled: for its means, in the place of ``joined``.
            scratch: address of one map's numbers; needed for ``pooled``.
        """
        images, channels, height, width = skip.shape
        self._function("ticket_join")(
            skip.data_ptr(),
            residual.data_ptr(),
            None if gate is None else gate.data_ptr(),
            None if joined is None else joined.data_ptr(),
            None if pooled is None else pooled.data_ptr(),
            scratch,
            images,
            height * width,
            channels,
        )

    def _function(self, name: str):  # type: ignore[no-untyped-def]  # noqa: ANN202 - ctypes'
        return getattr(self.library, f"{name}_{self.instructions}")


@cache
def kernels_of(instructions: Instructions) -> Kernels | None:
    """The kernels for an instruction set, where they are compiled and this processor has it."""
    library = _compiled()
    if library is None or not getattr(library, f"ticket_runs_{instructions}")():
        return None
    return Kernels(instructions, library)


def chosen_kernels(choice: Choice, device: str, dtype: torch.dtype) -> Kernels | None:
    """The kernels for features in ``dtype`` on ``device``; None for torch's operations.

    Raises:
        UsageError: kernels are asked for by name that can't be had.
    """
    fits = device == "cpu" and dtype == torch.float32
    if choice == "torch" or (choice == "auto" and not fits):
        return None
    if choice == "auto":
        return next(filter(None, map(kernels_of, INSTRUCTIONS)), None)
    if not fits:
        raise UsageError(
            f"the kernels for {choice} score in float32 on the CPU, received {dtype} on {device}; "
            "leave out --oracle-kernels"
        )
    kernels = kernels_of(choice)
    if kernels is None:
        raise UsageError(f"{_missing(choice)}; use --oracle-kernels torch, or auto")
    return kernels


def _missing(instructions: Instructions) -> str:
    if _compiled() is None:
        return (
            f"there are no kernels for {instructions}: they were not compiled for this code when "
            "it was installed (pip does it on Linux where it finds a C compiler for x86-64)"
        )
    return f"there are no kernels for {instructions}: this processor lacks it"


@cache
def _compiled() -> CDLL | None:
    spec = find_spec(MODULE)
    if spec is None or spec.origin is None:
        return None
    library = CDLL(spec.origin)
    if library.ticket_kernels_version() != VERSION or not hasattr(library, "ticket_runs_avx2"):
        return None
    for instructions in INSTRUCTIONS:
        address, number = c_void_p, c_int32
        of_pass = getattr(library, f"ticket_pass_{instructions}")
        of_pass.argtypes = (POINTER(Chain), address, c_int64, *[address] * 5)
        of_pass.restype = None
        of_join = getattr(library, f"ticket_join_{instructions}")
        of_join.argtypes = (*[address] * 6, c_int64, number, number)
        of_join.restype = None
    return library
