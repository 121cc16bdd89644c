"""What published codes for crowd counting do differently, each as a whole.

``c3``: C-3-Framework's ResNet50 (Gao et al., "C³ Framework: An Open-source PyTorch Code
for Crowd Counting"). ``csrnet``: Li et al., "CSRNet: Dilated Convolutional Neural Networks
for Understanding the Highly Congested Scenes".
"""

from dataclasses import dataclass

from tasks.crowd.counting import MapLoss
from tasks.crowd.heads import Dilated, TwoLayers
from tasks.parts import Head
from tasks.pixels import Normalisation
from tasks.recipes import Recipe


@dataclass(frozen=True)
class Kernel:
    """How a person is spread.

    Attributes:
        spread: standard deviation in pixels; None adapts it to the nearest neighbours.
        radius: of a kernel, in pixels; None takes four spreads.
    """

    spread: float | None
    radius: int | None = None


@dataclass(frozen=True)
class Preset:
    """Targets, loss, head and training that belong together.

    Attributes:
        kernel: of the density maps.
        loss: of them.
        head: on the backbone.
        recipe: of a stand-alone network's training.
        normalisation: of images.
    """

    kernel: Kernel
    loss: MapLoss
    head: Head
    recipe: Recipe
    normalisation: Normalisation


C3_KERNEL = Kernel(spread=4.0, radius=7)
C3_LOSS = MapLoss(scale=100 / 64, mean=True)
"""A pixel's density times 100; a cell of 8×8 pixels is to say their mean."""
C3_HEAD = TwoLayers()
C3_RECIPE = Recipe(
    epochs=200,
    batch_size=6,
    optimizer="adam",
    learning_rate=1e-5,
    weight_decay=1e-4,
    schedule="exponential",
    gamma=0.995,
)
CSRNET_LOSS = MapLoss(scale=1.0, mean=False)
CSRNET_HEAD = Dilated()
CSRNET_RECIPE = Recipe(
    epochs=400,
    batch_size=1,
    optimizer="sgd",
    momentum=0.95,
    learning_rate=1e-7,
    weight_decay=5e-4,
    schedule="constant",
)
IMAGENET = Normalisation((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
