"""What an experiment will take, said before it starts; its data are counted, never decoded."""

from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmark.networks.connect import SchemeNetwork
from benchmark.oracle.prefix_tree import block_passes
from benchmark.planning.plan import SMOKE_ROWS, network_spec, recipes, task_spec
from benchmark.planning.rates import DEVICES, EFFICIENCY, Device, Workload, counted
from benchmark.planning.settings import Settings
from benchmark.records.objective import Objective
from reports.tables.formats import count
from tasks.base import Sizes, Task
from tasks.recipes import Recipe
from tasks.registry import load_task, outlined

_SCORED_TOGETHER = 500  # images


@dataclass(frozen=True)
class Step:
    """One kind of work.

    Attributes:
        name: of the work.
        amount: in words.
        network: what a forward pass of one image takes, Full-SA.
        images: that go through the network, at most.
        batch: how many go through it together.
        passes: forward passes that one costs; a backward pass is two.
        jobs: that can be done at the same time.
    """

    name: str
    amount: str
    network: Workload
    images: float
    batch: int
    passes: int
    jobs: int

    @property
    def flops(self) -> float:
        """Floating-point operations of the whole step."""
        return self.images * self.passes * float(self.network.flops.sum())

    def hours(self, device: Device) -> tuple[float, float]:
        """GPU hours at the best and at the worst efficiency."""
        whole = self.network.seconds(
            device, images=self.images, batch=self.batch, passes=self.passes
        )
        worst, best = EFFICIENCY
        return whole / best / 3600, whole / worst / 3600


