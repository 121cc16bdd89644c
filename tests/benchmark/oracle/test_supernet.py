from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmark.basics.errors import StoreError
from benchmark.networks.resnet import ResNet
from benchmark.networks.spec import NetworkSpec
from benchmark.oracle.supernet import SupernetOracle
from benchmark.records.schemes import all_schemes
from benchmark.supernet.file import read_supernet, weights_hash, write_supernet
from benchmark.supernet.train import FrozenSupernet, SupernetSpec, frozen_supernet, train_supernet
from benchmark.training import Watch
from tasks.base import TaskSpec
from tasks.digits import Digits

TINY = ResNet(widths=(4, 4), blocks_per_stage=(1, 1), in_channels=4, classes=10)
SPEC = SupernetSpec(
    task=TaskSpec("digits"),
    network=NetworkSpec(TINY, "se", reduction=2, sharing="full"),
    recipe=replace(Digits.supernet_recipe, epochs=1),
    retain=0.8,
    root_seed=0,
    seed=0,
)


@pytest.fixture(scope="module")
def task() -> Digits:
    return Digits()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("supernets")


@pytest.fixture(scope="module")
def frozen(task: Digits, folder: Path) -> FrozenSupernet:
    return frozen_supernet(SPEC, task, folder)


def test_a_supernet_is_trained_once(task: Digits, folder: Path, frozen: FrozenSupernet) -> None:
    seen: list[int] = []
    again = frozen_supernet(SPEC, task, folder, watch=Watch(images=seen.append))
    assert seen == []
    assert again == frozen


def test_training_repeats_itself_to_the_bit(task: Digits, frozen: FrozenSupernet) -> None:
    trained = train_supernet(SPEC, task)[0].state_dict()
    loaded = frozen.load().state_dict()
    assert list(loaded) == list(trained)
    assert all(torch.equal(loaded[name], trained[name]) for name in trained)


@pytest.mark.parametrize(
    "other",
    [
        replace(SPEC, seed=1),
        replace(SPEC, root_seed=1),
        replace(SPEC, retain=0.5),
        replace(SPEC, recipe=replace(SPEC.recipe, epochs=2)),
        replace(SPEC, network=replace(SPEC.network, sharing="share")),
        replace(SPEC, device="cuda"),
        replace(SPEC, processes=2),
        *(
            replace(SPEC, recipe=replace(SPEC.recipe, **change))
            for change in (
                {"precision": "bf16"},
                {"accumulate": 2},
                {"memory_format": "contiguous"},
                {"compile": True},
                {"threads": 2},
            )
        ),
    ],
)
def test_whatever_changes_the_weights_changes_the_identity(
    task: Digits, other: SupernetSpec
) -> None:
    assert other.identity(task) != SPEC.identity(task)


def test_other_data_change_the_identity(task: Digits) -> None:
    assert SPEC.identity(Digits(seed=1)) != SPEC.identity(task)


@pytest.mark.parametrize("damage", [b"", b"no supernet", None])
def test_a_damaged_file_is_named_with_the_way_out(
    task: Digits, frozen: FrozenSupernet, tmp_path: Path, damage: bytes | None
) -> None:
    content = frozen.path.read_bytes()
    path = tmp_path / frozen.path.name
    path.write_bytes(content[: len(content) // 2] if damage is None else damage)
    with pytest.raises(StoreError, match=r"no intact supernet .*; delete it to train it again"):
        frozen_supernet(SPEC, task, tmp_path)


def test_a_supernet_in_the_place_of_another_is_named(
    task: Digits, frozen: FrozenSupernet, tmp_path: Path
) -> None:
    other = replace(SPEC, seed=SPEC.seed + 1)
    place = tmp_path / f"{other.identity(task)}.safetensors"
    place.write_bytes(frozen.path.read_bytes())
    message = rf"it is supernet {frozen.identity} under another name\); delete it to train it again"
    with pytest.raises(StoreError, match=message):
        frozen_supernet(other, task, tmp_path)


def test_a_file_that_is_replaced_is_another_oracle(
    task: Digits, frozen: FrozenSupernet, tmp_path: Path
) -> None:
    place = tmp_path / frozen.path.name
    place.write_bytes(frozen.path.read_bytes())
    before = SupernetOracle(frozen_supernet(SPEC, task, tmp_path), "running")
    answers = before().score(all_schemes(2))
    file = read_supernet(place)
    weights = {
        name: tensor + tensor if tensor.is_floating_point() else tensor
        for name, tensor in file.weights().items()
    }
    write_supernet(place, weights, replace(file.facts, weights=weights_hash(weights)))
    after = SupernetOracle(frozen_supernet(SPEC, task, tmp_path), "running")
    assert after.identity(task) != before.identity(task)
    assert not np.array_equal(after().score(all_schemes(2)).loss, answers.loss)
    with pytest.raises(StoreError, match="no intact supernet"):
        before.supernet.load()


def test_a_file_with_other_weights_is_refused(frozen: FrozenSupernet) -> None:
    wider = replace(SPEC.network, backbone=replace(TINY, widths=(4, 8)))
    with pytest.raises(StoreError, match="no intact supernet"):
        replace(frozen, spec=replace(SPEC, network=wider)).load()


def test_oracles_of_both_modes_have_identities_of_their_own(
    task: Digits, frozen: FrozenSupernet
) -> None:
    recalibrated, running = (
        SupernetOracle(frozen, "recalibrated"),
        SupernetOracle(frozen, "running"),
    )
    assert recalibrated.identity(task) != running.identity(task)
    first, second = (make().score(all_schemes(2)).loss for make in (recalibrated, running))
    assert not np.allclose(first, second)


def test_an_oracle_is_made_once_in_a_process(frozen: FrozenSupernet) -> None:
    assert SupernetOracle(frozen, "running")() is SupernetOracle(frozen, "running")()
