"""Tasks are kept by what was read, not by where it lay."""

from dataclasses import replace
from pathlib import Path
from shutil import rmtree

import pytest

from benchmark.planning.plan import Plan
from benchmark.planning.settings import Settings
from tasks.base import TaskSpec
from tasks.errors import DataError
from tasks.registry import forget_tasks, load_task
from tests.tasks.trees import cifar_tree
from tests.tasks.voc.trees import voc_tree


def _cifar(root: Path, per_class: int) -> TaskSpec:
    rmtree(root, ignore_errors=True)
    return TaskSpec("cifar100", data=str(cifar_tree(root, per_class)))


def test_files_made_again_at_their_place_are_read_again(tmp_path: Path) -> None:
    before = load_task(_cifar(tmp_path / "data", 5))
    after = load_task(_cifar(tmp_path / "data", 10))
    assert (before.epoch_size, after.epoch_size) == (400, 800)
    assert before.facts()["fingerprint"] != after.facts()["fingerprint"]
    assert load_task(_cifar(tmp_path / "data", 5)).facts() == before.facts()


def test_a_plan_means_the_data_that_it_found_and_workers_take_no_others(tmp_path: Path) -> None:
    spec = _cifar(tmp_path / "data", 5)
    settings = Settings(task="cifar100", data=spec.data, strategies=("random",))
    plan = Plan(settings)
    assert load_task(plan.task_spec) is plan.task
    assert Plan(settings).identity == plan.identity
    _cifar(tmp_path / "data", 10)
    assert Plan(settings).identity != plan.identity
    assert load_task(plan.task_spec) is plan.task  # still in memory, and still the same
    forget_tasks()  # as in another process
    with pytest.raises(DataError, match=r"data of task cifar100 in .* have changed, .*expected fi"):
        load_task(plan.task_spec)


def test_the_same_files_are_kept_once(tmp_path: Path) -> None:
    spec = _cifar(tmp_path / "data", 5)
    task = load_task(spec)
    assert load_task(spec) is task
    assert load_task(TaskSpec("digits")) is load_task(TaskSpec("digits"))
    pinned = replace(spec, fingerprint=str(task.facts()["fingerprint"]))
    assert load_task(pinned) is task
    assert pinned.identifying() == spec.identifying()


def test_a_list_of_scenes_in_another_order_is_the_same_data(tmp_path: Path) -> None:
    spec = TaskSpec("voc2012", data=str(voc_tree(tmp_path)), options=(("list", "augmented"),))
    before = load_task(spec)
    (folder,) = tmp_path.rglob("ImageSets/Segmentation")
    for path in folder.glob("*.txt"):
        path.write_text("\n".join(reversed(path.read_text().split("\n"))).lstrip())
    after = load_task(spec)
    assert after.held_out() == before.held_out()
    assert after.facts() == before.facts()
    (folder / "train.txt").write_text((folder / "train.txt").read_text().split("\n", 1)[1])
    assert load_task(spec).facts()["fingerprint"] != before.facts()["fingerprint"]


def test_a_scene_that_was_mended_in_place_is_no_longer_left_out(tmp_path: Path) -> None:
    spec = TaskSpec(
        "voc2012",
        data=str(voc_tree(tmp_path / "data")),
        cache=str(tmp_path / "cache"),
        skip_broken=True,
    )
    (listed,) = (tmp_path / "data").rglob("ImageSets/Segmentation/val.txt")
    name = listed.read_text().split()[0]
    (image,) = (tmp_path / "data").rglob(f"JPEGImages/{name}.jpg")
    whole = image.read_bytes()
    image.write_bytes(bytes(len(whole)))  # as many bytes, as a download leaves that was cut short
    assert list(load_task(spec).left_out()) == [image.stem]
    image.write_bytes(whole)
    assert list(load_task(spec).left_out()) == []
