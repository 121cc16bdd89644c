"""What the paper's whole programme takes on so many GPUs, at least.

Everything of tables I to III, from supernets to stand-alone trainings, and the transfers of
tables VII and VIII. However jobs are handed out, they take as long as the longest chain of
them, and as all of their work shared evenly (Graham, "Bounds on Multiprocessing Timing
Anomalies", 1969). What a job takes comes from `estimate`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property

from benchmark.planning.estimate import Estimate, Step
from benchmark.planning.plan import full_sharings, network_spec, task_spec
from benchmark.planning.rates import EFFICIENCY, Device
from benchmark.planning.settings import Settings
from tasks.registry import outlined

_RETAIN = (0.2, 0.5, 0.8)
_COUNTING, _SEGMENTATION = ("shanghaitech-a", "shanghaitech-b"), ("voc2012",)
_CARRIED = {
    "resnet164-se-share": (),
    "resnet164-sge": (),
    "resnet164-dia": (),
    "resnet50-se": (*_COUNTING, *_SEGMENTATION),
    "resnet50-sge": _COUNTING[:1],
    "resnet50-dia": (*_COUNTING, *_SEGMENTATION),
}
"""Recipes of table II, and where tables VII and VIII carry what they find."""
KINDS = ("supernets", "searches", "stand-alone", "transfers")
"""What a job of the programme can be for."""


@dataclass(frozen=True)
class Stage:
    """Jobs that can be done at the same time, once the stage before is done.

    Attributes:
        kind: one of `KINDS`.
        subject: backbone and task.
        step: one or more of the jobs, counted.
        jobs: how many there are.
        widest: GPUs that can share one of them evenly.
    """

    kind: str
    subject: str
    step: Step
    jobs: int = 1
    widest: int = 1

    def hours(self, device: Device) -> float:
        """Hours of one job on one GPU at the best efficiency."""
        return self.step.hours(device)[0] / self.step.jobs


@dataclass(frozen=True)
class Experiment:
    """One search with all that it rests on, and where its scheme is carried.

    Attributes:
        settings: of the run.
        targets: tasks of transfers, which begin when the run has ended.
    """

    settings: Settings
    targets: tuple[str, ...] = ()

    @property
    def carried(self) -> int:
        """Trainings of one target: Original, what is full, and the scheme, for each seed."""
        network = network_spec(self.settings, outlined(task_spec(self.settings)))
        return (2 + len(full_sharings(network))) * self.settings.standalone_seeds

    @cached_property
    def run(self) -> list[Stage]:
        """The run's stages, and its networks once more for transfers: a run keeps no weights."""
        run = self.settings
        subject = f"{Estimate(run).backbone}, {run.task}"
        supernets, search, trainings = Estimate(run).steps
        # A round asks for a few schemes of every lane; a shard has two at least.
        widest = max(1, 3 * len(run.strategies) * run.seeds // 2)
        stages = [
            Stage("supernets", subject, supernets),
            Stage("searches", subject, search, widest=widest),
            Stage("stand-alone", subject, trainings, trainings.jobs),
        ]
        if self.targets:
            stages.append(Stage("transfers", subject, trainings, self.carried))
        return stages

    @cached_property
    def onward(self) -> list[Stage]:
        """A stage for each target; all of them follow the run and none another."""
        run = self.settings
        same = {"backbone": run.backbone, "attention": run.attention, "sharing": run.sharing}
        seeds = {"standalone_seeds": run.standalone_seeds}
        found = []
        for task in self.targets:
            trainings = Estimate(Settings(task=task, **same, **seeds)).steps[-1]
            found.append(Stage("transfers", f"{run.backbone}, {task}", trainings, self.carried))
        return found

    def chain(self, device: Device) -> float:
        """Hours of the longest sequence of jobs, however many GPUs there are."""
        run = sum(stage.hours(device) / stage.widest for stage in self.run)
        return run + max((stage.hours(device) for stage in self.onward), default=0.0)


@dataclass(frozen=True)
class Demand:
    """What experiments ask of so many GPUs.

    Attributes:
        gpus: how many there are.
        work: GPU hours of all jobs at the best efficiency.
        chain: hours of the longest chain of jobs.
        longest: the experiment that it belongs to.
    """

    gpus: int
    work: float
    chain: float
    longest: str

    @property
    def hours(self) -> tuple[float, float]:
        """Hours at least, at the best and at the worst efficiency."""
        best = max(self.chain, self.work / self.gpus)
        return best, best * EFFICIENCY[1] / EFFICIENCY[0]

    @property
    def busy(self) -> float:
        """Share of these hours in which a GPU works."""
        return self.work / (self.gpus * self.hours[0])

    @property
    def bound(self) -> str:
        """What more GPUs would not shorten, or what they would."""
        longer = self.chain > 0.9 * self.hours[0]
        return f"one chain ({self.longest})" if longer else "number of GPUs"


@cache
def experiments() -> Mapping[str, Experiment]:
    """Tables I to III, VII and VIII of the paper; the first of table II is the one of table III."""
    found = {
        f"{recipe} p={retain:g}": Experiment(Settings(recipe=f"paper-{recipe}", retain=retain))
        for recipe in ("resnet38-se", "resnet164-se")
        for retain in _RETAIN
    }
    return found | {
        recipe: Experiment(Settings(recipe=f"paper-{recipe}"), targets)
        for recipe, targets in _CARRIED.items()
    }


def demands(
    device: Device, gpus: Sequence[int], chosen: Mapping[str, Experiment]
) -> Iterator[Demand]:
    """What experiments, by name, ask of each number of GPUs."""
    whole = sum(sum(hours.values()) for hours in work(device, chosen.values()).values())
    chains = {name: experiment.chain(device) for name, experiment in chosen.items()}
    longest = max(chains, key=lambda name: chains[name])
    return (Demand(count, whole, chains[longest], longest) for count in gpus)


def work(device: Device, chosen: Iterable[Experiment]) -> dict[str, dict[str, float]]:
    """GPU hours at the best efficiency, by subject and kind of job."""
    found: dict[str, dict[str, float]] = {}
    for stage in (stage for item in chosen for stage in (*item.run, *item.onward)):
        hours = found.setdefault(stage.subject, dict.fromkeys(KINDS, 0.0))
        hours[stage.kind] += stage.hours(device) * stage.jobs
    return found
