"""Which rows of a training set are held out for validation."""

import numpy as np
from jaxtyping import Bool, Int64

from tasks.errors import DataError

PER_CLASS = 100
"""Validation images of each class, as in the paper."""


def held_out(
    labels: Int64[np.ndarray, " n"], names: list[str], rng: np.random.Generator | None
) -> Bool[np.ndarray, " n"]:
    """Mark 100 rows of each class, or a fifth of a class that has fewer than 500.

    Args:
        labels: class of each row.
        names: of the classes.
        rng: chooses the rows; None takes the first of each class.

    Raises:
        DataError: a class with fewer than two rows.
    """
    chosen = np.zeros(len(labels), dtype=bool)
    order = np.argsort(labels, kind="stable")
    counts = np.bincount(labels, minlength=len(names))
    for name, count, rows in zip(names, counts, np.split(order, counts.cumsum()[:-1]), strict=True):
        if count < 2:  # noqa: PLR2004 - one to train on, one to validate on
            raise DataError(
                f"class {name} has {count} training images; at least 2 are needed: is the data "
                "set unpacked completely?"
            )
        taken = min(PER_CLASS, max(1, int(count) // 5))
        chosen[rows[:taken] if rng is None else rng.choice(rows, taken, replace=False)] = True
    return chosen


def part_of(
    count: int, rng: np.random.Generator, *, one_of: int = 10
) -> Bool[np.ndarray, " count"]:
    """Mark one of ``one_of`` rows that have no classes, at least one.

    Raises:
        DataError: fewer than two rows.
    """
    if count < 2:  # noqa: PLR2004 - one to train on, one to validate on
        raise DataError(
            f"there are {count} training images; at least 2 are needed: is the data set unpacked "
            "completely?"
        )
    chosen = np.zeros(count, dtype=bool)
    chosen[rng.choice(count, max(1, round(count / one_of)), replace=False)] = True
    return chosen
