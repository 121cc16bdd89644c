"""What a run is doing, as sentences and tables for those who watch it."""

from collections.abc import Sequence
from math import isnan, nan

from benchmark.records.progress import LaneProgress, Snapshot
from reports.tables.formats import count, leading, plain, some
from reports.tables.table import Column, Table, Value

MOST_LANES = 24
"""More are shown as one row a strategy."""
_DOING = {
    "preparing": "preparing: training supernets, scoring every scheme, or reading a table",
    "searching": "searching",
    "training": "training the candidates from scratch",
    "measuring": "measuring costs and asking oracles about what was trained",
    "finished": "finished",
}
_BEST = Column("best", "Best so far", "reward", "×100", kind="number", scale=100)
LANES = (
    Column("strategy", "Strategy", "the search strategy"),
    Column("strategy_seed", "Seed", "of the strategy's own draws", kind="whole"),
    Column("supernet_seed", "Supernet", "seed of the supernet", kind="whole"),
    Column("state", "State", "running, finished or failed"),
    Column("charged", "Charged", "evaluations", kind="number", digits=0),
    Column("share", "Of budget", "evaluations charged", "%", kind="number", digits=0, scale=100),
    _BEST,
    Column("message", "Why", "it failed", optional=True),
)
STRATEGIES = (
    Column("strategy", "Strategy", "the search strategy"),
    Column("running", "Running", "lanes", kind="whole"),
    Column("finished", "Finished", "lanes", kind="whole"),
    Column("failed", "Failed", "lanes", kind="whole"),
    Column("charged", "Charged", "evaluations", kind="number", digits=0),
    Column("share", "Of budget", "evaluations charged", "%", kind="number", digits=0, scale=100),
    _BEST,
    Column("message", "Why", "one of its lanes failed", optional=True),
)


def sentences(snapshot: Snapshot, seconds: float | None) -> list[str]:
    """Stage, evaluations, trainings, time left."""
    now = snapshot
    said = [f"{now.task or 'run'} {now.experiment[:8]}: {_DOING[now.stage]}"]
    if now.working is False and now.stage != "finished":
        said[0] += ", but nobody is at work; the same command goes on from here"
    elif now.working is None and not now.over:
        said[0] += "; whether somebody is at work can't be seen from this machine"
    whole = now.budget * len(now.lanes)
    said.append(
        f"{now.charged:,.0f} of {count(whole, 'evaluation')} charged; the machine had to make "
        f"{now.actual:,.0f}"
    )
    found = sorted((lane for lane in now.lanes if not isnan(lane.best)), key=_best, reverse=True)
    if found:
        first = leading(found, lambda lane: plain(100 * lane.best))
        names = some(list(dict.fromkeys(lane.key.strategy for lane in first)))
        said.append(f"best reward so far {plain(100 * found[0].best)} ×100, by {names}")
    if now.to_train:
        said.append(f"{now.trained} of {count(now.to_train, 'network')} trained")
    if now.to_measure and now.stage in ("measuring", "finished"):
        said.append(f"{now.measured} of {count(now.to_measure, 'scheme')} measured")
    if seconds is not None and not now.over:
        said.append(f"about {duration(seconds)} left of this stage")
    return said


def _best(lane: LaneProgress) -> float:
    return lane.best


def duration(seconds: float) -> str:
    """``40 s``, ``12 min``, ``3 h 20 min``."""
    minutes = round(seconds / 60)
    if seconds < 90:  # noqa: PLR2004 - a minute and a half
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"  # noqa: PLR2004 - an hour


def progress_table(snapshot: Snapshot) -> Table:
    """One row a lane; one a strategy where there are many lanes."""
    if len(snapshot.lanes) > MOST_LANES:
        return _by_strategy(snapshot)
    rows: list[tuple[Value, ...]] = [
        (
            lane.key.strategy,
            lane.key.strategy_seed,
            lane.key.supernet_seed,
            lane.state,
            lane.charged,
            lane.charged / snapshot.budget if snapshot.budget else None,
            lane.best,
            lane.message,
        )
        for lane in snapshot.lanes
    ]
    return Table("lanes", "Lanes", "One row a lane.", LANES, tuple(rows))


def _by_strategy(snapshot: Snapshot) -> Table:
    rows: list[tuple[Value, ...]] = []
    for name in dict.fromkeys(lane.key.strategy for lane in snapshot.lanes):
        own = [lane for lane in snapshot.lanes if lane.key.strategy == name]
        states = [lane.state for lane in own]
        charged = sum(lane.charged for lane in own)
        rows.append(
            (
                name,
                *(states.count(state) for state in ("running", "finished", "failed")),
                charged,
                charged / (snapshot.budget * len(own)) if snapshot.budget else None,
                _highest(own),
                next((lane.message for lane in own if lane.message), ""),
            )
        )
    return Table("lanes", "Lanes", "One row a strategy.", STRATEGIES, tuple(rows))


def _highest(lanes: Sequence[LaneProgress]) -> float:
    known = [lane.best for lane in lanes if not isnan(lane.best)]
    return max(known, default=nan)
