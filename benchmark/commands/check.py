import sys

import click


@click.command()
@click.argument("strategy")
def check(strategy: str) -> None:
    """Run the contract suite on STRATEGY: a name, or FILE.py:CLASS.

    Exit code 0 if it passes every check, 1 if it fails one.
    """
    from rich.console import Console

    from benchmark.testing import Subject, check_strategy, verdict_table

    verdicts = check_strategy(Subject.of(strategy))
    Console().print(verdict_table(strategy, verdicts))
    if not all(verdict.passed for verdict in verdicts):
        sys.exit(1)
