"""Every claim of speed, as ``python -m benchmark speed`` measures it.

Run with ``tox -e speed``; nothing is asserted about time.
"""

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmark.speed.base import Result, Round
from benchmark.speed.formats import as_line
from benchmark.speed.registry import BENCHMARKS

PAIRS = 3
ROWS = 128


@pytest.mark.parametrize("name", BENCHMARKS)
def test_speed(benchmark: BenchmarkFixture, capsys: pytest.CaptureFixture[str], name: str) -> None:
    measured = BENCHMARKS[name]()
    if note := measured.missing():
        pytest.skip(note)
    measured.prepare(ROWS)
    rounds: list[Round] = []
    benchmark.pedantic(lambda: rounds.append(measured.measure()), rounds=PAIRS)  # type: ignore[no-untyped-call]  # the plug-in's own
    result = Result(measured.name, measured.title, measured.claim, rounds)
    benchmark.extra_info |= result.plain()
    with capsys.disabled():
        print(f"\n{as_line(result)}")  # noqa: T201 - a person reads the ratios