class Estimate:
    """The steps of an experiment, each at most.

    Its data are counted where ``settings`` name a folder of them (nothing is decoded: broken
    files are counted, too), else taken for the complete published data set. Nothing is fetched.

    Args:
        settings: of the experiment.
        cache: folder for an index of the task's files; None keeps none.

    Raises:
        UsageError: there is no such backbone.
        DataError: the task has no such option, or its files are missing or of another format.
    """

    def __init__(self, settings: Settings, *, cache: Path | None = None) -> None:
        spec = task_spec(settings, cache)
        outline = outlined(spec)
        task: Task = outline
        if spec.data is None or outline.fetches(spec):
            cut = Sizes(SMOKE_ROWS, SMOKE_ROWS, SMOKE_ROWS)
            sizes = cut if settings.smoke else outline.published
            whence = "as published: --data PATH counts yours" if outline.reads else "its own"
            if spec.data is not None:
                whence = f"as published: a run will fetch them into {spec.data}"
        else:
            # The very task that a run would load, unless broken files would have to be found.
            task = load_task(replace(spec, count_only=spec.skip_broken))
            sizes, whence = task.sizes(), f"found in {spec.data}"
        if settings.smoke:
            whence += f"; cut to {SMOKE_ROWS} of each"
        classes = "" if task.head else f"{task.classes:,} classes, "
        self.data = (
            f"Data: {classes}{sizes.training:,} images to train on, {sizes.validation:,} to "
            f"validate on, {sizes.test:,} to test on ({whence})."
        )
        self.backbone = settings.backbone or task.backbone
        network = network_spec(settings, task)
        self.supernet_recipe, self.standalone_recipe = recipes(settings, task)
        blocks = network.backbone.blocks
        whole = SchemeNetwork(network.outline(), [True] * blocks)
        self.network = counted(whole.eval(), task.image_shape)
        self.settings = settings
        self.steps = [self._supernets(sizes), self._search(sizes, blocks), self._standalone(sizes)]

    def hours(self, device: Device) -> tuple[float, float]:
        """GPU hours of all steps at the best and at the worst efficiency."""
        least, most = zip(*(step.hours(device) for step in self.steps), strict=True)
        return sum(least), sum(most)

    @property
    def subject(self) -> str:
        """What is searched, by whom and how, in a sentence."""
        chosen = self.settings
        options = [f"{name} {value}" for name, value in chosen.task_options.items()]
        return (
            f"{', '.join([chosen.task, *options])}; {self.backbone} with {chosen.attention}, "
            f"{chosen.sharing}; retain probability {chosen.retain:g}; batch norm "
            f"{chosen.batch_norm}; {Objective.of(dict(chosen)).brief}; "
            f"{', '.join(chosen.strategies)}"
        )

    def print(self, console: Console) -> None:
        """Show the steps as a table."""
        table = Table(box=None, title="Plan, at most", title_justify="left")
        for title in ("step", "amount"):
            table.add_column(title)
        for title in ("PFLOP", *(f"h on {device.name}" for device in DEVICES)):
            table.add_column(title, justify="right")
        for step in self.steps:
            hours = [hours_text(step.hours(device)) for device in DEVICES]
            table.add_row(step.name, step.amount, f"{step.flops / 1e15:,.2f}", *hours)
        whole = [hours_text(self.hours(device)) for device in DEVICES]
        table.add_row("all", "", f"{sum(step.flops for step in self.steps) / 1e15:,.2f}", *whole)
        console.print(self.subject)
        console.print(self.data, highlight=False, markup=False)
        console.print(table)
        worst, best = EFFICIENCY
        console.print(
            f"GPU hours at {best:.0%} to {worst:.0%} of what operations and bytes of "
            f"{float(self.network.flops.sum()) / 1e9:.2f} GFLOP an image (Full-SA) allow; the "
            "paper's own trainings reached 31%, its scoring 82% (docs/scale.md)."
        )

    def _supernets(self, sizes: Sizes) -> Step:
        seeds = self.settings.supernet_seeds
        recipe = self.supernet_recipe
        return self._training("supernets", f"{seeds} × {_described(recipe)}", recipe, sizes, seeds)

    def _search(self, sizes: Sizes, blocks: int) -> Step:
        settings = self.settings
        lanes = len(settings.strategies) * settings.seeds * settings.supernet_seeds
        evaluations = lanes * settings.budget
        # Block passes are what scoring costs; a pass is a share of a network's forward pass.
        each = block_passes(lanes // settings.supernet_seeds * settings.budget, blocks) / blocks
        each_run = f"{settings.budget:,} evaluations of {sizes.validation:,} images"
        scored = min(float(evaluations), each * settings.supernet_seeds)
        return Step(
            name="search",
            amount=f"{count(lanes, 'run')} × {each_run}",
            network=self.network,
            images=scored * sizes.validation,
            batch=_SCORED_TOGETHER,
            passes=1,
            jobs=settings.supernet_seeds,
        )

    def _standalone(self, sizes: Sizes) -> Step:
        settings = self.settings
        lanes = len(settings.strategies) * settings.seeds * settings.supernet_seeds
        networks = lanes * settings.candidates + 2  # Original and Full-SA
        recipe = self.standalone_recipe
        seeds = count(settings.standalone_seeds, "seed")
        amount = f"{networks} schemes × {seeds} × {_described(recipe)}"
        jobs = networks * settings.standalone_seeds
        return self._training("stand-alone", amount, recipe, sizes, jobs)

    def _training(self, name: str, amount: str, recipe: Recipe, sizes: Sizes, jobs: int) -> Step:
        return Step(
            name=name,
            amount=amount,
            network=self.network,
            images=float(jobs * recipe.epochs * sizes.training),
            batch=recipe.batch_size,
            passes=3,
            jobs=jobs,
        )


def hours_text(hours: tuple[float, float]) -> str:
    """A range of hours, such as ``1.2 to 4.1``."""
    return " to ".join(f"{bound:,.0f}" if bound >= 99.5 else f"{bound:.1f}" for bound in hours)  # noqa: PLR2004 - three digits


def _described(recipe: Recipe) -> str:
    schedule: str = recipe.schedule
    if recipe.milestones:
        schedule += f" at {', '.join(map(str, recipe.milestones))}"
    return (
        f"{recipe.epochs} epochs ({recipe.optimizer} {recipe.learning_rate:g}, batch "
        f"{recipe.batch_size}, weight decay {recipe.weight_decay:g}, {schedule})"
    )
