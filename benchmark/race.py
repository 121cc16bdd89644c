"""Strategies against each other on known landscapes: no networks, no journal, true regrets."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from time import process_time

import numpy as np
from jaxtyping import Float64
from rich.console import Console
from rich.progress import track

from benchmark.budget import Ledger
from benchmark.errors import LaneError, UsageError, unknown_name
from benchmark.landscapes import BEST, LANDSCAPES, WORST, Landscape, make_landscape
from benchmark.oracle.base import checked
from benchmark.oracle.wrappers import MeteredOracle
from benchmark.records import RaceRecord
from benchmark.runner import unmet
from benchmark.seeding import child_rng
from benchmark.workers import Workers, available_cores
from strategies.base import Answers, Request, SearchSpace
from strategies.registry import STRATEGIES, load_strategy


@dataclass(frozen=True)
class Heat:
    """One search to be run: all that it depends on.

    Attributes:
        strategy: its name.
        landscape: its name.
        seed: of the landscape's instance and of the strategy.
        blocks: bits of a scheme.
        budget: evaluations.
    """

    strategy: str
    landscape: str
    seed: int
    blocks: int
    budget: int


def run_race(
    *,
    strategies: Sequence[str],
    landscapes: Sequence[str],
    blocks: int,
    budget: int,
    seeds: int,
    workers: int | None = None,
    console: Console | None = None,
) -> list[RaceRecord]:
    """Run every strategy on ``seeds`` instances of every landscape with the same budget.

    The reward is the landscape's answer, without a price on connections. A strategy that
    raises or breaks its contract has failed that search; all others go on.

    Args:
        strategies: names.
        landscapes: names.
        blocks: bits of a scheme.
        budget: evaluations of each search.
        seeds: instances; instance i is the same for all strategies.
        workers: processes; default one a core.
        console: shows progress.

    Returns:
        One record a search, by strategy, landscape and seed; only the times in it depend
        on the machine and on ``workers``. A strategy that needs what a landscape doesn't
        offer has records that say so.

    Raises:
        UsageError: an unknown name, or one that comes twice.
    """
    _known("strategy", strategies, STRATEGIES)
    _known("landscape", landscapes, LANDSCAPES)
    heats = [
        Heat(strategy, landscape, seed, blocks, budget)
        for strategy in strategies
        for landscape in landscapes
        for seed in range(seeds)
    ]
    running = Workers(workers or available_cores()).map(run_heat, heats)
    shown = console or Console(quiet=True)
    done = dict(track(running, "Searching", total=len(heats), console=shown))
    return [done[index] for index in range(len(heats))]


def _known(kind: str, names: Sequence[str], known: Collection[str]) -> None:
    for name in names:
        if name not in known:
            raise unknown_name(kind, name, known)
        if list(names).count(name) > 1:
            raise UsageError(f"{kind} {name!r} is listed more than once")


def run_heat(heat: Heat) -> RaceRecord:
    """One search, from first to last."""
    landscape = make_landscape(heat.landscape, heat.blocks, seed=heat.seed)
    regret, seconds, message = np.zeros(0), float("nan"), ""
    if missing := unmet(load_strategy(heat.strategy).needs, landscape.offers):
        return RaceRecord(
            heat.strategy, heat.landscape, heat.seed, regret, seconds, message, f"needs {missing}"
        )
    try:
        regret, seconds = _search(landscape, heat)
    except Exception as error:  # noqa: BLE001 - strategies may raise anything
        message = str(error) if isinstance(error, LaneError) else f"{type(error).__name__}: {error}"
    return RaceRecord(heat.strategy, heat.landscape, heat.seed, regret, seconds, message)


def _search(landscape: Landscape, heat: Heat) -> tuple[Float64[np.ndarray, " evaluations"], float]:
    oracle = MeteredOracle(landscape, Ledger(heat.budget))
    found: list[tuple[float, float, float]] = []
    seconds = -process_time()
    strategy = load_strategy(heat.strategy)(
        SearchSpace((heat.blocks,), budget=heat.budget),
        rng=child_rng(heat.seed, "race", heat.strategy, heat.landscape),
    )
    strategy.look_into(oracle)
    while oracle.ledger.left > 0:
        asked = strategy.ask(oracle.ledger.left)
        request = asked if isinstance(asked, Request) else Request(asked)
        schemes = checked(np.array(request.schemes), heat.blocks)
        if len(schemes) == 0:
            break
        seconds += process_time()
        scores = oracle.at(request.fidelity).score(schemes)
        if request.fidelity == 1:
            charged = float(oracle.ledger.charged) - np.arange(len(schemes))[::-1]
            regrets = landscape.regret(schemes)
            found += zip(charged.tolist(), scores.accuracy.tolist(), regrets.tolist(), strict=True)
        seconds -= process_time()
        reward = scores.accuracy.copy()
        strategy.tell(schemes, Answers(reward, scores.accuracy, scores.loss, request.fidelity))
    seconds += process_time()
    if not found:
        raise LaneError("proposed nothing")
    return _of_the_best(np.array(found), heat.budget), seconds / float(oracle.ledger.charged)


def _of_the_best(
    found: Float64[np.ndarray, "answers 3"], budget: int
) -> Float64[np.ndarray, " evaluations"]:
    """Regret of the first scheme with the best answer so far, after each evaluation charged.

    Before the first full answer it is the largest that there is.
    """
    charged, answers, regrets = found.T
    rising = np.maximum.accumulate(answers)
    better = np.append(True, rising[1:] > rising[:-1])
    best = np.maximum.accumulate(np.where(better, np.arange(len(answers)), 0))
    answered = np.searchsorted(charged, np.arange(1, budget + 1), side="right")
    return np.append(BEST - WORST, regrets[best])[answered]
