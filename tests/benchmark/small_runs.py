"""Whole experiments, as they are but on few images and with few timings."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

ROWS = 64


@contextmanager
def small_runs() -> Iterator[None]:
    """Inside, ``smoke`` cuts data to `ROWS` and times networks twice, and changes no setting."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("benchmark.planning.plan.SMOKE_ROWS", ROWS)
        patch.setattr("benchmark.planning.settings.SMOKE", {})
        yield
