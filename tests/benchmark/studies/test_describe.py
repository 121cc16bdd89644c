import json
from dataclasses import asdict

import pytest
from click.testing import CliRunner

from benchmark.cli import main
from benchmark.studies.describe import describe_network

TICKET = "001100100101110101|001100000111001111|101100000111110001"
"""The paper's Table IV, ours(a): Share-EAN on ResNet164."""


def test_the_papers_ticket_of_table_iv() -> None:
    ticket = describe_network("resnet164", attention="se", sharing="share", scheme=TICKET)
    assert ticket.scheme == TICKET
    assert [stage.connections for stage in ticket.stages] == [9, 9, 9]
    assert [stage.modules for stage in ticket.stages] == [1, 1, 1]
    assert [stage.channels for stage in ticket.stages] == [64, 128, 256]
    assert ticket.costs["parameters"] == ticket.parameters_as_built == 1_738_512
    assert ticket.integers == (0b001100100101110101, 0b001100000111001111, 0b101100000111110001)
    again = describe_network(
        "resnet164", sharing="share", scheme=",".join(str(number) for number in ticket.integers)
    )
    assert again == ticket


def test_a_stage_without_connections_has_a_module_as_built_that_is_not_used() -> None:
    described = describe_network("resnet50", sharing="share", scheme="(7,0,63,7)")
    assert described.parameters_as_built == 26_283_992
    assert described.costs["parameters"] == 26_283_992 - 33_312
    assert [stage.modules for stage in described.stages] == [1, 0, 1, 1]
    assert [stage.modules_as_built for stage in described.stages] == [1, 1, 1, 1]
    assert [stage.connections for stage in described.stages] == [3, 0, 6, 3]


def test_without_sharing_each_connection_is_a_module() -> None:
    described = describe_network("resnet38", scheme="1100|0000|1111")
    assert [stage.modules for stage in described.stages] == [2, 0, 4]
    assert described.costs["parameters"] == 428_980 + 580 * 2 + 2184 * 0 + 8464 * 4
    assert described.parameters_as_built == 473_892


def _flops(backbone: str, scheme: str) -> float:
    return describe_network(backbone, scheme=scheme).costs["FLOPs"]


def test_flops_of_a_connection_are_those_of_its_layers() -> None:
    # SE on 64 channels: two products of 64 · 4, two operations a multiply-add.
    none, one = (
        describe_network("resnet38", scheme=scheme).costs["FLOPs"] for scheme in ("none", "8,0,0")
    )
    assert one - none == 2 * (64 * 4 + 4 * 64)
    # torchvision's ResNet50 takes 4.09 G multiply-adds an image.
    assert _flops("resnet50", "none") == pytest.approx(8.18e9, rel=1e-3)


def test_images_and_classes_come_from_the_task_where_one_is_named() -> None:
    assert describe_network("resnet38").image_shape == (3, 32, 32)
    assert describe_network("resnet50").image_shape == (3, 224, 224)
    digits = describe_network("resnet38", task="digits")
    assert (digits.image_shape, digits.classes) == ((4, 8, 8), 10)
    assert describe_network(None).backbone == "resnet26-thin"


def test_the_command_prints_the_same_for_people_and_as_json() -> None:
    arguments = ["describe", "--backbone", "resnet164", "--attention", "dia", "--sharing", "share"]
    shown = CliRunner().invoke(main, arguments)
    assert shown.exit_code == 0
    assert "parameters  1,946,132\nFLOPs" in shown.output
    assert "as built    1,946,132 parameters" in shown.output
    assert "stage 3     18 of 18 blocks connected, 1 of 1 modules used" in shown.output
    values = json.loads(CliRunner().invoke(main, [*arguments, "--json"]).output)
    described = describe_network("resnet164", attention="dia", sharing="share")
    assert values == json.loads(json.dumps(asdict(described)))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--backbone resnet39", "unknown backbone 'resnet39' (there are: resnet26-thin;"),
        ("--task digts", "unknown task 'digts'; did you mean 'digits'?"),
        ("--attention sa", "unknown attention module 'sa'"),
        ("--attention dia", "expected sharing 'share', received 'full'"),
        ("--sharing half", "--sharing: expected 'full' or 'share', received 'half'"),
        ("--scheme 101", "a scheme of 12 bits (4+4+4 blocks), received 3: '101'"),
        ("--scheme 16,0,1", "integers of at most (15, 15, 15), received '16,0,1'"),
        ("--backbone resnet50 --attention sge --task digits", "received 1×1"),
    ],
)
def test_parts_that_do_not_fit_give_one_line_and_exit_code_two(
    arguments: str, message: str
) -> None:
    result = CliRunner().invoke(main, ["describe", *arguments.split()])
    assert result.exit_code == 2
    assert message in result.output
    assert len(result.output.splitlines()) == 1
