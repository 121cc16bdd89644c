from dataclasses import replace

import pytest

from benchmark.errors import UsageError
from benchmark.networks.backbones import shape_named
from benchmark.plan import Plan
from benchmark.settings import Settings


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


def test_a_cuda_device_that_is_not_there_is_refused() -> None:
    with pytest.raises(UsageError, match=r"'cuda:77' was asked for, but"):
        Plan(Settings(device="cuda:77"))
