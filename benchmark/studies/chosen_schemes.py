"""Training chosen schemes from scratch, outside any search."""

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from benchmark.basics.errors import SchemeError, UsageError
from benchmark.basics.files import read_text
from benchmark.basics.numerical_state import numerical_state
from benchmark.planning.plan import Plan
from benchmark.planning.settings import Settings
from benchmark.records.evidence import Evidence
from benchmark.records.schemes import parse_scheme, scheme_bits
from benchmark.records.settings import REPEATED
from benchmark.records.ticket import Ticket
from benchmark.standalone.training import train_all
from benchmark.storage.store import Store
from benchmark.studies.measurement import measure_schemes
from benchmark.studies.tickets import make_tickets
from benchmark.watching.progress import NoProgress, Progress
from benchmark.workers.pool import WorkerPool


@numerical_state()
def train_schemes(
    settings: Settings,
    schemes: Sequence[str],
    *,
    cache: Store,
    workers: WorkerPool,
    command: str = "",
    progress: Progress | None = None,
) -> Evidence:
    """Train each of ``schemes`` once for each stand-alone seed.

    Results are in ``cache`` as they come: the same call after a stop goes on there.

    Args:
        settings: task, network, recipe, seeds; what concerns searches has no effect.
        schemes: as bits (with or without separators), ``full`` or ``none``.
        cache: where stand-alone results are kept for all experiments.
        workers: processes.
        command: what gives these results, for whoever reads them.
        progress: shows what is running.

    Raises:
        SchemeError: a scheme that doesn't fit the network.
    """
    plan = Plan(settings, cache=cache.path.parent)
    stages = plan.space.blocks_per_stage
    bits = list(dict.fromkeys(scheme_bits(parse_scheme(text, stages)) for text in schemes))
    seeds = range(settings.standalone_seeds)
    identity = plan.training.identity(plan.task)
    shown = NoProgress() if progress is None else progress
    title = f"Training {len(bits)} schemes from scratch"
    with (
        shown.stage(title, len(bits) * len(seeds), "networks") as advance,
        closing(
            train_all(plan.training, bits, seeds, identity=identity, cache=cache, workers=workers)
        ) as records,
    ):
        for _ in records:
            advance(1)
    known = cache.standalone(identity)
    return Evidence(
        training=identity,
        settings=settings.model_dump(mode="json", include=set(REPEATED)),
        blocks_per_stage=stages,
        task=plan.task.facts(),
        environment=plan.environment(workers, command),
        records=tuple(known[scheme, seed] for scheme in bits for seed in seeds),
        figures=plan.figures,
    )


@numerical_state()
def judge_schemes(
    settings: Settings,
    evidence: Evidence,
    *,
    cache: Store,
    progress: Progress | None = None,
) -> list[Ticket]:
    """Measure what the trained schemes cost on this machine; a ticket for each but Full-SA.

    Args:
        settings: those that ``evidence`` was made with.
        evidence: trainings; Full-SA should be among them.
        cache: for an index of the task's files.
        progress: shows what is running.
    """
    plan = Plan(settings, cache=cache.path.parent)
    schemes = list(dict.fromkeys([plan.full, *(record.bits for record in evidence.records)]))
    shown = NoProgress() if progress is None else progress
    costs = []
    with shown.stage("Measuring costs", len(schemes), "schemes") as advance:
        for cost in measure_schemes(plan, schemes, evidence.records, {}):
            costs.append(cost)
            advance(1)
    return make_tickets(plan, schemes[1:], evidence.records, costs, evidence.environment)


def listed_schemes(path: Path) -> list[str]:
    """Schemes of a text file, one a line; what follows a ``#`` is a comment.

    Raises:
        UsageError: the file can't be read.
        SchemeError: it lists none.
    """
    try:
        lines = read_text(path).splitlines()
    except (OSError, ValueError) as error:
        raise UsageError(f"can't read schemes from {path}: {error}") from error
    schemes = [text for line in lines if (text := line.partition("#")[0].strip())]
    if not schemes:
        raise SchemeError(f"{path} lists no schemes")
    return schemes
