"""The compiled kernels: found, loaded, chosen, and called with tensors.

`pip install` compiles ``kernels.c`` where there is a C compiler for x86-64 on Linux. Elsewhere,
and on processors without AVX2, there are none, and torch's operations do the same.
"""

import hashlib
from ctypes import CDLL, POINTER, Array, Structure, byref, c_int32, c_int64, c_void_p
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from benchmark.basics.errors import UsageError

MODULE = "ticket_kernels"
"""Where the compiled file is found: beside the packages, wherever these are read from."""
VERSION = 1
"""Version of what ``kernels.c`` declares; a file of another one is older or newer code."""

Instructions = Literal["avx512", "avx2"]
"""Instruction sets that there are kernels for, the fastest first."""
INSTRUCTIONS: tuple[Instructions, ...] = get_args(Instructions)
Choice = Literal["auto", "avx512", "avx2", "torch"]
"""What a user may ask for: ``auto`` takes the fastest that there is."""
TORCH = "torch"
"""What torch's operations are called where kernels have a name."""


class Unit(Structure):
    """A convolution and the affine map behind it, for some maps at once.

    Tables and weights are given by address; whoever fills them in keeps what they point to alive.
    Declared alike in ``kernels.c`` (``struct unit``), where each field is explained.
    """

    _fields_ = (
        ("from_", c_void_p),
        ("to", c_void_p),
        ("needs", c_void_p),
        ("taps", c_void_p),
        ("weights", c_void_p),
        ("scale", c_void_p),
        ("shift", c_void_p),
        ("output", c_void_p),
        ("winograd", c_void_p),
        ("positions", c_int32),
        ("depth", c_int32),
        ("outputs", c_int32),
        ("packed", c_int32),
        ("tap_count", c_int32),
        ("relu", c_int32),
    )


class Winograd(Structure):
    """A 3×3 convolution as 16 products of transformed tiles, 2×2 outputs each.

    Room for some tiles at a time is given by address. Declared alike in ``kernels.c`` (``struct
    winograd``).
    """

    _fields_ = (
        ("product", POINTER(Unit)),
        ("from_", c_void_p),
        ("to", c_void_p),
        ("input", c_void_p),
        ("output", c_void_p),
        ("tiles", c_int32),
        ("together", c_int32),
        ("from_row", c_int32),
        ("to_row", c_int32),
    )


class Chain(Structure):
    """Convolutions one behind the other: a residual branch, or a shortcut's single one.

    ``together`` maps of ``channels`` channels and ``entering`` positions go through at once.
    Declared alike in ``kernels.c`` (``struct chain``).
    """

    _fields_ = (
        ("units", POINTER(Unit)),
        ("enter", c_void_p),
        ("entered", c_void_p),
        ("branch", c_void_p),
        ("means", c_void_p),
        ("count", c_int32),
        ("together", c_int32),
        ("entering", c_int32),
        ("channels", c_int32),
    )


class Gate(Structure):
    """Squeeze-and-Excitation: weights of both layers, and room for one image on the way.

    ``channels`` are filled up with zeros to whole vectors. Declared alike in ``kernels.c``
    (``struct gate``).
    """

    _fields_ = (
        ("squeeze", c_void_p),
        ("squeeze_bias", c_void_p),
        ("excite", c_void_p),
        ("excite_bias", c_void_p),
        ("means", c_void_p),
        ("activations", c_void_p),
        ("factors", c_void_p),
        ("hidden", c_int32),
        ("channels", c_int32),
    )


class Level(Structure):
    """A block of a subtree, and room for its shortcut and for what its two children get.

    ``projection`` is null where the shortcut is the identity. Declared alike in ``kernels.c``
    (``struct level``).
    """

    _fields_ = (
        ("body", POINTER(Chain)),
        ("projection", POINTER(Chain)),
        ("gate", POINTER(Gate)),
        ("skip", c_void_p),
        ("passed", c_void_p),
        ("attended", c_void_p),
    )


