"""Whatever a process was writing when it died, the next one ends as if nothing had been."""

from pathlib import Path

import pytest

from benchmark.basics.fork_server import start_child
from tests.robustness.faults import WORKLOADS, everywhere, full_disk

A_FEW = {"searching": 7, "tabulating": 5, "training": 3}
"""Of so many boundaries one, where there isn't time for all."""


def survived(name: str, folder: Path, step: int) -> None:
    child = start_child(everywhere, name, folder / "faults", step)
    passed, wrong = child.connection.recv()
    child.end()
    print(f"{name}: {passed} boundaries, died and failed at 1 of {step}")  # noqa: T201 - with -s
    assert passed >= 2
    assert wrong == []


@pytest.mark.parametrize("name", WORKLOADS)
def test_write_boundaries_are_survived(name: str, quick_folder: Path) -> None:
    survived(name, quick_folder, A_FEW.get(name, 1))


@pytest.mark.long
@pytest.mark.parametrize("name", A_FEW)
def test_every_write_boundary_is_survived(name: str, quick_folder: Path) -> None:
    survived(name, quick_folder, 1)


@pytest.mark.parametrize(
    "name",
    [
        "tabulating",
        pytest.param("searching", marks=pytest.mark.long),
        pytest.param("training", marks=pytest.mark.long),
    ],
)
def test_a_full_disk_is_said_and_costs_nothing_that_was_finished(
    name: str, quick_folder: Path
) -> None:
    child = start_child(full_disk, name, quick_folder, [0, 1000, 20_000, 50_000, 10**9])
    codes, wrong = child.connection.recv()
    child.end()
    assert codes[0] == 2
    assert set(codes) == {0, 2}
    assert codes[-1] == 0
    assert wrong == []
