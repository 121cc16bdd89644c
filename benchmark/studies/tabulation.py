"""Whole landscapes: every scheme of a supernet, scored once and kept."""

from pathlib import Path

from benchmark.basics.errors import UsageError
from benchmark.basics.numerical_state import numerical_state
from benchmark.basics.seeding import child_rng
from benchmark.oracle.answers_file import Table
from benchmark.planning.plan import Plan
from benchmark.planning.settings import Settings
from benchmark.records.costs import TIME
from benchmark.records.schemes import Schemes, all_schemes, scheme_bits
from benchmark.standalone.costs import effective_parameters, measure_costs
from benchmark.storage.calls import answer_arrays
from benchmark.storage.store import Store
from benchmark.studies.scoring import open_oracle, open_supernet, score_all
from benchmark.watching.progress import NoProgress, Progress
from benchmark.workers.pool import WorkerPool
from reports.numbers.explained import explain
from reports.pages.explained_page import write_explained

LIMIT = 16
"""Blocks of the largest landscape that is scored without being forced."""
MOST = 24
"""Blocks of the largest landscape at all: its table is made in memory."""


@numerical_state()
def tabulate(
    settings: Settings,
    *,
    cache: Store,
    workers: WorkerPool,
    command: str = "",
    progress: Progress | None = None,
    times: int = 0,
    force: bool = False,
) -> Table:
    """Score every scheme of the supernet that ``settings`` describe.

    Answers are in ``cache`` as they come: the same call after a stop goes on there.

    Args:
        settings: task, network, supernet; what concerns searches has no effect.
        cache: where supernets and answers are kept for all experiments.
        workers: processes.
        command: what gives this table, for whoever reads it.
        progress: shows what is running.
        times: schemes of each number of connections whose inference is timed.
        force: score more than 2¹⁶ schemes too.

    Raises:
        UsageError: too many schemes.
    """
    plan = Plan(settings, cache=cache.path.parent)
    if plan.blocks > LIMIT and not force:
        raise UsageError(
            f"{plan.network.backbone.blocks} blocks have 2^{plan.blocks} schemes; more than "
            f"2^{LIMIT} are scored with --force only"
        )
    if plan.blocks > MOST:
        raise UsageError(
            f"{plan.blocks} blocks have 2^{plan.blocks} schemes; more than 2^{MOST} are not scored "
            "even with --force: search them with run instead"
        )
    shown = NoProgress() if progress is None else progress
    supernet = open_supernet(plan, 0, cache, shown)
    oracle = open_oracle(plan, supernet, cache, workers)
    schemes = all_schemes(plan.blocks)
    score_all(oracle, workers, shown)
    accuracy, loss = answer_arrays(list(cache.answers(oracle.identity).values()))
    return Table(
        identity=oracle.identity,
        blocks_per_stage=plan.space.blocks_per_stage,
        task=plan.task.facts(),
        facts=plan.oracle_facts(landscape="tabulated") | {"weights": supernet.weights},
        environment=plan.environment(workers, command),
        schemes=schemes,
        accuracy=accuracy,
        loss=loss,
        parameters=effective_parameters(plan.network, schemes),
        increments=_increments(plan, schemes, times, shown),
    )


def _increments(plan: Plan, schemes: Schemes, number: int, progress: Progress) -> dict[str, float]:
    """Relative inference time of ``number`` random schemes of each number of connections."""
    rng = child_rng(plan.settings.seed, "times")
    connections = schemes.sum(axis=1)
    chosen = [
        scheme_bits(scheme)
        for count in range(plan.blocks + 1)
        for scheme in rng.permutation(schemes[connections == count])[:number]
    ]
    found = {}
    with progress.stage("Inference times", len(chosen), "schemes") as advance:
        for bits in chosen:
            costs = measure_costs(
                plan.network,
                bits,
                plan.task.image_shape,
                device=plan.settings.device,
                **plan.timing(),
            )
            increment = costs.measures[TIME.name].increment
            assert increment is not None
            found[bits] = increment.center
            advance(1)
    return found


def explain_table(table: Table, path: Path) -> list[Path]:
    """Write the page and the CSV files that explain ``table`` beside its file ``path``.

    Raises:
        UsageError: the table lacks Original or Full-SA.
    """
    ends = table.schemes.sum(axis=1)
    if not {0, table.schemes.shape[1]} <= set(ends.tolist()):
        raise UsageError(f"{path} lacks Original or Full-SA, which everything is compared with")
    known = ("task", "backbone", "attention", "sharing", "batch norm", "supernet epochs")
    about = {**table.task, **table.facts}
    facts = {name: about[name] for name in known if name in about}
    facts |= {"schemes": f"{len(table.schemes):,}", "oracle": table.identity}
    found = explain(table.schemes, table.accuracy, table.parameters, table.increments)
    return write_explained(found, path, facts)