class Subtree(Structure):
    """The last ``count`` blocks of a network, mean pooling and its linear classifier.

    Declared alike in ``kernels.c`` (``struct subtree``).
    """

    _fields_ = (
        ("levels", POINTER(Level)),
        ("classifier", POINTER(Unit)),
        ("branch", c_void_p),
        ("pooled", c_void_p),
        ("outputs", c_void_p),
        ("count", c_int32),
    )


_WIDTHS: dict[Instructions, tuple[int, ...]] = {"avx512": (32, 16, 8), "avx2": (16, 8)}


@dataclass(frozen=True)
class Kernels:
    """The kernels for one instruction set; tensors are float32 and contiguous.

    Attributes:
        instructions: the instruction set.
        library: the compiled file.
        build: hash of its content: other compilers may round otherwise.
    """

    instructions: Instructions
    library: CDLL
    build: str

    @property
    def name(self) -> str:
        """What answers depend on, for identities and reports."""
        return f"{self.instructions}-{self.build}"

    @property
    def widths(self) -> tuple[int, ...]:
        """Numbers of outputs that are computed at once, in the order in which they are used."""
        return _WIDTHS[self.instructions]

    def run(
        self,
        chain: Chain,
        gate: Gate | None,
        features: Tensor,
        skip: Tensor | None,
        *,
        residual: Tensor | None = None,
        means: Tensor | None = None,
        passed: Tensor | None = None,
        attended: Tensor | None = None,
        pooled: bool = False,
    ) -> None:
        """Run ``features`` through ``chain`` and write what is wanted.

        Args:
            chain: the convolutions, with tables for at most as many images.
            gate: of the block's SAM; needed for ``attended``.
            features: maps that enter.
            skip: what the residual is added to; needed for ``passed`` and ``attended``.
            residual: for what comes out of the last convolution.
            means: for the residual's mean of each map and channel.
            passed: for ``relu(skip + residual)``.
            attended: for ``relu(skip + gate · residual)``.
            pooled: whether the means of these two are wanted instead.
        """
        self._function("ticket_pass")(
            byref(chain),
            None if gate is None else byref(gate),
            features.data_ptr(),
            _address(skip),
            len(features),
            _address(residual),
            _address(means),
            _address(passed),
            _address(attended),
            pooled,
        )

    def walk(
        self,
        subtree: Subtree,
        features: Tensor,
        schemes: Bool[np.ndarray, "schemes blocks"],
        scales: Array[c_void_p] | None,
    ) -> Float[Tensor, "schemes n classes"]:
        """Outputs of all schemes of a subtree.

        Args:
            subtree: blocks and classifier.
            features: maps that enter the first block.
            schemes: in ascending order, a bit for each block.
            scales: scale and shift of one convolution after the other, node by node in the order
                of a descent; None where they stay what the layouts have.
        """
        entering, classifier = subtree.levels[0].body.contents, subtree.classifier.contents
        pooled = numbers(len(schemes), entering.together, classifier.depth)
        outputs = numbers(len(schemes), len(features), classifier.outputs)
        bits = np.ascontiguousarray(schemes)
        subtree.pooled = pooled.data_ptr()
        self._function("ticket_walk")(
            byref(subtree),
            features.data_ptr(),
            len(features),
            bits.ctypes.data,
            len(bits),
            scales,
            outputs.data_ptr(),
        )
        return outputs

    def join(
        self,
        skip: Tensor,
        residual: Tensor,
        gate: Tensor | None,
        joined: Tensor,
        *,
        pooled: bool = False,
    ) -> None:
        """Write ``relu(skip + gate · residual)`` to ``joined``, which may be ``residual``.

        Args:
            skip: maps (n, c, h, w), channels last.
            residual: maps like these.
            gate: of each map and channel; None for 1.
            joined: where it is written.
            pooled: whether its means of each map and channel are wanted instead.
        """
        images, channels, height, width = skip.shape
        self._function("ticket_join")(
            skip.data_ptr(),
            residual.data_ptr(),
            _address(gate),
            joined.data_ptr(),
            pooled,
            images,
            height * width,
            channels,
        )

    def _function(self, name: str):  # type: ignore[no-untyped-def]  # noqa: ANN202 - ctypes'
        return getattr(self.library, f"{name}_{self.instructions}")


