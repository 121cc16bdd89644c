"""What the paper's whole programme takes on so many GPUs: a simulation of its jobs.

Everything of tables I to III, from supernets to stand-alone trainings, and the transfers of
tables VII and VIII are put on GPUs as they get free, longest chain first (list scheduling;
Graham, "Bounds on Multiprocessing Timing Anomalies", 1969). What a job takes comes from
`estimate`.
"""

import heapq
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
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
"""What jobs do."""


@dataclass(frozen=True)
class Experiment:
    """One search with all that it rests on, and where its scheme is carried.

    Attributes:
        settings: of the run.
        targets: tasks of transfers, which begin when the run has ended.
    """

    settings: Settings
    targets: tuple[str, ...] = ()

    @cached_property
    def estimate(self) -> Estimate:
        """Of the run."""
        return Estimate(self.settings)

    @cached_property
    def onward(self) -> Mapping[str, Estimate]:
        """Of the same networks on each of the targets, by task."""
        run = self.settings
        same = {"backbone": run.backbone, "attention": run.attention, "sharing": run.sharing}
        seeds = {"standalone_seeds": run.standalone_seeds}
        return {task: Estimate(Settings(task=task, **same, **seeds)) for task in self.targets}

    @property
    def carried(self) -> int:
        """Trainings of one target: Original, what is full, and the scheme, for each seed."""
        network = network_spec(self.settings, outlined(task_spec(self.settings)))
        return (2 + len(full_sharings(network))) * self.settings.standalone_seeds


@dataclass(frozen=True)
class Job:
    """Work that can start when others are done.

    Attributes:
        name: unique.
        hours: on one GPU.
        after: names of what must be done before, themselves listed before it.
        widest: GPUs that can share it evenly.
        kind: one of `KINDS`.
        subject: what it is about.
    """

    name: str
    hours: float
    after: tuple[str, ...] = ()
    widest: int = 1
    kind: str = ""
    subject: str = ""


@dataclass(frozen=True)
class Schedule:
    """How long jobs take on so many GPUs.

    Attributes:
        gpus: how many there are.
        hours: from the first job's start to the last one's end.
        work: GPU hours of all jobs.
        chain: hours of the longest chain of jobs, however many GPUs there are.
        last: first part of the name of the job that ended last.
    """

    gpus: int
    hours: float
    work: float
    chain: float
    last: str

    @property
    def busy(self) -> float:
        """Share of the GPU hours in which a GPU works."""
        return self.work / (self.gpus * self.hours)

    @property
    def bound(self) -> str:
        """What more GPUs would not shorten, or what they would."""
        share = self.chain / self.hours
        return f"one chain ({self.last})" if share > 0.9 else "number of GPUs"  # noqa: PLR2004 - nearly all


class Programme:
    """Jobs in an order in which each comes behind what it waits for.

    Args:
        jobs: all of them.
    """

    def __init__(self, jobs: Sequence[Job]) -> None:
        self.jobs = {job.name: job for job in jobs}

    @cached_property
    def tails(self) -> dict[str, float]:
        """Hours from each job's start to the end of the longest chain behind it."""
        behind = dict.fromkeys(self.jobs, 0.0)
        tails = {}
        for job in reversed(self.jobs.values()):
            tails[job.name] = job.hours / job.widest + behind[job.name]
            for name in job.after:
                behind[name] = max(behind[name], tails[job.name])
        return tails

    def on(self, gpus: int) -> Schedule:
        """Their schedule on ``gpus`` GPUs."""
        missing = {name: len(job.after) for name, job in self.jobs.items()}
        behind: dict[str, list[str]] = {name: [] for name in self.jobs}
        for job in self.jobs.values():
            for name in job.after:
                behind[name].append(job.name)
        ready = [(-self.tails[name], name) for name, count in missing.items() if not count]
        heapq.heapify(ready)
        running: list[tuple[float, str, int]] = []
        now, free, last = 0.0, gpus, ""
        while ready or running:
            while ready and free:
                name = heapq.heappop(ready)[1]
                width = min(free, self.jobs[name].widest)
                free -= width
                heapq.heappush(running, (now + self.jobs[name].hours / width, name, width))
            now, last, width = heapq.heappop(running)
            free += width
            for name in behind[last]:
                missing[name] -= 1
                if not missing[name]:
                    heapq.heappush(ready, (-self.tails[name], name))
        return Schedule(
            gpus=gpus,
            hours=now,
            work=sum(job.hours for job in self.jobs.values()),
            chain=max(self.tails.values(), default=0.0),
            last=last.partition(":")[0],
        )


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


def programme(device: Device, efficiency: float, chosen: Mapping[str, Experiment]) -> Programme:
    """The jobs of experiments.

    Args:
        device: that they run on.
        efficiency: part of the roofline that is reached.
        chosen: experiments by name.
    """

    def hours(step: Step) -> float:
        """Of one of a step's jobs."""
        return step.hours(device)[0] * EFFICIENCY[1] / efficiency / step.jobs

    def jobs(name: str, experiment: Experiment) -> Iterator[Job]:
        settings = experiment.settings
        subject = f"{experiment.estimate.backbone}, {settings.task}"
        supernets, search, trainings = experiment.estimate.steps
        trained, searched = f"{name}: supernet", f"{name}: search"
        yield Job(trained, hours(supernets), kind="supernets", subject=subject)
        # A round asks for a few schemes of every lane; a shard has two at least.
        widest = max(1, 3 * len(settings.strategies) * settings.seeds // 2)
        yield Job(searched, hours(search), (trained,), widest, kind="searches", subject=subject)
        alone = tuple(f"{name}: training {number}" for number in range(trainings.jobs))
        for each in alone:
            yield Job(each, hours(trainings), (searched,), kind="stand-alone", subject=subject)
        if not experiment.targets:
            return
        # A run keeps no weights, so what is carried is trained once more.
        sources = tuple(f"{name}: source {number}" for number in range(experiment.carried))
        for each in sources:
            yield Job(each, hours(trainings), alone, kind="transfers", subject=subject)
        for task, estimate in experiment.onward.items():
            for number in range(experiment.carried):
                yield Job(
                    f"{name}: {task} {number}",
                    hours(estimate.steps[-1]),
                    sources,
                    kind="transfers",
                    subject=f"{settings.backbone}, {task}",
                )

    return Programme([job for item in chosen.items() for job in jobs(*item)])


def rows(device: Device, gpus: Sequence[int]) -> list[tuple[Schedule, Schedule]]:
    """Schedules at the best and at the worst efficiency, for each number of GPUs."""
    worst, best = (programme(device, part, experiments()) for part in EFFICIENCY)
    return [(best.on(count), worst.on(count)) for count in gpus]


def work(device: Device) -> dict[str, Counter[str]]:
    """GPU hours at the best efficiency, by subject and kind of job."""
    found: dict[str, Counter[str]] = {}
    for job in programme(device, EFFICIENCY[1], experiments()).jobs.values():
        found.setdefault(job.subject, Counter())[job.kind] += job.hours  # type: ignore[assignment]  # hours
    return found
