from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from benchmark.networks.backbone import shape_named
from benchmark.networks.connect import SchemeNetwork
from benchmark.networks.spec import NetworkSpec
from benchmark.training import train
from tasks.base import TaskSpec
from tasks.recipes import Recipe
from tasks.voc.digits_voc import DigitsVoc
from tasks.voc.head import PyramidHead
from tasks.voc.masks import VOID
from tasks.voc.metric import row_losses
from tasks.voc.voc2012 import Voc2012
from tests.tasks.voc.trees import voc_tree


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def digits(cache: str) -> DigitsVoc:
    return DigitsVoc.load(TaskSpec("digits-voc", cache=cache))


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return voc_tree(tmp_path_factory.mktemp("voc") / "data")


def _head(spec: PyramidHead, earlier: int, last: int) -> torch.nn.Module:
    torch.manual_seed(0)
    return spec.build((earlier, last))


def test_the_head_has_pspnets_parameters() -> None:
    """Hand-counted for ResNet50, as in semseg: 21 classes of 512 and 256 hidden channels."""
    with torch.device("meta"):
        head = PyramidHead(21).build((1024, 2048))
    norm = 2  # scale and shift
    pools = 4 * (2048 * 512 + norm * 512)
    main = 9 * 4096 * 512 + norm * 512 + 21 * 512 + 21
    auxiliary = 9 * 1024 * 256 + norm * 256 + 21 * 256 + 21
    assert sum(p.numel() for p in head.parameters()) == pools + main + auxiliary


def test_the_head_answers_each_pixel_and_in_training_twice() -> None:
    head = _head(PyramidHead(5, hidden=6, auxiliary=4), 3, 8)
    features = (torch.rand(2, 3, 9, 7), torch.rand(2, 8, 5, 4))
    main, auxiliary = head(features, (33, 29))
    assert main.shape == auxiliary.shape == (2, 5, 33, 29)
    assert head.eval()(features, (33, 29)).shape == (2, 5, 33, 29)


def test_a_last_batch_of_one_image_can_be_trained_on() -> None:
    """Its most coarsely pooled map has one value, of which batch norms know no variance."""
    head = _head(PyramidHead(5, hidden=6, auxiliary=4), 3, 8)
    main, _ = head((torch.rand(1, 3, 5, 5), torch.rand(1, 8, 5, 5)), (9, 9))
    main.sum().backward()
    assert all(p.grad is not None for p in head.pools.parameters())  # type: ignore[union-attr]  # a list of modules


def test_the_auxiliary_loss_weighs_four_tenths(digits: DigitsVoc) -> None:
    main, auxiliary = torch.randn(2, 3, 11, 5, 4, generator=torch.Generator().manual_seed(0))
    targets = torch.randint(11, (3, 5, 4), generator=torch.Generator().manual_seed(1))
    targets[0, 0] = VOID
    parts = [row_losses(logits, targets).mean() for logits in (main, auxiliary)]
    torch.testing.assert_close(digits.loss((main, auxiliary), targets), parts[0] + 0.4 * parts[1])
    torch.testing.assert_close(digits.loss(main, targets), parts[0])


def _network(task: DigitsVoc | Voc2012, backbone: str) -> SchemeNetwork:
    spec = NetworkSpec.on(task, shape_named(backbone), attention="se", sharing="full")
    network = spec.build(torch.Generator().manual_seed(0))
    return SchemeNetwork(network, [True] * spec.backbone.blocks)


def _scores(task: DigitsVoc, network: SchemeNetwork) -> tuple[float, float]:
    """MIoU on the validation split of a network, and of background everywhere."""
    tallies = []
    with torch.no_grad():
        for images, targets in task.validation().batches(16):
            outputs = network.eval()(images)
            background = torch.zeros_like(outputs)
            background[:, 0] = 1
            guesses = (outputs, background, task.infer(network, images))
            tallies.append(torch.stack([task.metric.tally(guess, targets) for guess in guesses]))
    learned, trivial, inferred = torch.stack(tallies).sum(dim=0)
    assert torch.equal(learned[:-1], inferred[:-1])  # whole images by default
    rows = len(task.validation())
    return task.metric.score(learned, rows).accuracy, task.metric.score(trivial, rows).accuracy


