import sys

import click

from benchmark.basics import bounds
from benchmark.commands import options


@click.command()
@click.argument("strategy")
@options.number(
    "--ask-timeout",
    allowed=bounds.SECONDS,
    help="Seconds that one check, or loading, may take.  [default: 60]",
)
def check(strategy: str, ask_timeout: float | None) -> None:
    """Run the contract suite on STRATEGY: a name, or FILE.py:CLASS.

    Exit code 0 if it passes every check, 1 if it fails one.
    """
    from benchmark.commands.consoles import console_of
    from benchmark.plugins.chosen import choose
    from benchmark.testing import verdict_table
    from benchmark.testing.guarded import check_guarded
    from benchmark.testing.verdicts import CHECK_TIMEOUT

    limit = CHECK_TIMEOUT if ask_timeout is None else ask_timeout
    verdicts = check_guarded(choose(strategy, limit=limit), limit=limit)
    console_of().print(verdict_table(strategy, verdicts))
    if not all(verdict.passed for verdict in verdicts):
        sys.exit(1)
