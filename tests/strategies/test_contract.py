"""One contract for every registered strategy: the public suite, and what only the registry asks."""

from collections.abc import Callable

import numpy as np
import pytest

from benchmark.testing import CHECKS, Check, Subject, subjects
from benchmark.testing.search import search
from strategies._nni import installed
from strategies.base import SearchSpace, Strategy, StrategyError
from strategies.hsp import periodic_schemes
from strategies.registry import COMPARATORS, STRATEGIES, load_strategy

SLOW = ["nni-ppo"]
"""Strategies whose searches take seconds."""

NAMES = sorted(set(STRATEGIES) - set(SLOW))

TRIED = [name for name in NAMES if installed() or name not in COMPARATORS]
"""All of them under tox; without the extra nni those that don't need it."""

SEEDLESS = {"darts", "exhaustive", "gm", "hsp", "l1", "l2"}
"""Strategies that propose the same whatever the seed: fixed, or decided by the oracle's inside."""

ENDS = {"darts": 4, "gm": 3, "hsp": len(periodic_schemes(3)), "l1": 3, "l2": 3}
"""Evaluations after which a strategy ends of its own accord in a space of three blocks."""

every_strategy = pytest.mark.parametrize("name", TRIED)


@pytest.fixture(scope="module")
def registered() -> dict[str, Subject]:
    return dict(zip(TRIED, subjects(TRIED), strict=True))


@every_strategy
@pytest.mark.parametrize("check", CHECKS, ids=str)
def test_keeps_the_contract(registered: dict[str, Subject], check: Check, name: str) -> None:
    check(registered[name])  # raises what is broken


@pytest.mark.long
@pytest.mark.parametrize("name", SLOW)
def test_a_slow_one_keeps_the_contract(name: str) -> None:
    subject = Subject.of(name)
    for check in CHECKS:
        check(subject)  # raises what is broken


@pytest.mark.parametrize("name", sorted(STRATEGIES))
def test_is_registered_under_its_own_name(name: str) -> None:
    assert name == load_strategy(name).name


@every_strategy
def test_the_seed_decides_what_is_proposed(registered: dict[str, Subject], name: str) -> None:
    subject = registered[name]
    same = subject.undisturbed.bits() == search(subject.make(seed=1)).bits()
    assert (name in SEEDLESS) == same


@every_strategy
def test_a_budget_far_beyond_the_space_ends_or_is_spent(
    registered: dict[str, Subject], name: str
) -> None:
    done = search(registered[name].make(blocks_per_stage=(3,), budget=60), budget=60)
    in_full = {bits for bits in done.bits() if "at" not in bits}
    assert done.evaluations == 60 or len(in_full) == ENDS.get(name, 2**3)


@pytest.mark.parametrize(
    ("name", "hyper_parameter"),
    [
        ("random", "batch_size"),
        ("ean", "schemes_per_step"),
        ("ean", "replay_capacity"),
        ("ean-released", "schemes_per_step"),
        ("enas", "schemes_per_step"),
        ("ga", "population"),
        ("nsga2", "population"),
        ("evolution", "population"),
        ("evolution", "tournament"),
        ("exhaustive", "batch_size"),
        ("nni-ppo", "updates"),
        ("nni-tpe", "startup"),
        ("tpe", "startup"),
        ("surrogate", "passes"),
        ("halving", "cuts"),
        ("local", "kick_flips"),
        ("darts", "steps"),
    ],
)
def test_a_count_below_one_is_refused_by_name(name: str, hyper_parameter: str) -> None:
    space = SearchSpace((3,), budget=9)
    strategy: Callable[..., Strategy] = load_strategy(name)
    with pytest.raises(
        StrategyError, match=f"^expected {hyper_parameter} of at least 1, received 0$"
    ):
        strategy(space, rng=np.random.default_rng(0), **{hyper_parameter: 0})


@pytest.mark.parametrize(
    ("name", "hyper_parameter", "value", "message"),
    [
        ("ean", "learning_rate", -0.1, "expected learning_rate above 0, received -0.1"),
        ("ean", "temperature", 0.0, "expected temperature above 0, received 0.0"),
        ("ean", "baseline_decay", 1.5, "expected baseline_decay from 0 to 1, received 1.5"),
        ("ean", "rnd_weight", -1.0, "expected rnd_weight of at least 0, received -1.0"),
        ("ean-released", "clip", 0.0, "expected clip above 0, received 0.0"),
        ("enas", "temperature", -5.0, "expected temperature above 0, received -5.0"),
        ("darts", "share", 1.5, "expected share from 0.001 to 1, received 1.5"),
        ("darts", "virtual_rate", 0.0, "expected virtual_rate above 0, received 0.0"),
        ("local", "kick_probability", 5.0, "expected kick_probability from 0 to 1, received 5.0"),
        ("ga", "flip_probability", 2.0, "expected flip_probability from 0 to 1, received 2.0"),
    ],
)
def test_a_value_that_can_not_be_is_refused_by_name(
    name: str, hyper_parameter: str, value: float, message: str
) -> None:
    strategy: Callable[..., Strategy] = load_strategy(name)
    with pytest.raises(StrategyError, match=f"^{message}$"):
        strategy(
            SearchSpace((3,), budget=9), rng=np.random.default_rng(0), **{hyper_parameter: value}
        )
