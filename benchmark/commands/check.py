import sys

import click

from benchmark.basics import bounds
from benchmark.commands import options
from benchmark.plugins.timeout import CHECK_TIMEOUT


@click.command()
@click.argument("strategy")
@options.number(
    "--ask-timeout",
    allowed=bounds.SECONDS,
    default=CHECK_TIMEOUT,
    show_default=True,
    help="Seconds that one check, or loading, may take.",
)
def check(strategy: str, ask_timeout: float) -> None:
    """Run the contract suite on STRATEGY: a name, or FILE.py:CLASS.

    Exit code 0 if it passes every check, 1 if it fails one.
    """
    from benchmark.commands.consoles import console_of
    from benchmark.plugins.chosen import choose
    from benchmark.testing import verdict_table
    from benchmark.testing.guarded import check_guarded

    verdicts = check_guarded(choose(strategy, limit=ask_timeout), limit=ask_timeout)
    console_of().print(verdict_table(strategy, verdicts))
    if not all(verdict.passed for verdict in verdicts):
        sys.exit(1)
