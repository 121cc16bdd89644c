"""Writing ticket files: of a run's best schemes, or of chosen ones."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmark.planning.plan import Plan
from benchmark.records.noise import paired_difference, residual_noise, test_scores
from benchmark.records.run import CostRecord, StandaloneRecord
from benchmark.records.settings import REPEATED
from benchmark.records.ticket import Claim, Ticket
from benchmark.records.verdicts import judge
from reports.numbers.tickets import ticket_file


def network_facts(plan: Plan) -> dict[str, Any]:
    """The networks of ``plan`` up to their weights, as JSON values."""
    facts = {"name": plan.backbone, "image shape": list(plan.task.image_shape)}
    return facts | plan.network.described()


def make_tickets(
    plan: Plan,
    schemes: Iterable[str],
    standalone: Sequence[StandaloneRecord],
    costs: Sequence[CostRecord],
    environment: dict[str, Any],
) -> list[Ticket]:
    """A ticket for each of ``schemes``.

    Args:
        plan: task, network, recipe, confidence and rule.
        schemes: as bits.
        standalone: all trainings; those of other schemes tell how large the noise is.
        costs: measured on this machine.
        environment: command, versions and machine of the trainings.
    """
    settings = plan.settings
    verdicts = {
        verdict.bits: verdict
        for verdict in judge(standalone, costs, confidence=settings.confidence, rule=settings.rule)
    }
    scores = test_scores(standalone)
    noise = residual_noise(scores)
    tickets = []
    for bits in schemes:
        shown = (bits, plan.original, plan.full)
        trainings = tuple(record for record in standalone if record.bits in shown)
        over = paired_difference(scores, bits, plan.original, noise, settings.confidence)
        tickets.append(
            Ticket(
                scheme=bits,
                blocks_per_stage=plan.space.blocks_per_stage,
                settings=settings.model_dump(mode="json", include=set(REPEATED)),
                network=network_facts(plan),
                recipe=asdict(plan.training.recipe),
                task=plan.task.facts(),
                trainings=trainings,
                noise=noise,
                costs=tuple(cost for cost in costs if cost.bits in shown),
                machine=str(environment["processor"]),
                claim=Claim.of(verdicts[bits], settings.confidence, over),
                environment=environment,
            )
        )
    return tickets


def write_tickets(tickets: Sequence[Ticket], folder: Path) -> list[Path]:
    """Write each into ``folder``, which is made if need be."""
    paths = []
    for ticket in tickets:
        task = str(ticket.settings["task"])
        path = folder / ticket_file(ticket.scheme, ticket.blocks_per_stage, task)
        ticket.write(path)
        paths.append(path)
    return paths
