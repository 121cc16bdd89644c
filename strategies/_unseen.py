"""Uniform draws of schemes that have not been seen, in spaces of any size."""

from collections.abc import Set as AbstractSet

import numpy as np
from jaxtyping import Bool

from strategies.base import Schemes

Scheme = Bool[np.ndarray, " blocks"]


def scheme_key(scheme: Scheme) -> bytes:
    """What a set of schemes holds; equal for equal schemes only."""
    return scheme.tobytes()


def draw_unseen(
    rng: np.random.Generator, *, count: int, blocks: int, seen: AbstractSet[bytes]
) -> Schemes:
    """Distinct schemes outside ``seen``, uniformly and without replacement.

    Args:
        rng: source of the draws.
        count: schemes wanted.
        blocks: bits of a scheme.
        seen: keys (`scheme_key`) of distinct schemes that must not come again.

    Returns:
        ``count`` schemes, or fewer where the space holds no more.
    """
    space = 2**blocks
    count = min(count, space - len(seen))
    # Enumerating costs at most four times the schemes that are drawn or seen by then;
    # rejecting accepts at least three draws of four otherwise.
    if space <= 4 * (len(seen) + count):
        return _choose(rng, count=count, blocks=blocks, seen=seen)
    return _reject(rng, count=count, blocks=blocks, seen=seen)


def _choose(
    rng: np.random.Generator, *, count: int, blocks: int, seen: AbstractSet[bytes]
) -> Schemes:
    numbers = np.arange(2**blocks, dtype=np.uint64)
    bits = (numbers[:, None] >> np.arange(blocks, dtype=np.uint64)) & np.uint64(1)
    everything = bits.astype(bool)
    fresh = np.array([scheme_key(scheme) not in seen for scheme in everything])
    return rng.permutation(everything[fresh])[:count]


def _reject(
    rng: np.random.Generator, *, count: int, blocks: int, seen: AbstractSet[bytes]
) -> Schemes:
    drawn: dict[bytes, Scheme] = {}
    while len(drawn) < count:
        for scheme in rng.integers(2, size=(count - len(drawn), blocks), dtype=bool):
            if scheme_key(scheme) not in seen:
                drawn[scheme_key(scheme)] = scheme
    return np.array(list(drawn.values()), dtype=bool).reshape(count, blocks)
