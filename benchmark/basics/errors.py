"""The exceptions that callers may see.

::

    BenchmarkError
    ├── UsageError (ValueError)     what was asked for can't be done: exit code 2
    │   ├── SchemeError             a scheme that doesn't fit the backbone
    │   ├── OtherExperimentError    a folder that belongs to another experiment
    │   ├── DivergenceError (FloatingPointError)  a training whose loss left all bounds
    │   └── TicketError             a ticket file that can't be read or trusted
    ├── StoreError                  a file of ours that is damaged or too new
    ├── WorkerError                 worker processes that die again and again
    ├── ReplayError                 a strategy that didn't repeat itself on resume
    └── LaneError                   what went wrong inside one strategy's run

``strategies.base.StrategyError`` (a ValueError of the leaf package) stands beside them.
"""

from collections.abc import Iterable
from difflib import get_close_matches


class BenchmarkError(Exception):
    """Root of everything this project raises on purpose."""


class BenchmarkWarning(UserWarning):
    """Something that works, but not as well as it should; the message says what to change."""


class UsageError(BenchmarkError, ValueError):
    """What was asked for can't be done; the message says what to change."""


class SchemeError(UsageError):
    """A scheme that can't be read or doesn't fit the backbone."""


class OtherExperimentError(UsageError):
    """An output folder that holds another experiment, or something else altogether."""


class DivergenceError(UsageError, FloatingPointError):
    """A training's loss is not finite, or far above where it began."""


class TicketError(UsageError):
    """A ticket file that can't be read, is of another version, or was edited."""


class StoreError(BenchmarkError):
    """A store that is damaged or was written by a newer version."""


class WorkerError(BenchmarkError):
    """Jobs that couldn't be done because the processes that did them died."""


class ReplayError(BenchmarkError):
    """A resumed strategy asked for other schemes than its journal holds."""


class LaneError(BenchmarkError):
    """A strategy broke its contract or raised; its lane ends, the others go on.

    Args:
        message: what went wrong, in one line.
        traceback: where, from the strategy's own code on; empty where nobody knows.
    """

    def __init__(self, message: str, *, traceback: str = "") -> None:
        super().__init__(message)
        self.traceback = traceback


def unknown_name(kind: str, name: str, known: Iterable[str]) -> UsageError:
    """The error for a name that isn't among ``known``, with what is close to it."""
    choices = sorted(known)
    close = get_close_matches(name, choices, n=1, cutoff=0.5)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return UsageError(f"unknown {kind} {name!r}{hint} (there are: {', '.join(choices)})")