def _address(tensor: Tensor | None) -> int | None:
    return None if tensor is None else tensor.data_ptr()


def numbers(*shape: int) -> Tensor:
    """Room for what the kernels write, whatever torch's defaults are."""
    return torch.empty(shape, dtype=torch.float32, device="cpu")


@cache
def kernels_of(instructions: Instructions) -> Kernels | None:
    """The kernels for an instruction set, where they are compiled and this processor has it."""
    found = _compiled()
    if isinstance(found, str) or not getattr(found.library, f"ticket_runs_{instructions}")():
        return None
    return Kernels(instructions, found.library, found.build)


def chosen_kernels(choice: Choice, device: str, dtype: torch.dtype) -> Kernels | None:
    """The kernels for features in ``dtype`` on ``device``; None for torch's operations.

    Raises:
        UsageError: kernels are asked for that can't be had.
    """
    fits = device == "cpu" and dtype == torch.float32
    if choice == TORCH or (choice == "auto" and not fits):
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
        raise _missing(f"the kernels for {choice}")
    return kernels


def named_kernels(name: str) -> Kernels | None:
    """The kernels of that name, which `kernels_name` gave here or on another machine.

    Raises:
        UsageError: this machine has no such kernels.
    """
    if name == TORCH:
        return None
    there = [kernels for kernels in map(kernels_of, INSTRUCTIONS) if kernels is not None]
    for kernels in there:
        if kernels.name == name:
            return kernels
    raise _missing(f"the kernels {name}, which others score with,")


def kernels_name(kernels: Kernels | None) -> str:
    """What ``kernels`` are called in identities and reports."""
    return TORCH if kernels is None else kernels.name


def why_not_compiled() -> str:
    """Why no kernels were compiled for this code; empty if they were."""
    found = _compiled()
    return found if isinstance(found, str) else ""


def _missing(what: str) -> UsageError:
    there = [kernels.name for kernels in map(kernels_of, INSTRUCTIONS) if kernels is not None]
    has = f"it has {', '.join(there)}" if there else why_not_compiled() or "its processor has none"
    return UsageError(
        f"{what} are not on this machine ({has}); install the same build everywhere, or use "
        f"--oracle-kernels {TORCH}"
    )


@dataclass(frozen=True)
class _Compiled:
    library: CDLL
    build: str


@cache
def _compiled() -> _Compiled | str:
    """The compiled file, or why there is none."""
    spec = find_spec(MODULE)
    if spec is None or spec.origin is None:
        return (
            "they were not compiled when this was installed: pip does it where it finds a C "
            "compiler for x86-64 on Linux"
        )
    return loaded(Path(spec.origin))


def loaded(path: Path) -> _Compiled | str:
    """The compiled file at ``path``, or why it is of no use."""
    again = "install this package again"
    try:
        library = CDLL(str(path))
        version = library.ticket_kernels_version()
    except (OSError, AttributeError) as error:
        return f"{path} can't be loaded ({error}); {again}"
    if version != VERSION:
        return f"{path} was compiled from other code, or for another kind of processor; {again}"
    for instructions in INSTRUCTIONS:
        of_pass = getattr(library, f"ticket_pass_{instructions}")
        of_pass.argtypes = (
            *(POINTER(Chain), POINTER(Gate), c_void_p, c_void_p, c_int64),
            *(c_void_p, c_void_p, c_void_p, c_void_p, c_int32),
        )
        of_join = getattr(library, f"ticket_join_{instructions}")
        of_join.argtypes = (*[c_void_p] * 4, c_int32, c_int64, c_int32, c_int32)
        of_walk = getattr(library, f"ticket_walk_{instructions}")
        of_walk.argtypes = (
            *(POINTER(Subtree), c_void_p, c_int64, c_void_p, c_int32),
            *(POINTER(c_void_p), c_void_p),
        )
        of_pass.restype = of_join.restype = of_walk.restype = None
    return _Compiled(library, hashlib.sha256(path.read_bytes()).hexdigest()[:8])
