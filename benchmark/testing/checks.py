"""The checks, one function each; an `AssertionError` says what was expected and received.

The contract is `strategies.base.Strategy`'s.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import get_args

import numpy as np

from benchmark.basics.errors import LaneError, UsageError
from benchmark.plugins.overrides import coerced
from benchmark.testing.search import (
    BUDGET,
    Rewards,
    Search,
    Sitting,
    answers,
    hills,
    only_failures,
    require_same,
    require_same_bits,
    search,
    some_failures,
)
from benchmark.testing.subject import Subject
from strategies.base import Answers, Need, Request, StrategyError
from strategies.hyper_parameters import hyper_parameters


@dataclass(frozen=True)
class Check:
    """A named check; call it with a `Subject`.

    Attributes:
        name: in words joined by hyphens.
        promise: what holds if it passes, in one line.
    """

    name: str
    promise: str
    run: Callable[[Subject], None]

    def __call__(self, subject: Subject) -> None:
        """Check the strategy.

        Raises:
            AssertionError: it does not pass, or checks can't be made.
        """
        if not __debug__:
            raise AssertionError("expected Python without -O, which leaves out what checks are of")
        self.run(subject)

    def __str__(self) -> str:
        return self.name


def described(subject: Subject) -> None:
    """It says in one line each what it is, what it rests on, and what it needs."""
    strategy = subject.strategy
    for attribute in ("summary", "source"):
        text = getattr(strategy, attribute, "")
        assert isinstance(text, str) and text.strip() and "\n" not in text, (  # noqa: PT018 - one message
            f"expected one line of text as {strategy.__name__}.{attribute}, received {text!r}"
        )
    unknown = set(strategy.needs) - set(get_args(Need))
    assert strategy.needs and not unknown, (  # noqa: PT018 - one message
        f"expected {strategy.__name__}.needs of {', '.join(get_args(Need))}, "
        f"received {strategy.needs!r}"
    )


def hyper_parameters_documented(subject: Subject) -> None:
    """Its hyper-parameters have simple types, fitting defaults and a description each."""
    try:
        declared = hyper_parameters(subject.strategy)
        for name, parameter in declared.items():
            coerced(f"the default of {name}", parameter, parameter.default)
    except (StrategyError, UsageError) as error:
        raise AssertionError(str(error)) from error
    for name, parameter in declared.items():
        assert parameter.description, (
            f"expected a line '{name}: …' under Args of the class docstring, received none"
        )


def legal_schemes(subject: Subject) -> None:
    """It asks boolean matrices of as many columns as there are blocks, from 1 to 64."""
    for blocks in (1, 2, 12, 64):
        budget = 24
        done = search(subject.make(blocks_per_stage=(blocks,), budget=budget), budget=budget)
        assert done.evaluations > 0, (
            f"expected schemes of {blocks} blocks, received none at the first request"
        )
    search(subject.make(budget=1), budget=1)


def arguments_untouched(subject: Subject) -> None:
    """It changes nothing that it is told: schemes and answers belong to the caller."""
    sitting = Sitting(subject.make(), BUDGET)
    while sitting.left > 0:
        request = sitting.ask(sitting.left)
        if len(request.schemes) == 0:
            break
        told = answers(hills(request.schemes), request.fidelity)
        given = {"schemes": request.schemes.copy(), **_arrays(told)}
        before = {name: array.copy() for name, array in given.items()}
        sitting.tell(given["schemes"], told)
        for name, array in given.items():
            assert np.array_equal(before[name], array), (
                f"expected tell to leave {name} as they were, received {array.tolist()} "
                f"instead of {before[name].tolist()}"
            )


def arguments_not_kept(subject: Subject) -> None:
    """It copies what it remembers: the caller may reuse its arrays after tell."""
    sitting = Sitting(subject.make(), BUDGET)
    noisy = Search()
    while sitting.left > 0:
        request = sitting.ask(sitting.left)
        if len(request.schemes) == 0:
            break
        noisy.add(request)
        told = answers(hills(request.schemes), request.fidelity)
        sitting.tell(request.schemes, told)
        request.schemes[:] = False
        for array in _arrays(told).values():
            array[:] = -1.0
    require_same(subject.undisturbed, noisy, when="when the caller reuses its arrays")


def deterministic(subject: Subject) -> None:
    """The same seed and answers give the same schemes."""
    require_same(subject.undisturbed, search(subject.make()), when="with the same seed")


def deterministic_elsewhere(subject: Subject) -> None:
    """Another process with another hash seed gives the same schemes."""
    observed = subject.elsewhere
    assert not observed.error, (
        f"expected the strategy to work in another process, received {observed.error}"
    )
    require_same_bits(
        subject.undisturbed.bits(), observed.bits, when="in another process with another hash seed"
    )


def honest_budget(subject: Subject) -> None:
    """It never asks more than it may, however little that is, and then goes on."""
    for seed in range(5):
        allowances = np.random.default_rng(seed).integers(1, 41, size=seed + 1).tolist()
        budget = sum(allowances)
        sitting = Sitting(subject.make(blocks_per_stage=(4, 4), budget=budget), budget)
        for allowance in allowances:
            request = sitting.ask(min(allowance, sitting.left))
            if len(request.schemes) == 0:
                break
            sitting.tell(request.schemes, answers(hills(request.schemes), request.fidelity))


def resumed_by_replay(subject: Subject) -> None:
    """Fed the recorded answers, a new one goes on as if it had never been interrupted."""
    whole = subject.undisturbed
    for killed_after in {1, len(whole.requests) // 2}:
        resumed = Sitting(subject.make(), BUDGET)
        again = Search()
        while resumed.left > 0:
            request = resumed.ask(resumed.left)
            if len(request.schemes) == 0:
                break
            number = len(again.requests)
            again.add(request)
            schemes = (whole if number < killed_after else again).requests[number]
            resumed.tell(schemes.copy(), answers(hills(schemes), request.fidelity))
        require_same(whole, again, when=f"when it is resumed after {killed_after} requests")


def uses_answers(subject: Subject) -> None:
    """It does not spend a whole budget on one request, again and again: such a run fails."""
    from benchmark.search.runner import Repetitions  # noqa: PLC0415 - it reaches oracles

    done = subject.undisturbed
    repetitions = Repetitions()
    for schemes, fidelity in zip(done.requests, done.fidelities, strict=True):
        repetitions.watch(Request(schemes, fidelity))
    try:
        if not done.ended:
            repetitions.judge()
    except LaneError as error:
        raise AssertionError(f"expected requests that differ, received one that {error}") from error


def failed_answers(subject: Subject) -> None:
    """NaN answers neither stop it nor make it ask something illegal."""
    undisturbed = subject.undisturbed
    disturbed = search(subject.make(), some_failures)
    least = undisturbed.evaluations // 2
    assert disturbed.evaluations >= least, (
        f"expected at least {least} evaluations when a quarter of the answers are NaN, "
        f"received {disturbed.evaluations}"
    )
    hopeless = search(subject.make(), only_failures)
    requests = min(len(undisturbed.requests), 2)
    assert len(hopeless.requests) >= requests, (
        f"expected it to go on after NaN answers, received the end after {len(hopeless.requests)} "
        "requests"
    )


def exhausted_space(subject: Subject) -> None:
    """With all schemes asked it ends, or goes on within its budget; finished, it stays so."""
    budget = 60
    strategy = subject.make(budget=budget, blocks_per_stage=(3,))
    done = search(strategy, budget=budget)
    if done.ended:
        again = Sitting(strategy, 1).ask(1).schemes
        assert len(again) == 0, (
            f"expected zero rows after the search had ended, received {again.tolist()}"
        )


def blind_to_test_data(subject: Subject) -> None:
    """It knows its space and its answers only: no tasks, no oracles, no files of data."""
    reached = subject.elsewhere.reached
    assert not reached, (
        f"expected a strategy that sees nothing but its answers, received one that opens "
        f"{', '.join(reached)}"
    )


def no_global_random_state(subject: Subject) -> None:
    """It neither changes nor depends on the random states of Python, NumPy or torch."""
    observed = subject.elsewhere
    assert not observed.drawn, (
        "expected random numbers from rng alone, received draws from the global state of "
        f"{', '.join(observed.drawn)}"
    )
    assert not observed.swayed, (
        "expected the same schemes whatever the global random states are, received others"
    )


def _arrays(told: Answers) -> dict[str, Rewards]:
    return {"reward": told.reward, "accuracy": told.accuracy, "loss": told.loss}


def _named(function: Callable[[Subject], None]) -> Check:
    assert function.__doc__ is not None
    return Check(function.__name__.replace("_", "-"), function.__doc__, function)


CHECKS: tuple[Check, ...] = tuple(
    _named(function)
    for function in (
        described,
        hyper_parameters_documented,
        legal_schemes,
        arguments_untouched,
        arguments_not_kept,
        deterministic,
        deterministic_elsewhere,
        honest_budget,
        resumed_by_replay,
        uses_answers,
        failed_answers,
        exhausted_space,
        blind_to_test_data,
        no_global_random_state,
    )
)
"""Every check, in the order in which verdicts are shown."""
