"""The contract suite in a process of its own, which a strategy may hang, leave or crash."""

from collections.abc import Sequence
from multiprocessing.connection import Connection

from benchmark.plugins.chosen import ChosenStrategy
from benchmark.plugins.hosted import ending
from benchmark.plugins.nursery import CAN_FORK, start_child
from benchmark.testing.checks import CHECKS, Check
from benchmark.testing.subject import Subject
from benchmark.testing.verdicts import PATIENCE, Verdict, check_strategy, reason_of

_GRACE = 5.0  # seconds beyond the limit, which Python code keeps by itself


def check_guarded(chosen: ChosenStrategy, *, limit: float = PATIENCE) -> list[Verdict]:
    """Run every check on a strategy, whatever it does to the process that it runs in.

    Once a check hangs or loses its process the rest isn't checked: it would hang too.

    Args:
        chosen: the strategy.
        limit: seconds that one check may take.
    """
    if not CAN_FORK:
        return check_strategy(Subject(chosen), limit=limit)
    child = start_child(serve_checks, chosen, limit, before=chosen.load)
    verdicts: list[Verdict] = []
    try:
        for check in CHECKS:
            if not child.connection.poll(limit + _GRACE):
                reason = f"expected an end within {limit:g} s, received none, not even by an alarm"
                return _broken_off(verdicts, check, reason)
            reason, overdue = child.connection.recv()
            if overdue:
                return _broken_off(verdicts, check, reason)
            verdicts.append(Verdict(check, reason))
    except (EOFError, ConnectionError):
        end = ending(child.end(kill=False))
        reason = f"expected a strategy that comes back, received one that {end}"
        return _broken_off(verdicts, CHECKS[len(verdicts)], reason)
    finally:
        child.end()
    return verdicts


def _broken_off(before: Sequence[Verdict], check: Check, reason: str) -> list[Verdict]:
    rest = CHECKS[len(before) + 1 :]
    return [
        *before,
        Verdict(check, reason),
        *(Verdict(other, f"not checked after {check.name}") for other in rest),
    ]


def serve_checks(connection: Connection, chosen: ChosenStrategy, limit: float) -> None:
    """Be the other process: tell why each check failed, and whether it took too long."""
    subject = Subject(chosen)
    for check in CHECKS:
        connection.send(reason_of(check, subject, limit))
