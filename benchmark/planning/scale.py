"""What the paper's whole programme takes on so many GPUs: a simulation of its jobs.

Everything of tables I to III, from supernets to stand-alone trainings, is put on GPUs
as they get free, longest chain first (list scheduling; Graham, "Bounds on
Multiprocessing Timing Anomalies", 1969). What a job takes comes from `estimate`.
"""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from benchmark.planning.estimate import Estimate, Step
from benchmark.planning.rates import EFFICIENCY, Device
from benchmark.settings import Settings

_RECIPES = (
    *("resnet164-se-share", "resnet164-sge", "resnet164-dia"),
    *("resnet50-se", "resnet50-sge", "resnet50-dia"),
)
_RETAIN = (0.2, 0.5, 0.8)


@dataclass(frozen=True)
class Job:
    """Work that can start when others are done.

    Attributes:
        name: unique.
        hours: on one GPU.
        after: names of what must be done before, themselves listed before it.
        widest: GPUs that can share it evenly.
    """

    name: str
    hours: float
    after: tuple[str, ...] = ()
    widest: int = 1


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
        order = sorted(self.jobs, key=lambda name: (-self.tails[name], name))
        waiting = list(order)
        done: set[str] = set()
        running: list[tuple[float, str, int]] = []
        now, free, last = 0.0, gpus, ""
        while waiting or running:
            for name in [n for n in waiting if done.issuperset(self.jobs[n].after)]:
                if free == 0:
                    break
                width = min(free, self.jobs[name].widest)
                free -= width
                waiting.remove(name)
                heapq.heappush(running, (now + self.jobs[name].hours / width, name, width))
            now, last, width = heapq.heappop(running)
            free += width
            done.add(last)
        return Schedule(
            gpus=gpus,
            hours=now,
            work=sum(job.hours for job in self.jobs.values()),
            chain=max(self.tails.values(), default=0.0),
            last=last.partition(":")[0],
        )


def experiments() -> dict[str, Settings]:
    """Tables I to III of the paper, by name; the first of table II is the one of table III."""
    found = {
        f"{recipe} p={retain:g}": Settings(recipe=f"paper-{recipe}", retain=retain)
        for recipe in ("resnet38-se", "resnet164-se")
        for retain in _RETAIN
    }
    return found | {recipe: Settings(recipe=f"paper-{recipe}") for recipe in _RECIPES}


def programme(device: Device, efficiency: float, chosen: dict[str, Settings]) -> Programme:
    """The jobs of experiments.

    Args:
        device: that they run on.
        efficiency: part of the roofline that is reached.
        chosen: experiments by name.
    """
    jobs: list[Job] = []
    for name, settings in chosen.items():
        supernets, search, trainings = Estimate(settings).steps
        hours = [_hours(step, device, efficiency) for step in (supernets, search, trainings)]
        # A round asks for a few schemes of every lane; a shard has two at least.
        lanes = len(settings.strategies) * settings.seeds
        jobs.append(Job(f"{name}: supernet", hours[0]))
        jobs.append(Job(f"{name}: search", hours[1], (jobs[-1].name,), max(1, 3 * lanes // 2)))
        searched = jobs[-1].name
        jobs += [
            Job(f"{name}: training {number}", hours[2], (searched,))
            for number in range(trainings.jobs)
        ]
    return Programme(jobs)


def _hours(step: Step, device: Device, efficiency: float) -> float:
    """Of one of a step's jobs."""
    return step.hours(device)[0] * EFFICIENCY[1] / efficiency / step.jobs


def rows(device: Device, gpus: Sequence[int]) -> list[tuple[Schedule, Schedule]]:
    """Schedules at the best and at the worst efficiency, for each number of GPUs."""
    worst, best = (programme(device, part, experiments()) for part in EFFICIENCY)
    return [(best.on(count), worst.on(count)) for count in gpus]
