"""What it takes to be again where a search was killed."""

import tempfile
from contextlib import closing
from pathlib import Path

from benchmark.basics.seeding import child_rng
from benchmark.oracle.base import Schemes, Scores, Wrapper
from benchmark.records.objective import Objective
from benchmark.records.run import LaneKey
from benchmark.search.runner import Lane, search
from benchmark.search.wrappers import CachedOracle
from benchmark.speed.base import Benchmark, Claim, Round
from benchmark.speed.networks import Subject, clock
from benchmark.storage.store import Store
from strategies.base import SearchSpace, Strategy
from strategies.registry import load_strategy

_STAGES = (4, 4, 4)
_STRATEGIES = ("ean", "ga", "enas")
_BUDGET, _KILLED_AT = 60, 120
_ROWS = 100


class _Killed(BaseException):
    """Where the process would be gone."""


class _Gone(Wrapper):
    """Asked for the first time after the kill: here the replay is over."""

    def score(self, schemes: Schemes) -> Scores:
        raise _Killed(f"{len(schemes)} new schemes")


class Resume(Benchmark):
    """Processor time of the same process; how long Python takes to start is left out of both."""

    name = "resume"
    title = (
        f"{', '.join(_STRATEGIES)} on ResNet38-SE and {_ROWS} images, killed after {_KILLED_AT} of "
        f"{len(_STRATEGIES) * _BUDGET} evaluations: the search up to there / the replay to there"
    )
    claim = Claim(20, least=True, unit="times")

    def prepare(self, rows: int) -> None:
        self._oracle = Subject.make("resnet38", min(rows, _ROWS)).tree()
        for name in _STRATEGIES:
            load_strategy(name)

    def measure(self) -> Round:
        with tempfile.TemporaryDirectory() as folder:
            with clock() as work:
                asked = self._search(Path(folder), killed=False)
            with clock() as replay:
                again = self._search(Path(folder), killed=True)
        assert asked <= again, f"replayed {again} of {asked} evaluations"
        parts = {"A, s": work.seconds, "B, s": replay.seconds}
        return Round(work.seconds / replay.seconds, parts)

    def _search(self, folder: Path, *, killed: bool) -> int:
        """Search until the kill, or after it until something new is asked; evaluations so far."""
        charged = 0

        def count(evaluations: int) -> None:
            nonlocal charged
            charged += evaluations
            if not killed and charged >= _KILLED_AT:
                raise _Killed

        with closing(Store(folder / "run")) as run, closing(Store(folder / "cache")) as cache:
            inner = _Gone(self._oracle) if killed else self._oracle
            oracle = CachedOracle(inner, cache)
            lanes = [_lane(name, oracle, run) for name in _STRATEGIES]
            try:
                search(lanes, oracle, run, Objective(0.02), on_progress=count)
            except _Killed:
                return charged
        raise AssertionError("expected an end before the budget's")


def _lane(name: str, oracle: CachedOracle, store: Store) -> Lane:
    space = SearchSpace(_STAGES, _BUDGET)

    def make() -> Strategy:
        return load_strategy(name)(space, rng=child_rng(0, "speed", name))

    return Lane(LaneKey(name, 0, 0), make, oracle, store, _BUDGET)
