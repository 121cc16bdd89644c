"""The 1,797 digits that come with scikit-learn, and the pools that all tasks made of them share.

A digit that one task trains on is in no other's test pool of the same seed, so that what is
carried from one to another has not seen what it is tested on.
"""

from typing import Literal

import numpy as np
from jaxtyping import Int64

PoolName = Literal["training", "validation", "test"]
SIZES: dict[PoolName, int] = {"training": 900, "validation": 400, "test": 497}
"""How many digits are in each pool, by its name."""


def digit_rows(seed: int) -> dict[PoolName, Int64[np.ndarray, " m"]]:
    """Rows of each stratified pool, ascending."""
    from sklearn.datasets import load_digits  # noqa: PLC0415 - describing needs none
    from sklearn.model_selection import train_test_split  # noqa: PLC0415

    labels = load_digits().target.astype(np.int64)
    rest = np.arange(len(labels))
    rows: dict[PoolName, Int64[np.ndarray, " m"]] = {}
    for offset, (name, size) in enumerate(SIZES.items()):
        if size == len(rest):
            chosen = rest
        else:
            chosen, rest = train_test_split(
                rest, train_size=size, stratify=labels[rest], random_state=seed * 10 + offset
            )
        rows[name] = np.sort(chosen)
    return rows
