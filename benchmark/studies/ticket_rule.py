"""Ticket files judged by another rule: those beside a report say what it says."""

from pathlib import Path

from benchmark.basics.errors import TicketError
from benchmark.records.rules import Rule
from benchmark.records.ticket import Claim, Ticket, read_ticket
from benchmark.records.verdicts import judge
from tasks.folders import names


def judged_by(ticket: Ticket, rule: Rule) -> Ticket:
    """The same evidence with the verdict that ``rule`` finds in it."""
    confidence = ticket.claim.confidence
    verdicts = judge(
        ticket.trainings, ticket.costs, confidence=confidence, rule=rule, noise=ticket.noise
    )
    verdict = next(verdict for verdict in verdicts if verdict.bits == ticket.scheme)
    claim = Claim.of(verdict, confidence, ticket.claim.over_original)
    settings = ticket.settings | {"verdict": str(rule)}
    return ticket.model_copy(update={"claim": claim, "settings": settings})


def judge_files(source: Path, rule: Rule, target: Path) -> list[str]:
    """Judge the ticket files in a folder by ``rule``.

    Args:
        source: folder of ticket files; need not be there.
        rule: that the report beside them goes by.
        target: folder to write them into; where it is ``source``, only what changes is written.

    Returns:
        A sentence for each file that can't be read; such a file is left alone.
    """
    problems = []
    for path in (source / name for name in names(source, ".json")):
        try:
            ticket = read_ticket(path)
        except TicketError as error:
            problems.append(f"{error}; it is left as it is")
            continue
        if target != source or ticket.claim.rule != str(rule):
            judged_by(ticket, rule).write(target / path.name)
    return problems
