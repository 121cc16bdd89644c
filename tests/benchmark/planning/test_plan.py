from dataclasses import replace
from pathlib import Path

import pytest

from benchmark.basics.errors import UsageError
from benchmark.networks.backbone import shape_named
from benchmark.planning.plan import Plan
from benchmark.planning.settings import Settings
from benchmark.workers.pool import WorkerPool
from tasks.digits import Digits
from tests.benchmark.plug_in import SOURCE, write_plug_in


@pytest.mark.parametrize(("budget", "pays"), [(1, False), (204, False), (205, True)])
def test_the_landscape_is_tabulated_where_that_is_cheaper_than_the_lanes_asks(
    budget: int, *, pays: bool
) -> None:
    # Ten lanes: the tree of 2,050 schemes has as many nodes as that of all 4,096.
    settings = Settings(strategies=("random", "ga"), seeds=5, budget=budget)
    assert Plan(settings).tabulation_pays() == pays


def test_identities_follow_the_settings() -> None:
    identity = Plan(Settings()).identity
    assert Plan(Settings()).identity == identity
    for change in ({"seed": 1}, {"budget": 7}, {"sharing": "share"}, {"confidence": 0.9}):
        other = Settings(**change)
        assert Plan(other).identity != identity


def test_an_option_at_its_default_is_the_same_experiment_as_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Digits, "options", {"ink": ("black", "blue")})
    plain, told = Plan(Settings()), Plan(Settings(task_options={"ink": "black"}))
    assert (told.identity, told.task_spec) == (plain.identity, plain.task_spec)
    other = Plan(Settings(task_options={"ink": "blue"}))
    assert other.identity != plain.identity
    assert other.task_spec.options == (("ink", "blue"),)
    # The command still says it: a recipe may say something else.
    assert "--task-option ink=black" in told.settings.command()


def test_the_backbone_may_be_another_than_the_tasks() -> None:
    settings = Settings(backbone="resnet38", attention="dia", sharing="share")
    parts = Plan(settings)
    assert parts.network.backbone == replace(
        shape_named("resnet38").native, in_channels=4, classes=10
    )
    assert parts.network.reduction == 4
    assert parts.oracle_facts(landscape="tabulated")["backbone"] == "resnet38"
    assert Plan(Settings()).oracle_facts(landscape="tabulated")["backbone"] == "resnet26-thin"
    command = "run --strategies ean,ga,enas --backbone resnet38 --attention dia --sharing share"
    assert settings.command().endswith(command)


def test_hyper_parameters_and_plug_ins_are_part_of_the_identity(tmp_path: Path) -> None:
    plain = Plan(Settings(strategies=("ga",))).identity
    assert Plan(Settings(strategies=("ga",), set={"ga": {"population": 8}})).identity != plain
    assert Plan(Settings(strategies=("ga",), set={"ga": {"population": 30}})).identity == plain
    reference = write_plug_in(tmp_path)
    before = Plan(Settings(strategies=("ga", reference)))
    assert [key.strategy for key in before.lane_keys()[::5]] == ["ga", "flipper"]
    write_plug_in(tmp_path, SOURCE + "# edited\n")
    assert Plan(Settings(strategies=("ga", reference))).identity != before.identity


def test_a_plug_in_is_described_by_its_file_and_content(tmp_path: Path) -> None:
    plan = Plan(Settings(strategies=(write_plug_in(tmp_path),)))
    described = plan.description(WorkerPool(1)).environment["strategy flipper"]
    expected = f"{tmp_path / 'mine.py'}:Flipper, content {plan.strategies['flipper'].code}"
    assert described == expected


def test_a_cuda_device_that_is_not_there_is_refused() -> None:
    with pytest.raises(UsageError, match=r"'cuda:77' was asked for, but"):
        Plan(Settings(device="cuda:77"))
