from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from benchmark.errors import UsageError
from benchmark.oracle.supernet import SupernetOracle
from benchmark.plan import Plan
from benchmark.progress import Silent
from benchmark.schemes import all_schemes
from benchmark.scoring import open_supernet
from benchmark.settings import Settings
from benchmark.store import Store, bits_of
from benchmark.tabulation import tabulate
from benchmark.workers import Workers

SETTINGS = Settings(supernet_epochs=1)


def test_what_is_known_is_not_scored_again_and_the_rest_is(tmp_path: Path) -> None:
    plan = Plan(SETTINGS)
    schemes = all_schemes(plan.blocks)
    known = schemes[2:]
    with closing(Store(tmp_path / "cache.sqlite")) as cache:
        supernet = open_supernet(plan, 0, cache, Silent())
        oracle = SupernetOracle(supernet, "recalibrated")
        # Stands in for a tabulation that was stopped two schemes before its end.
        invented = [(0.25, 1.5)] * len(known)
        cache.add_answers(oracle.identity(plan.task), bits_of(known), invented, seconds=0.0)
        table = tabulate(SETTINGS, cache=cache, workers=Workers(1))
        expected = oracle().score(schemes[:2])
    assert np.array_equal(table.schemes, schemes)
    assert table.accuracy.tolist() == [*expected.accuracy.tolist(), *([0.25] * len(known))]
    assert table.loss.tolist() == [*expected.loss.tolist(), *([1.5] * len(known))]
    assert table.identity == oracle.identity(plan.task)
    assert table.parameters[[0, 1, -1]].tolist() == [93_274, 93_826, 96_242]


def test_too_many_schemes_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmark.tabulation.LIMIT", 11)
    with (
        closing(Store(tmp_path / "cache.sqlite")) as cache,
        pytest.raises(UsageError, match=r"12 blocks have 2\^12 schemes; .* with --force only"),
    ):
        tabulate(SETTINGS, cache=cache, workers=Workers(1))
