"""What searching a table costs: the runner around an answer, and whole strategies."""

import tempfile
from pathlib import Path
from time import perf_counter, process_time

import numpy as np

from benchmark.basics.seeding import child_rng
from benchmark.oracle.answers_file import Table
from benchmark.oracle.table import TableOracle
from benchmark.records.objective import Objective
from benchmark.records.run import LaneKey
from benchmark.records.schemes import all_schemes
from benchmark.search.runner import Lane, search
from benchmark.search.wrappers import CachedOracle
from benchmark.speed.base import Benchmark, Claim, Round
from benchmark.storage.store import Store
from strategies.base import Answers, Schemes, SearchSpace, Strategy
from strategies.registry import load_strategy

_STAGES = (4, 4, 4)
_LANES, _BUDGET, _AT_A_TIME = 10, 1000, 5
_TEN = (
    "random",
    "local",
    "evolution",
    "ga",
    "nsga2",
    "tpe",
    "surrogate",
    "enas",
    "ean",
    "ean-released",
)
_SEEDS, _CORES, _WARM_UP = 100, 2, 60


def speed_table() -> Table:
    """4,096 schemes with a few interactions and a seed-sized noise."""
    rng = np.random.default_rng(0)
    schemes = all_schemes(sum(_STAGES))
    signs = 2.0 * schemes - 1
    effects = rng.normal(0, 0.003, size=(12, 12))
    accuracy = 0.93 + np.einsum("ni,ij,nj->n", signs, effects, signs) + schemes.sum(axis=1) * 1e-3
    return Table(
        identity="speed",
        blocks_per_stage=_STAGES,
        task={},
        facts={},
        environment={},
        schemes=schemes,
        accuracy=accuracy,
        loss=1 - accuracy,
        parameters=1000 + schemes.sum(axis=1),
    )


class _Scripted(Strategy):
    """Asks what it was given, a few schemes at a time."""

    name = "scripted"
    summary = source = ""

    def __init__(self, schemes: Schemes) -> None:
        self._left = schemes

    def ask(self, n: int) -> Schemes:
        asked = self._left[: min(n, _AT_A_TIME)]
        self._left = self._left[len(asked) :]
        return asked

    def tell(self, schemes: Schemes, answers: Answers) -> None:
        pass


class RunnerOverhead(Benchmark):
    """Processor time; how long the disk makes a search wait is up to the disk."""

    name = "runner-overhead"
    title = (
        f"runner, cache, journal and ledger on a table, {_LANES} lanes of {_BUDGET:,} evaluations, "
        f"{_AT_A_TIME} a request, on disk: processor time of an evaluation"
    )
    claim = Claim(100, least=False, unit="µs")

    def prepare(self, rows: int) -> None:
        del rows
        self._oracle = TableOracle(speed_table())

    def measure(self) -> Round:
        asked = np.random.default_rng(0).random((_LANES, _BUDGET, 12)) < 0.5  # noqa: PLR2004 - a fair coin
        with tempfile.TemporaryDirectory() as folder:
            cache, journal = Store(Path(folder) / "cache"), Store(Path(folder) / "run")
            try:
                started, worked = perf_counter(), process_time()
                oracle = CachedOracle(self._oracle, cache)
                lanes = [
                    Lane(
                        LaneKey("scripted", seed, 0),
                        lambda seed=seed: _Scripted(asked[seed]),  # type: ignore[misc]  # bound now
                        oracle,
                        journal,
                        _BUDGET,
                    )
                    for seed in range(_LANES)
                ]
                search(lanes, oracle, journal, Objective(0.02))
                seconds, worked = perf_counter() - started, process_time() - worked
            finally:
                cache.close()
                journal.close()
        evaluations = _LANES * _BUDGET
        return Round(worked / evaluations * 1e6, {"on the clock, µs": seconds / evaluations * 1e6})


class TenStrategies(Benchmark):
    """One seed of each, scaled; `run --oracle TABLE` shares them out over its workers."""

    name = "ten-strategies"
    title = (
        f"ten strategies × {_SEEDS} seeds × {_BUDGET:,} evaluations on a table with {_CORES} cores "
        "(one seed of each, scaled)"
    )
    claim = Claim(300, least=False, unit="s")

    def prepare(self, rows: int) -> None:
        del rows
        self._oracle = TableOracle(speed_table())
        for name in _TEN:  # what is imported at first use is no part of each search
            self._search(name, _WARM_UP)

    def measure(self) -> Round:
        parts: dict[str, float] = {}
        whole = own = 0.0
        for name in _TEN:
            seconds, strategy_seconds = self._search(name, _BUDGET)
            parts[f"{name}'s own, s"] = strategy_seconds * _SEEDS / _CORES
            whole, own = whole + seconds, own + strategy_seconds
        scale = _SEEDS / _CORES
        totals = {"strategies' own, s": own * scale, "runner's, s": (whole - own) * scale}
        return Round(whole * scale, totals | parts)

    def _search(self, name: str, budget: int) -> tuple[float, float]:
        space = SearchSpace(_STAGES, _BUDGET)

        def make() -> Strategy:
            return load_strategy(name)(space, rng=child_rng(0, "speed", name))

        store = Store(Path(":memory:"))
        try:
            started = process_time()
            lane = Lane(LaneKey(name, 0, 0), make, self._oracle, store, budget)
            search([lane], self._oracle, store, Objective(0.02))
            return process_time() - started, lane.seconds
        finally:
            store.close()
