"""What the checks say of a strategy."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.table import Table
from rich.text import Text

from benchmark.plugins.error_translation import one_line, summary, where
from benchmark.plugins.timeout import CHECK_TIMEOUT, CallerError, TimedOut, Timeout
from benchmark.testing.checks import CHECKS, Check
from benchmark.testing.subject import Subject


@dataclass(frozen=True)
class Verdict:
    """How one check ended.

    Attributes:
        check: which.
        reason: why it failed; empty where it passed.
    """

    check: Check
    reason: str

    @property
    def passed(self) -> bool:
        """Whether the strategy keeps the promise that the check is of."""
        return not self.reason


def check_strategy(
    subject: Subject, *, checks: Sequence[Check] = CHECKS, limit: float = CHECK_TIMEOUT
) -> list[Verdict]:
    """Run checks on a strategy; a check that fails does not stop the others.

    Args:
        subject: the strategy.
        checks: default all.
        limit: seconds that one check may take.
    """
    return [Verdict(check, reason_of(check, subject, limit)[0]) for check in checks]


def verdict_table(name: str, verdicts: Sequence[Verdict]) -> Table:
    """One row a check: its verdict, and what it promises or why it failed."""
    failed = sum(not verdict.passed for verdict in verdicts)
    table = Table(title=f"Contract of {name}", title_justify="left", box=None, pad_edge=False)
    for column in ("check", "verdict"):
        table.add_column(column, no_wrap=True)
    table.add_column("what it promises, or why it failed", overflow="fold")  # it may name files
    for verdict in verdicts:
        word = Text("passed", "green") if verdict.passed else Text("failed", "bold red")
        table.add_row(verdict.check.name, word, Text(verdict.reason or verdict.check.promise))
    table.caption = f"{len(verdicts) - failed} of {len(verdicts)} checks passed"
    table.caption_justify = "left"
    return table


def reason_of(check: Check, subject: Subject, limit: float) -> tuple[str, bool]:
    """Why a check fails, empty where it passes; and whether it took too long."""
    try:
        with Timeout(limit).running():
            check(subject)
    except AssertionError as error:
        return one_line(error) or f"an assertion of its own failed{where(error)}", False
    except TimedOut as error:
        return (
            f"expected an end within {limit:g} s, received none; does it loop?{where(error)}",
            True,
        )
    except CallerError as carried:
        raise carried.error from None
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever the strategy raises is a verdict
        return f"raised {summary(error)}", False
    return "", False
