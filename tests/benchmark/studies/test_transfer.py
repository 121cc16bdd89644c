"""A transfer from the digits to a dense task, on a few images."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from benchmark.basics.errors import OtherExperimentError, UsageError
from benchmark.planning.settings import Settings
from benchmark.records.transfer import TransferRecords
from benchmark.standalone import training
from benchmark.standalone.kept_networks import read_weights
from benchmark.standalone.training import Job, Start, Training, begin_with, train_standalone
from benchmark.studies.cache import opened_cache
from benchmark.studies.source import Source
from benchmark.studies.transfer import default_folder, transfer
from benchmark.workers.pool import WorkerPool
from reports.pages.transfer_page import write_transfer
from tasks.registry import load_task
from tests.benchmark.training.tiny import SPEC
from tests.tasks.dots import registered

SOURCE = Source(Path("ticket.json"), {"task": "digits", "sharing": "full"}, "0" * 8 + "1010")
TRAINING = Training(SPEC.task, SPEC.network, SPEC.recipe, root_seed=0)
SETTINGS = {"smoke": True, "task": "dots"}


@pytest.fixture(scope="module", autouse=True)
def dots() -> Iterator[None]:
    with registered():
        yield


def carried(
    out: Path | None, cache: Path, *, schemes: tuple[str, ...] = ("1" * 6 + "0" * 6,)
) -> TransferRecords:
    with opened_cache(cache) as store:
        return transfer(
            SOURCE,
            Settings(**SETTINGS),
            out=out,
            cache=store,
            workers=WorkerPool(1),
            schemes=schemes,
            command="transfer it",
        )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("transfer")


@pytest.fixture(scope="module")
def records(folder: Path) -> TransferRecords:
    records = carried(folder / "out", folder / "cache")
    write_transfer(records, folder / "out")
    return records


def test_the_three_references_the_ticket_and_further_schemes_are_carried(
    records: TransferRecords,
) -> None:
    assert [(item.network.name, item.network.sharing) for item in records.results] == [
        ("Original", "full"),
        ("Full-SA", "full"),
        ("Full-Share", "share"),
        ("Ticket", "full"),
        ("", "full"),
    ]
    for result in records.results:
        assert [record.seed for record in (*result.source, *result.target)] == [0, 0]
        (trained,) = result.target
        assert set(trained.figures) == {"MAE", "RMSE"}
        assert trained.figures["RMSE"] >= trained.figures["MAE"] > 0
        assert result.cost is not None


def test_networks_begin_with_the_weights_of_their_own_seed(
    records: TransferRecords, folder: Path
) -> None:
    assert records
    files = sorted((folder / "cache" / "networks").iterdir())
    assert len(files) == 5  # those of the source: the target's are not kept
    weights, seconds = read_weights(files[0])
    assert seconds > 0
    assert "network.backbone.classifier.weight" in weights


def test_a_second_call_trains_nothing_and_gives_the_same_bytes(
    records: TransferRecords, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {path.name: path.read_bytes() for path in (folder / "out").glob("*.*m*")}

    def never(_: Job) -> None:
        raise AssertionError("trained again")

    monkeypatch.setattr(training, "train_standalone", never)
    again = carried(folder / "out", folder / "cache")
    assert again == records
    write_transfer(again, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} <= set(before) | {
        "transfer.csv",
        "rank-transfer.csv",
    }
    for path in tmp_path.iterdir():
        assert path.read_bytes() == (folder / "out" / path.name).read_bytes()


def test_a_transfer_that_was_stopped_goes_on_and_repeats_nothing(
    records: TransferRecords, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, jobs = train_standalone, []

    def stopping(job: Job) -> object:
        jobs.append((job.training.task.name, job.bits, job.training.network.sharing))
        if len(jobs) in (3, 7):
            raise KeyboardInterrupt
        return real(job)

    monkeypatch.setattr(training, "train_standalone", stopping)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            carried(tmp_path / "out", tmp_path / "cache", schemes=())
    again = carried(tmp_path / "out", tmp_path / "cache", schemes=())
    assert len(jobs) - 2 == len(set(jobs)) == 8
    for one, other in zip(again.results, records.results[:4], strict=True):
        assert [r.figures for r in one.target] == [r.figures for r in other.target]


def test_another_transfer_does_not_go_into_the_same_folder(
    records: TransferRecords, folder: Path
) -> None:
    assert records
    with pytest.raises(OtherExperimentError, match="choose another folder"):
        carried(folder / "out", folder / "cache", schemes=())


def test_without_a_folder_another_transfer_goes_into_a_folder_of_its_own(
    records: TransferRecords, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "here").mkdir()
    monkeypatch.chdir(folder / "here")
    other = carried(None, folder / "cache", schemes=())
    place, elsewhere = (
        default_folder(SOURCE.path, "dots", one.experiment) for one in (other, records)
    )
    assert list(Path("runs").iterdir()) == [place]
    assert place != elsewhere


FRESH = (
    "network.backbone.first",
    "network.backbone.classifier",
    "network.backbone.blocks.0.shortcut",  # of stride 2 here, the identity there
)


def test_a_stem_for_other_images_and_the_head_stay_as_drawn() -> None:
    source = TRAINING.initial_network("110", 0)
    images = replace(TRAINING.network.backbone, in_channels=3, classes=7, strides=(2, 2))
    target = replace(TRAINING, network=replace(TRAINING.network, backbone=images))
    drawn, begun = (target.initial_network("110", 1) for _ in range(2))
    begin_with(begun, source.state_dict())
    for name, tensor in begun.state_dict().items():
        fresh = name.startswith(FRESH)
        assert torch.equal(tensor, (drawn if fresh else source).state_dict()[name]), name


def test_weights_of_another_backbone_are_refused() -> None:
    wide = replace(TRAINING.network.backbone, widths=(6, 6))
    other = replace(TRAINING, network=replace(TRAINING.network, backbone=wide))
    with pytest.raises(UsageError, match=r"these weights don't fit: expected .*blocks"):
        begin_with(other.initial_network("110", 0), TRAINING.initial_network("110", 0).state_dict())


def test_what_a_training_begins_with_is_part_of_its_identity(tmp_path: Path) -> None:
    task = load_task(TRAINING.task)
    started = replace(TRAINING, start=Start(TRAINING, str(tmp_path)))
    moved = replace(TRAINING, start=Start(TRAINING, "elsewhere"))
    other = replace(TRAINING, start=Start(replace(TRAINING, root_seed=9), str(tmp_path)))
    names = [training.identity(task) for training in (TRAINING, started, moved, other)]
    assert names[1] == names[2]
    assert len(set(names)) == 3
