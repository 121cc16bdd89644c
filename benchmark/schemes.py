"""Schemes as text and as arrays."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool

from benchmark.errors import SchemeError

Scheme = Bool[np.ndarray, " blocks"]
Schemes = Bool[np.ndarray, "schemes blocks"]


def scheme_bits(scheme: Scheme | Sequence[bool]) -> str:
    """Bits without separators, first block first: the key under which schemes are stored."""
    return "".join("1" if bit else "0" for bit in scheme)


def bits_scheme(bits: str) -> Scheme:
    """Inverse of `scheme_bits`."""
    return np.array([bit == "1" for bit in bits], dtype=bool)


def format_bits(bits: str, blocks_per_stage: Sequence[int]) -> str:
    """Bits with a separator between stages, as reports show them: ``1010|0000|1111``."""
    stages, start = [], 0
    for count in blocks_per_stage:
        stages.append(bits[start : start + count])
        start += count
    return "|".join(stages)


def parse_scheme(text: str, blocks_per_stage: Sequence[int]) -> Scheme:
    """Read a scheme from ``full``, ``none`` or bits with or without stage separators.

    Raises:
        SchemeError: other characters, or another number of bits than there are blocks.
    """
    blocks = sum(blocks_per_stage)
    word = text.strip().lower()
    if word in ("full", "none"):
        return np.full(blocks, word == "full", dtype=bool)
    bits = word.translate(str.maketrans("", "", "|,-_ "))
    if not bits or set(bits) - {"0", "1"}:
        raise SchemeError(f"expected 'full', 'none' or {blocks} bits of 0 and 1, received {text!r}")
    if len(bits) != blocks:
        shape = "+".join(str(count) for count in blocks_per_stage)
        raise SchemeError(
            f"expected a scheme of {blocks} bits ({shape} blocks), received {len(bits)}: {text!r}"
        )
    return bits_scheme(bits)


def all_schemes(blocks: int) -> Schemes:
    """All 2^blocks schemes in ascending order, the first block the most significant bit."""
    numbers = np.arange(2**blocks, dtype=np.uint64)
    shifts = np.arange(blocks - 1, -1, -1, dtype=np.uint64)
    return (numbers[:, None] >> shifts & np.uint64(1)).astype(bool)
