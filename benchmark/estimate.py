"""What an experiment will take, said before it starts and without touching its data."""

from dataclasses import dataclass

import torch
from rich.console import Console
from rich.table import Table

from benchmark.costs import count_flops
from benchmark.networks.connect import SchemeNetwork
from benchmark.oracle.prefix_tree import block_passes
from benchmark.plan import SMOKE_ROWS, network_spec, recipes
from benchmark.settings import Settings
from reports.formats import count
from tasks.base import Recipe, Sizes
from tasks.registry import task_class

TRAINING_RATE = 0.55e12
"""FLOP/s that Table VI of the paper implies for training on a GTX 1080 Ti: 150 epochs of
40,000 images through ResNet164 (0.5 GFLOP forward, three times that with backward) in 4.46 h."""
SCORING_RATE = 1.5e12
"""The same for scoring: 1,000 evaluations of 10,000 images in 0.94 h."""


@dataclass(frozen=True)
class Step:
    """One kind of work.

    Attributes:
        name: of the work.
        amount: in words.
        flops: floating-point operations at most.
        rate: FLOP/s that hours are counted at.
    """

    name: str
    amount: str
    flops: float
    rate: float

    @property
    def hours(self) -> float:
        """GPU hours on a GTX 1080 Ti."""
        return self.flops / self.rate / 3600


class Estimate:
    """The steps of an experiment on the complete data set, each at most.

    Args:
        settings: of the experiment.

    Raises:
        UsageError: there is no such backbone.
    """

    def __init__(self, settings: Settings) -> None:
        task = task_class(settings.task)
        network = network_spec(settings, task)
        self.supernet_recipe, self.standalone_recipe = recipes(settings, task)
        blocks = network.backbone.blocks
        whole = SchemeNetwork(network.build(torch.Generator()), [True] * blocks)
        self.flops = count_flops(whole.eval(), task.image_shape)
        self.settings = settings
        cut = Sizes(SMOKE_ROWS, SMOKE_ROWS, SMOKE_ROWS)
        sizes = cut if settings.smoke else task.published
        self.steps = [self._supernets(sizes), self._search(sizes, blocks), self._standalone(sizes)]

    @property
    def hours(self) -> float:
        """GPU hours of all steps."""
        return sum(step.hours for step in self.steps)

    @property
    def subject(self) -> str:
        """What is searched, by whom and how, in a sentence."""
        chosen = self.settings
        backbone = chosen.backbone or task_class(chosen.task).backbone
        options = [f"{name} {value}" for name, value in chosen.task_options.items()]
        return (
            f"{', '.join([chosen.task, *options])}; {backbone} with {chosen.attention}, "
            f"{chosen.sharing}; retain probability {chosen.retain:g}; batch norm "
            f"{chosen.batch_norm}; λ {chosen.objective_weight:g}; {', '.join(chosen.strategies)}"
        )

    def print(self, console: Console) -> None:
        """Show the steps as a table."""
        table = Table(box=None, title="Plan, at most", title_justify="left")
        for title in ("step", "amount", "PFLOP", "GPU hours"):
            table.add_column(title, justify="right" if title in ("PFLOP", "GPU hours") else "left")
        for step in self.steps:
            table.add_row(step.name, step.amount, f"{step.flops / 1e15:,.2f}", f"{step.hours:,.1f}")
        console.print(self.subject)
        console.print(table)
        console.print(
            f"{self.hours:,.1f} GPU hours at the rates that the paper's Table VI implies for a "
            f"GTX 1080 Ti ({TRAINING_RATE / 1e12} TFLOP/s training, {SCORING_RATE / 1e12} "
            f"scoring; {self.flops / 1e9:.2f} GFLOP an image, Full-SA)."
        )

    def _supernets(self, sizes: Sizes) -> Step:
        seeds = self.settings.supernet_seeds
        recipe = self.supernet_recipe
        flops = seeds * self._training(recipe, sizes)
        return Step("supernets", f"{seeds} × {_described(recipe)}", flops, TRAINING_RATE)

    def _search(self, sizes: Sizes, blocks: int) -> Step:
        settings = self.settings
        lanes = len(settings.strategies) * settings.seeds * settings.supernet_seeds
        evaluations = lanes * settings.budget
        # Block passes are what scoring costs; a pass is a share of a network's forward pass.
        each = block_passes(lanes // settings.supernet_seeds * settings.budget, blocks) / blocks
        each_run = f"{settings.budget:,} evaluations of {sizes.validation:,} images"
        scored = min(float(evaluations), each * settings.supernet_seeds)
        flops = scored * sizes.validation * self.flops
        return Step("search", f"{count(lanes, 'run')} × {each_run}", flops, SCORING_RATE)

    def _standalone(self, sizes: Sizes) -> Step:
        settings = self.settings
        lanes = len(settings.strategies) * settings.seeds * settings.supernet_seeds
        networks = lanes * settings.candidates + 2  # Original and Full-SA
        recipe = self.standalone_recipe
        seeds = count(settings.standalone_seeds, "seed")
        amount = f"{networks} schemes × {seeds} × {_described(recipe)}"
        flops = networks * settings.standalone_seeds * self._training(recipe, sizes)
        return Step("stand-alone", amount, flops, TRAINING_RATE)

    def _training(self, recipe: Recipe, sizes: Sizes) -> float:
        # Backward costs two forward passes.
        return 3.0 * self.flops * recipe.epochs * sizes.training


def _described(recipe: Recipe) -> str:
    schedule: str = recipe.schedule
    if recipe.milestones:
        schedule += f" at {', '.join(map(str, recipe.milestones))}"
    return (
        f"{recipe.epochs} epochs ({recipe.optimizer} {recipe.learning_rate:g}, batch "
        f"{recipe.batch_size}, weight decay {recipe.weight_decay:g}, {schedule})"
    )
