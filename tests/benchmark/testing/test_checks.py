"""Every check passes a strategy that keeps the contract and fails one that does not."""

import subprocess
import sys
from pathlib import Path

import pytest

from benchmark.testing import CHECKS, Subject, check_strategy, subjects
from benchmark.testing.verdicts import Verdict

BROKEN = Path(__file__).with_name("broken.py")

CASES = [
    ("described", "Nameless", "expected one line of text as Nameless.source, received ''"),
    (
        "described",
        "Needy",
        r"expected Needy.needs of scores, fidelity, gradients, weights, received",
    ),
    ("hyper-parameters-documented", "Undocumented", "expected a line 'step: …' under Args"),
    ("hyper-parameters-documented", "Misdeclared", "the default of step: .*received 0.5"),
    ("hyper-parameters-documented", "Positional", "keyword-only arguments with defaults"),
    ("legal-schemes", "Integers", "expected schemes of dtype bool, received int64"),
    ("legal-schemes", "Transposed", r"expected schemes of shape \(n, 1\), received \(1, 7\)"),
    ("legal-schemes", "Lists", "expected ask to return a numpy array, received list"),
    ("legal-schemes", "Lazy", "expected schemes of 1 blocks, received none"),
    ("legal-schemes", "Raising", r"^raised ZeroDivisionError: 7 schemes, 7 .*broken\.py, line"),
    ("legal-schemes", "Exiting", "^raised SystemExit: 24"),
    ("legal-schemes", "Undeclared", "'fidelity' among its needs, received a request at 1/2"),
    ("legal-schemes", "Overlong", r"expected at most 48 schemes, .* received 49"),
    ("honest-budget", "Spendthrift", r"^raised LaneError: asked for 3 evaluations with . of"),
    ("arguments-untouched", "Scribbling", "expected tell to leave reward as they were"),
    ("arguments-not-kept", "Keeping", "the same schemes when the caller reuses its arrays"),
    ("deterministic", "Entropic", "the same schemes with the same seed: scheme"),
    ("deterministic-elsewhere", "Hashing", "in another process with another hash seed"),
    ("honest-budget", "Greedy", "as many as the budget has left, received 7"),
    ("resumed-by-replay", "Remembering", "when it is resumed after 1 requests"),
    (
        "uses-answers",
        "Deaf",
        "one that repeated itself: all 60 requests were for the same 1 schemes",
    ),
    ("failed-answers", "Frail", "^raised ValueError: expected numbers"),
    ("failed-answers", "Assertive", r"^an assertion of its own failed \(broken\.py, line"),
    ("failed-answers", "Hopeless", "received the end after 1 requests"),
    ("exhausted-space", "Undead", "expected zero rows after the search had ended"),
    ("exhausted-space", "Endless", "expected an end within 1 s, received none"),
    ("blind-to-test-data", "Peeking", "the module tasks.errors, the module tasks.registry"),
    ("blind-to-test-data", "Reading", r"opens the database file:answers\.sqlite\?mode=ro$"),
    ("blind-to-test-data", "Loading", r"opens the file /.*/digits\.csv\.gz$"),
    ("no-global-random-state", "Drawing", "draws from the global state of random$"),
    ("no-global-random-state", "NumpyDrawing", "draws from the global state of numpy.random$"),
    ("no-global-random-state", "TorchDrawing", "draws from the global state of torch$"),
    ("no-global-random-state", "Leaning", "whatever the global random states are"),
]
BY_NAME = {check.name: check for check in CHECKS}


@pytest.fixture(scope="module")
def broken() -> dict[str, Subject]:
    names = sorted({"Climber"} | {name for _, name, _ in CASES})
    return dict(zip(names, subjects(f"{BROKEN}:{name}" for name in names), strict=True))


def verdict_of(check: str, subject: Subject) -> Verdict:
    (verdict,) = check_strategy(
        subject, checks=[BY_NAME[check]], limit=1.0 if check == "exhausted-space" else 60.0
    )
    return verdict


@pytest.mark.parametrize(("check", "name", "reason"), CASES)
def test_a_broken_promise_is_found_and_named(
    broken: dict[str, Subject], check: str, name: str, reason: str
) -> None:
    verdict = verdict_of(check, broken[name])
    assert not verdict.passed
    with pytest.raises(AssertionError, match=reason):
        raise AssertionError(verdict.reason)


def test_no_check_passes_where_python_leaves_assertions_out() -> None:
    code = "from benchmark.testing import *; CHECKS[0](Subject.of('random'))"
    ran = subprocess.run(
        [sys.executable, "-O", "-c", code], capture_output=True, check=False, text=True
    )
    assert ran.stderr.endswith("expected Python without -O, which leaves out what checks are of\n")


def test_every_check_is_seen_to_fail() -> None:
    assert {check for check, _, _ in CASES} == set(BY_NAME)


def test_a_strategy_that_keeps_the_contract_passes_every_check(broken: dict[str, Subject]) -> None:
    assert [v.reason for v in check_strategy(broken["Climber"])] == [""] * len(CHECKS)
