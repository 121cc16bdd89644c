"""The contract of strategies as a suite that anyone can run, in the manner of estimator checks.

From a test of one's own::

    import pytest
    from benchmark.testing import CHECKS, Check, Subject

    @pytest.mark.parametrize("check", CHECKS, ids=str)
    def test_my_strategy_keeps_the_contract(check: Check) -> None:
        check(Subject.of("my_strategy.py:MyStrategy"))

or from the command line: ``python -m benchmark check my_strategy.py:MyStrategy``.
"""

from benchmark.testing.checks import CHECKS, Check
from benchmark.testing.subject import Subject, subjects
from benchmark.testing.verdicts import Verdict, check_strategy, verdict_table

__all__ = [
    "CHECKS",
    "Check",
    "Subject",
    "Verdict",
    "check_strategy",
    "subjects",
    "verdict_table",
]
