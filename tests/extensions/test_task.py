"""Change request: another task. One file: the task, here Fashion-MNIST with its file format."""

import gzip
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmark.planning.estimate import Estimate
from benchmark.planning.settings import Settings
from benchmark.studies.describe import describe_network
from tasks.base import Sizes, TaskSpec
from tasks.errors import DataError
from tasks.pixels import Normalisation
from tasks.recipes import Recipe
from tasks.registry import TASKS, forget_tasks
from tasks.stored_images import Stored, StoredData, StoredImages
from tests.extensions.conftest import Written

# What follows is the contributor's file.

CLASSES = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
    "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip


class FashionMnist(StoredImages):
    """Fashion-MNIST from its own files."""

    name = "fashion-mnist"
    summary = "10 kinds of clothes, grey, 28×28, 59k/1k/10k (--data)"
    source = "Xiao et al., “Fashion-MNIST: a Novel Image Dataset for Benchmarking …”"
    image_shape = (1, 28, 28)
    classes = len(CLASSES)
    backbone = "resnet26-thin"
    standalone_recipe = Recipe(
        epochs=30, batch_size=128, optimizer="sgd", learning_rate=0.1, weight_decay=1e-4
    )
    supernet_recipe = standalone_recipe
    published = Sizes(training=59_000, validation=1_000, test=10_000)
    reads = "train-images-idx3-ubyte.gz and its three companions"
    normalisation = Normalisation((0.2860,), (0.3530,))

    @classmethod
    def read(cls, spec: TaskSpec) -> StoredData:
        folder = cls.folder(spec)
        return StoredData(_stored(folder, "train"), _stored(folder, "t10k"), CLASSES)


def _stored(folder: Path, half: str) -> Stored:
    images = idx(folder / f"{half}-images-idx3-ubyte.gz", axes=3)
    labels = idx(folder / f"{half}-labels-idx1-ubyte.gz", axes=1)
    return Stored(torch.from_numpy(images)[:, None], labels.astype(np.int64))


def idx(path: Path, axes: int) -> np.ndarray:
    """Bytes of an IDX file (LeCun et al.): 0, 0, 8, the number of axes, their lengths, content.

    Raises:
        DataError: it is missing, damaged or of another kind.
    """
    try:
        raw = gzip.decompress(path.read_bytes())
        shape = np.frombuffer(raw, ">u4", axes, offset=4)
        numbers = np.frombuffer(raw, np.uint8, offset=4 + 4 * axes).reshape(shape)
    except (OSError, EOFError, ValueError) as error:
        raise DataError(
            f"{path} is no whole IDX file ({error}): fetch it again, or name its folder with --data"
        ) from error
    if raw[:4] != bytes((0, 0, 8, axes)):
        raise DataError(f"expected an IDX file of bytes with {axes} axes, received {path}")
    return numbers.copy()


# The further edit, one line in `tasks.registry.TASKS`, is what the fixture does.


@pytest.fixture
def fashion() -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(TASKS, "fashion-mnist", f"{__name__}:FashionMnist")
        yield "fashion-mnist"
    forget_tasks()


def fashion_tree(root: Path) -> Path:
    """Small files of the published names and format; ``root`` is returned."""
    root.mkdir(parents=True, exist_ok=True)
    for seed, (half, per_class) in enumerate((("train", 10), ("t10k", 2))):
        rng = np.random.default_rng(seed)
        labels = rng.permutation(np.repeat(np.arange(10, dtype=np.uint8), per_class))
        images = rng.integers(256, size=(len(labels), 28, 28), dtype=np.uint8)
        for kind, array in (("images-idx3", images), ("labels-idx1", labels)):
            header = bytes((0, 0, 8, array.ndim)) + np.array(array.shape, ">u4").tobytes()
            raw = gzip.compress(header + array.tobytes(), mtime=0)
            (root / f"{half}-{kind}-ubyte.gz").write_bytes(raw)
    return root


def test_a_registered_task_is_in_run_page_csv_and_latex(
    fashion: str, tmp_path: Path, written: Callable[..., Written]
) -> None:
    found = written(task=fashion, data=fashion_tree(tmp_path / "data"))
    assert found.report.records.facts["task"] == fashion
    assert found.report.records.facts["classes"] == 10
    assert fashion in found.page
    assert any(fashion in text for text in found.csv.values())
    assert any(fashion in text for text in found.latex.values())


class Scaled(FashionMnist):
    """The same at twice the size where an option says so."""

    options = {**FashionMnist.options, "size": ("28", "56")}  # noqa: RUF012 - declared a ClassVar by the base class

    @classmethod
    def changes(cls, spec: TaskSpec) -> dict[str, object]:
        side = int(cls.chosen(spec, "size"))
        return {"image_shape": (1, side, side)}


def test_plans_take_the_image_size_that_options_choose(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TASKS, "fashion-mnist", f"{__name__}:Scaled")
    native, large = (
        Estimate(Settings(task="fashion-mnist", task_options={"size": size}))
        for size in ("28", "56")
    )
    work = [float(plan.network.flops.sum()) for plan in (native, large)]
    assert work[1] == pytest.approx(4 * work[0], rel=1e-3)  # all but the classifier
    described = describe_network(task="fashion-mnist", task_options={"size": "56"})
    assert described.image_shape == (1, 56, 56)
    assert described.costs["FLOPs"] == pytest.approx(work[1], rel=1e-3)
