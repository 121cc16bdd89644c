"""The contract suite in a process of its own, which a strategy may hang, leave or crash."""

from collections.abc import Sequence
from contextlib import suppress
from multiprocessing.connection import Connection

from benchmark.basics.errors import LaneError
from benchmark.basics.fork_server import CAN_FORK, Child
from benchmark.plugins.chosen import ChosenStrategy
from benchmark.plugins.confined import ending, start_confined
from benchmark.plugins.timeout import CHECK_TIMEOUT, Countdown, within
from benchmark.testing.checks import CHECKS, Check
from benchmark.testing.subject import Subject
from benchmark.testing.verdicts import Verdict, check_strategy, reason_of

_GRACE = 5.0  # seconds beyond the limit, which Python code keeps by itself


def check_guarded(chosen: ChosenStrategy, *, limit: float = CHECK_TIMEOUT) -> list[Verdict]:
    """Run every check on a strategy, whatever it does to the process that it runs in.

    Once a check hangs or loses its process the rest isn't checked: it would hang too.

    Args:
        chosen: the strategy.
        limit: seconds that one check, or loading somebody else's code, may take.

    Raises:
        LaneError: it can't be loaded any more.
    """
    if not CAN_FORK:
        return check_strategy(Subject(chosen), limit=limit)
    before = None if chosen.is_plug_in else chosen.load
    child = start_confined(serve_checks, chosen, limit, before=before)
    verdicts: list[Verdict] = []
    try:
        _await_loading(child, limit)
        for check in CHECKS:
            if not within(Countdown(limit + _GRACE), child.connection.poll):
                reason = f"expected an end within {limit:g} s, received none, not even by an alarm"
                return _broken_off(verdicts, check, reason)
            reason, timed_out = child.connection.recv()
            if timed_out:
                return _broken_off(verdicts, check, reason)
            verdicts.append(Verdict(check, reason))
    except (EOFError, ConnectionError):
        end = ending(child.end(kill=False))
        reason = f"expected a strategy that comes back, received one that {end}"
        return _broken_off(verdicts, CHECKS[len(verdicts)], reason)
    finally:
        child.end()
    return verdicts


def _await_loading(child: Child, limit: float) -> None:
    try:
        if not within(Countdown(limit), child.connection.poll):
            raise LaneError(f"its loading took longer than {limit:g} s (--ask-timeout)")
        child.connection.recv()
    except (EOFError, ConnectionError) as error:
        raise LaneError(f"its loading {ending(child.end(kill=False))}") from error


def _broken_off(before: Sequence[Verdict], check: Check, reason: str) -> list[Verdict]:
    rest = CHECKS[len(before) + 1 :]
    return [
        *before,
        Verdict(check, reason),
        *(Verdict(other, f"not checked after {check.name}") for other in rest),
    ]


def serve_checks(connection: Connection, chosen: ChosenStrategy, limit: float) -> None:
    """Be the other process: tell when it is loaded, why checks failed, and which took too long."""
    subject = Subject(chosen)
    with suppress(Exception, SystemExit):  # every check will meet it again, and tell
        chosen.load()
    connection.send(None)
    for check in CHECKS:
        connection.send(reason_of(check, subject, limit))
