"""Training a network on a task: one loop for supernets and stand-alone networks.

`train` is the loop. What changes the weights is in the `tasks.recipes.Recipe`; what does
not (where checkpoints lie, who watches) is given beside it.
"""

from benchmark.training.checkpoint import Checkpoint
from benchmark.training.group import ALONE, Group
from benchmark.training.loop import train
from benchmark.training.watch import Figures, Watch

__all__ = ["ALONE", "Checkpoint", "Figures", "Group", "Watch", "train"]
