"""Lanes of a run before they begin: which strategies, with which seeds."""

from collections.abc import Callable, Iterable
from functools import partial

from benchmark.basics.seeding import child_rng
from benchmark.planning.settings import Settings
from benchmark.plugins.chosen import ChosenStrategy
from benchmark.plugins.hosted import make_strategy
from benchmark.records.run import LaneKey
from strategies.base import SearchSpace, Strategy


def lane_keys(strategies: Iterable[ChosenStrategy], settings: Settings) -> list[LaneKey]:
    """Every lane of a run, in display order."""
    return [
        LaneKey(strategy.name, seed, supernet)
        for strategy in strategies
        for supernet in range(settings.supernet_seeds)
        for seed in range(settings.seeds)
    ]


def strategy_maker(
    strategy: ChosenStrategy, key: LaneKey, space: SearchSpace, *, root_seed: int, timeout: float
) -> Callable[[], Strategy]:
    """What makes ``strategy`` for the lane ``key`` on ``space``, once; picklable."""
    names = ("search", key.strategy, key.strategy_seed, key.supernet_seed)
    rng = child_rng(root_seed, *names)
    return partial(make_strategy, strategy, space, rng=rng, timeout=timeout)


def plug_in_facts(strategies: Iterable[ChosenStrategy]) -> dict[str, str]:
    """Where the strategies that don't ship with the project come from, by name."""
    return {
        f"strategy {strategy.name}": f"{strategy.reference}, content {strategy.code}"
        for strategy in strategies
        if strategy.is_plug_in
    }
