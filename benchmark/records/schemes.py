"""Schemes as text and as arrays."""

import re
from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool

from benchmark.basics.errors import SchemeError

Scheme = Bool[np.ndarray, " blocks"]
Schemes = Bool[np.ndarray, "schemes blocks"]


def scheme_bits(scheme: Scheme | Sequence[bool]) -> str:
    """Bits without separators, first block first: the key under which schemes are stored."""
    return "".join("1" if bit else "0" for bit in scheme)


def bits_scheme(bits: str) -> Scheme:
    """The scheme that `scheme_bits` writes as ``bits``: a truth value for each character."""
    return np.array([bit == "1" for bit in bits], dtype=bool)


def format_bits(bits: str, blocks_per_stage: Sequence[int]) -> str:
    """Bits with a separator between stages, as reports show them: ``1010|0000|1111``."""
    stages, start = [], 0
    for count in blocks_per_stage:
        stages.append(bits[start : start + count])
        start += count
    return "|".join(stages)


def stage_integers(scheme: Scheme, blocks_per_stage: Sequence[int]) -> tuple[int, ...]:
    """One integer a stage, its first block the most significant bit: the paper's code's way."""
    stages = format_bits(scheme_bits(scheme), blocks_per_stage).split("|")
    return tuple(int(bits, 2) for bits in stages)


def parse_scheme(text: str, blocks_per_stage: Sequence[int]) -> Scheme:
    """Read a scheme from ``full``, ``none``, bits, or the paper's integers.

    Bits may have separators between stages (``1100|0010``). Integers, one a stage, have
    its first block as the most significant bit: ``(7,15,63,7)`` is ``111|1111|111111|111``.
    What can be read as bits is bits.

    Raises:
        SchemeError: anything else; another number of bits than there are blocks, or an
            integer too large for its stage.
    """
    blocks = sum(blocks_per_stage)
    word = text.strip().lower()
    if word in ("full", "none"):
        return np.full(blocks, word == "full", dtype=bool)
    word = word.strip("()[] ")
    bits = re.sub(r"[|,\-_\s]", "", word)
    if not set(bits) - {"0", "1"} and len(bits) == blocks:
        return bits_scheme(bits)
    numbers = re.split(r"[|,\s]+", word)
    if len(numbers) == len(blocks_per_stage) and all(re.fullmatch("[0-9]+", n) for n in numbers):
        return _from_integers(text, [int(number) for number in numbers], blocks_per_stage)
    shape = "+".join(str(count) for count in blocks_per_stage)
    if bits and not set(bits) - {"0", "1"}:
        raise SchemeError(
            f"expected a scheme of {blocks} bits ({shape} blocks), received {len(bits)}: {text!r}"
        )
    raise SchemeError(
        f"expected 'full', 'none', {blocks} bits of 0 and 1 ({shape} blocks) or an integer for "
        f"each of {len(blocks_per_stage)} stages, received {text!r}"
    )


def _from_integers(text: str, numbers: Sequence[int], blocks_per_stage: Sequence[int]) -> Scheme:
    limits = [2**count - 1 for count in blocks_per_stage]
    if any(number > limit for number, limit in zip(numbers, limits, strict=True)):
        raise SchemeError(
            f"expected {sum(blocks_per_stage)} bits, or integers of at most "
            f"({', '.join(str(limit) for limit in limits)}), received {text!r}"
        )
    stages = zip(numbers, blocks_per_stage, strict=True)
    return bits_scheme("".join(f"{number:0{count}b}" for number, count in stages))


def all_schemes(blocks: int) -> Schemes:
    """All 2^blocks schemes in ascending order, the first block the most significant bit."""
    numbers = np.arange(2**blocks, dtype=np.uint64)
    shifts = np.arange(blocks - 1, -1, -1, dtype=np.uint64)
    return (numbers[:, None] >> shifts & np.uint64(1)).astype(bool)
