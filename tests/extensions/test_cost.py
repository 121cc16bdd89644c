"""Change request: another cost. One file: the cost, what it is called and how it is measured."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from benchmark.records.costs import COSTS, CostColumn, ExactCost, PairedCost, PaperColumn
from benchmark.records.run import Interval, Measure
from benchmark.records.ticket import read_ticket
from benchmark.records.ticket_check import checked, self_check
from tests.costs import cost_record
from tests.extensions.conftest import Written


def count_layers(network: nn.Module, image_shape: tuple[int, int, int]) -> int:
    """Convolutions and linear layers."""
    del image_shape
    return sum(isinstance(layer, nn.Conv2d | nn.Linear) for layer in network.modules())


def joules(network: nn.Module, images: torch.Tensor) -> float:
    """What a forward pass takes; here as many as the network has parameters for each image."""
    return float(len(images) * sum(one.numel() for one in network.parameters()))


LAYERS = ExactCost(
    name="layers",
    words="layers",
    unit="",
    meter=f"{__name__}:count_layers",
    less="fewer layers",
    not_less="no fewer layers",
    strict=False,
    columns=(CostColumn("value", "layers", "Layers", "convolutions and linear layers"),),
)
ENERGY = PairedCost(
    name="energy",
    words="energy",
    unit="J",
    meter=f"{__name__}:joules",
    less="less energy",
    not_less="no less energy",
    strict=True,
    columns=(
        CostColumn(
            *("increment_over_full", "energy_to_full_sa", "Energy to Full-SA"),
            "energy relative to Full-SA, minus 1",
            main=True,
        ),
        CostColumn("value", "joules", "Energy", "median of one forward pass"),
    ),
    paper=PaperColumn("energy", "Energy", "Relative energy", "relative to Original, mean"),
)


@pytest.fixture(autouse=True)
def _registered() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for cost in (LAYERS, ENERGY):
            patch.setitem(COSTS, cost.name, cost)
        yield


def test_registered_costs_are_measured_judged_and_in_page_csv_latex_and_ticket(
    written: Callable[..., Written], tmp_path: Path
) -> None:
    found = written()
    for item in found.report.analysis.schemes:
        energy, layers = ENERGY.of(item.cost), LAYERS.of(item.cost)
        assert energy is not None
        assert layers is not None
        assert energy.increment_over_full is not None
        assert energy.increment_over_full.low == energy.increment_over_full.high <= 0
    heading = found.csv["schemes"].splitlines()[0].split(",")
    assert {"energy_to_full_sa", "energy_to_full_sa_low", "joules", "layers"} <= set(heading)
    assert "Energy to Full-SA (%)" in found.page
    assert "strictly less energy" in found.page
    assert "Every energy interval is within ±2 points." in found.page
    assert "Energy" in found.latex["table-1"]
    assert "Relative energy" in found.latex["table-2"]

    (path,) = (tmp_path / "run" / "tickets").glob("*.json")
    ticket = read_ticket(path)
    assert self_check(ticket) is None
    rows = {
        row.name: row
        for row in checked(
            ticket, ticket.trainings, ticket.costs, same_kind=True, fresh=False
        ).comparisons
    }
    assert rows["energy over Full-SA"].stated == rows["energy over Full-SA"].found
    assert rows["layers"].agrees is None


def test_a_record_of_before_it_was_registered_leaves_it_open() -> None:
    ratio = Interval(-0.1, -0.2, -0.05)
    records = [cost_record(bits, 9, 5, 5, 1.0, ratio, ratio) for bits in ("10", "11")]
    condition = ENERGY.condition(*records)
    assert (condition.holds, condition.words) == (None, "energy not measured")
    damaged = [replace(one, measures={"energy": Measure(1.0)}) for one in records]
    assert ENERGY.condition(*damaged) == condition
