"""What an oracle on a supernet is given of its task."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from jaxtyping import Float, Shaped
from torch import Tensor
from torch.nn.functional import cross_entropy

from tasks.metrics import Metric
from tasks.splits import Split


@dataclass(frozen=True)
class OracleData:
    """All that an oracle may see of a task; test data can't be reached from here.

    Attributes:
        validation: the frozen validation split.
        calibration: training draws that batch norms are recalibrated on.
        metric: makes scores of outputs.
        targets: of the training draws; None where nothing is to be trained on them.
        loss: mean over rows, of outputs and targets; what gate gradients are taken of.
    """

    validation: Split
    calibration: Float[Tensor, "n c h w"]
    metric: Metric
    targets: Shaped[Tensor, "n ..."] | None = None
    loss: Callable[[Any, Tensor], Tensor] = cross_entropy