def _trained(task: DigitsVoc, epochs: int) -> SchemeNetwork:
    network = _network(task, "resnet26-thin")
    recipe = task.standalone_recipe.lasting(epochs)
    train(network, task, recipe, rng=np.random.default_rng(0))
    return network


def test_one_epoch_beats_background_everywhere(digits: DigitsVoc) -> None:
    """Which is right about 85% of the pixels, but about one of eleven classes."""
    learned, trivial = _scores(digits, _trained(digits, epochs=1))
    assert trivial == pytest.approx(0.85 / 11, abs=0.01)
    assert learned > trivial + 0.01


@pytest.mark.long
def test_the_recipe_beats_background_everywhere_clearly(digits: DigitsVoc) -> None:
    learned, _ = _scores(digits, _trained(digits, digits.standalone_recipe.epochs))
    assert learned > 0.35


def test_windows_see_scenes_too(cache: str) -> None:
    spec = TaskSpec("digits-voc", cache=cache, options=(("inference", "windows"),))
    task = DigitsVoc.load(spec)
    assert task.facts()["inference"] == "windows"

    def pixelwise(images: Tensor) -> Tensor:
        return images.repeat(1, 4, 1, 1)[:, :11]

    images, _ = next(task.test().batches(4))
    torch.testing.assert_close(
        task.infer(pixelwise, images), pixelwise(images).log_softmax(dim=1), atol=1e-5, rtol=1e-5
    )


def test_trees_are_written_once_for_a_seed_or_forgotten(cache: str, digits: DigitsVoc) -> None:
    (folder,) = (Path(cache) / "data").iterdir()
    assert folder.name == "digits-voc-2-0"
    assert DigitsVoc.load(TaskSpec("digits-voc", cache=cache)).facts() == digits.facts()


def test_published_sizes_are_those_of_the_stand_in(digits: DigitsVoc) -> None:
    sizes = DigitsVoc.published
    assert (digits.epoch_size, len(digits.validation()), len(digits.test())) == (
        sizes.training,
        sizes.validation,
        sizes.test,
    )


def test_published_sizes_are_vocs() -> None:
    """1,464 training images, a tenth of them held out, and 1,449 to test on."""
    sizes = Voc2012.published
    assert sizes.training + sizes.validation == 1464
    assert sizes.validation == 1464 // 10
    assert sizes.test == 1449


def test_the_trunk_is_pspnets(tree: Path) -> None:
    task = Voc2012.load(TaskSpec("voc2012", data=str(tree)))
    spec = NetworkSpec.on(task, shape_named(task.backbone), attention="se", sharing="share")
    assert [spec.backbone.stride(stage) for stage in range(4)] == [1, 2, 1, 1]
    assert [spec.backbone.dilation(stage) for stage in range(4)] == [1, 1, 2, 4]
    assert spec.backbone.head_channels == (1024, 2048)
    assert task.head == PyramidHead(21)
    recipe = Recipe(50, 16, "sgd", 0.01, 1e-4, schedule="poly", head_rate=10.0)
    assert task.standalone_recipe == recipe


@pytest.mark.parametrize("augmentation", ["rotate-blur", "plain"])
def test_training_views_have_one_size_and_void_where_an_image_ends(
    tree: Path, augmentation: str
) -> None:
    spec = TaskSpec("voc2012", data=str(tree), options=(("augmentation", augmentation),))
    images, targets = next(Voc2012.load(spec).training_batches(3, rng=np.random.default_rng(0)))
    assert images.shape == (3, 3, 473, 473)
    assert (images.dtype, targets.dtype) == (torch.float32, torch.uint8)
    # Scenes of 32 pixels are at most doubled; all around is the mean colour, 0 in their scale.
    assert (targets[:, :150] == VOID).all()
    assert images[:, :, :150].abs().max() < 0.03
    assert (targets != VOID).any()
