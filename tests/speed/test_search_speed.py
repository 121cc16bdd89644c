"""What searching costs: the runner around an answer, whole strategies, being back after a kill."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from tempfile import mkdtemp
from time import perf_counter, process_time

import numpy as np

from benchmark.basics.seeding import child_rng
from benchmark.oracle.answers_file import Table
from benchmark.oracle.base import Oracle, Schemes, Scores, Wrapper
from benchmark.oracle.table import TableOracle
from benchmark.records.objective import Connections
from benchmark.records.run import LaneKey
from benchmark.search.runner import Lane, search
from benchmark.search.wrappers import CachedOracle
from benchmark.storage.store import Store
from strategies.base import Answers, SearchSpace, Strategy
from strategies.registry import load_strategy
from tests.benchmark.tables import closed_form_table
from tests.speed.claims import Claim, Round, Speed, clock
from tests.speed.networks import Subject

STAGES = (4, 4, 4)
LANES, BUDGET, AT_A_TIME = 10, 1000, 5
TEN = (
    *("random", "local", "evolution", "ga", "nsga2"),
    *("tpe", "surrogate", "enas", "ean", "ean-released"),
)
SEEDS, CORES = 100, 2


def rugged() -> Table:
    """4,096 schemes with a few interactions."""
    table = closed_form_table(STAGES)
    signs = 2.0 * table.schemes - 1
    effects = np.random.default_rng(0).normal(0, 0.003, size=(12, 12))
    accuracy = 0.93 + np.einsum("ni,ij,nj->n", signs, effects, signs)
    return replace(table, accuracy=accuracy + table.schemes.sum(axis=1) * 1e-3)


class Scripted(Strategy):
    """Asks what it was given, a few schemes at a time."""

    name = "scripted"
    summary = source = ""

    def __init__(self, schemes: Schemes) -> None:
        self._left = schemes

    def ask(self, n: int) -> Schemes:
        asked, self._left = np.split(self._left, [min(n, AT_A_TIME)])
        return asked

    def tell(self, schemes: Schemes, answers: Answers) -> None:
        pass


def named(name: str, budget: int) -> Callable[[], Strategy]:
    space = SearchSpace(STAGES, budget)
    return lambda: load_strategy(name)(space, rng=child_rng(0, "speed", name))


def scripted(schemes: Schemes) -> Callable[[], Strategy]:
    return lambda: Scripted(schemes)


def test_runner_overhead(speed: Speed, tmp_path: Path) -> None:
    table = TableOracle(rugged())

    def turn() -> Round:
        asked = np.random.default_rng(0).random((LANES, BUDGET, 12)) < 0.5
        folder = Path(mkdtemp(dir=tmp_path))
        with closing(Store(folder / "cache")) as cache, closing(Store(folder / "run")) as run:
            started, worked = perf_counter(), process_time()
            oracle = CachedOracle(table, cache)
            lanes = [
                Lane(LaneKey("scripted", seed, 0), scripted(asked[seed]), oracle, run, BUDGET)
                for seed in range(LANES)
            ]
            search(lanes, oracle, run, Connections(0.02))
            # How long the disk makes a search wait is up to the disk.
            micro = 1e6 / (LANES * BUDGET)
            worked = (process_time() - worked) * micro
            return Round(worked, {"on the clock, µs": (perf_counter() - started) * micro})

    title = (
        f"runner, cache, journal and ledger on a table, {LANES} lanes of {BUDGET:,} evaluations, "
        f"{AT_A_TIME} a request, on disk: processor time of an evaluation"
    )
    speed.turns(title, turn, Claim(100, "µs", least=False))


def test_ten_strategies(speed: Speed) -> None:
    oracle = TableOracle(rugged())

    def seconds(name: str, evaluations: int) -> tuple[float, float]:
        """Of one search, and of its strategy alone."""
        with closing(Store(Path(":memory:"))) as store, clock() as whole:
            lane = Lane(LaneKey(name, 0, 0), named(name, BUDGET), oracle, store, evaluations)
            search([lane], oracle, store, Connections(0.02))
        return whole.seconds, lane.seconds

    for name in TEN:  # what is imported at first use is no part of each search
        seconds(name, 60)

    def turn() -> Round:
        found = {name: seconds(name, BUDGET) for name in TEN}
        scale = SEEDS / CORES
        whole, own = (sum(column) * scale for column in zip(*found.values(), strict=True))
        parts = {f"{name}'s own, s": alone * scale for name, (_, alone) in found.items()}
        return Round(whole, {"strategies' own, s": own, "runner's, s": whole - own} | parts)

    title = (
        f"ten strategies × {SEEDS} seeds × {BUDGET:,} evaluations on a table with {CORES} cores "
        "(one seed of each, scaled)"
    )
    speed.turns(title, turn, Claim(300, "s", least=False))


class Killed(BaseException):
    """Where the process would be gone."""


class Gone(Wrapper):
    """Asked for the first time after the kill: here the replay is over."""

    def score(self, schemes: Schemes) -> Scores:
        raise Killed(f"{len(schemes)} new schemes")


def test_resume(speed: Speed, tmp_path: Path) -> None:
    """How long Python takes to start is left out of both."""
    names, budget, killed_at, rows = ("ean", "ga", "enas"), 60, 120, 100
    tree = Subject.make("resnet38", rows).tree()

    def searched(oracle: Oracle, folder: Path, end: float) -> int:
        """Search until so many evaluations or something new is asked; evaluations so far."""
        charged = 0

        def on_progress(evaluations: int) -> None:
            nonlocal charged
            charged += evaluations
            if charged >= end:
                raise Killed

        with closing(Store(folder / "run")) as run, closing(Store(folder / "cache")) as cache:
            cached = CachedOracle(oracle, cache)
            lanes = [
                Lane(LaneKey(name, 0, 0), named(name, budget), cached, run, budget)
                for name in names
            ]
            try:
                search(lanes, cached, run, Connections(0.02), on_progress=on_progress)
            except Killed:
                return charged
        raise AssertionError("expected an end before the budget's")

    def turn() -> Round:
        folder = Path(mkdtemp(dir=tmp_path))
        with clock() as work:
            asked = searched(tree, folder, killed_at)
        with clock() as replay:
            again = searched(Gone(tree), folder, np.inf)
        assert asked <= again, f"replayed {again} of {asked} evaluations"
        parts = {"A, s": work.seconds, "B, s": replay.seconds}
        return Round(work.seconds / replay.seconds, parts)

    title = (
        f"{', '.join(names)} on ResNet38-SE and {rows} images, killed after {killed_at} of "
        f"{len(names) * budget} evaluations: the search up to there / the replay to there"
    )
    speed.turns(title, turn, Claim(20))
