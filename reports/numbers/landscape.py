"""How good the finds are among all schemes, where the oracle's landscape was tabulated."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
from jaxtyping import Float64, Int64

from benchmark.records.objective import Objective
from benchmark.records.run import LaneKey, OracleRecord, RunRecords
from benchmark.records.schemes import scheme_bits
from reports.numbers.ranking import LaneScore, Ranking

TOP = 0.05
"""The paper's Top5%; here a share of tabulated schemes by oracle accuracy."""
_FLAT = 1e-5
"""Half the height of a landscape whose schemes are all equally accurate."""
BINS = 36
"""Steps of accuracy in which a landscape is drawn."""


@dataclass(frozen=True)
class Landscape:
    """A tabulated oracle.

    Attributes:
        supernet_seed: which supernet.
        exhaustive: whether every scheme was tabulated.
        connections: connected blocks of each scheme.
        accuracy: of each scheme, failed answers left out.
        reward: of each scheme.
        best_bits: the scheme of the highest reward.
        top_share: share of the schemes that less than 5% of all are more accurate than.
    """

    supernet_seed: int
    exhaustive: bool
    connections: Int64[np.ndarray, " n"]
    accuracy: Float64[np.ndarray, " n"]
    reward: Float64[np.ndarray, " n"]
    best_bits: str
    top_share: float

    @property
    def top_tied(self) -> bool:
        """Whether ties make the top 5% larger than it had to be."""
        return round(self.top_share * len(self.accuracy)) > ceil(TOP * len(self.accuracy))

    def more_accurate(self, accuracy: float) -> float:
        """Share of schemes with a higher accuracy."""
        # An equal number, computed in another order, is no better one.
        return float(np.mean(self.accuracy > accuracy + 1e-12))

    def is_top(self, accuracy: float) -> bool | None:
        """Whether less than 5% are more accurate; None where all schemes are equally accurate."""
        return None if self.top_share == 1 else self.more_accurate(accuracy) < TOP


@dataclass(frozen=True)
class Find:
    """Where a lane's best scheme stands in the landscape.

    Attributes:
        key: the lane.
        regret: best tabulated reward minus the lane's best.
        better: share of tabulated schemes with a higher reward.
        more_accurate: share of tabulated schemes with a higher accuracy than that scheme.
        top: whether the scheme is among the top 5% by accuracy; None where all are equally
            accurate.
    """

    key: LaneKey
    regret: float
    better: float
    more_accurate: float
    top: bool | None


@dataclass(frozen=True)
class Density:
    """How many tabulated schemes have so many connections and about that accuracy.

    Attributes:
        edges: of the bins of accuracy, ascending.
        counts: schemes by connections, 0 first, and bin.
    """

    edges: Float64[np.ndarray, " edges"]
    counts: Int64[np.ndarray, "sizes bins"]


def density(table: Landscape, blocks: int, bins: int = BINS) -> Density:
    """The landscape in ``bins`` equal steps between its lowest and highest accuracy."""
    sizes = np.arange(blocks + 2) - 0.5
    low, high = float(table.accuracy.min()), float(table.accuracy.max())
    pad = _FLAT if low == high else 0.0
    steps = np.linspace(low - pad, high + pad, bins + 1)
    counts, _, edges = np.histogram2d(table.connections, table.accuracy, bins=(sizes, steps))
    return Density(edges, counts.astype(np.int64))


def landscapes(records: RunRecords) -> dict[int, Landscape]:
    """Tabulated landscapes by supernet seed."""
    return {
        oracle.supernet_seed: _landscape(oracle, records.objective)
        for oracle in records.oracles
        if np.any(~np.isnan(oracle.accuracy))
    }


def _landscape(oracle: OracleRecord, objective: Objective) -> Landscape:
    known = ~np.isnan(oracle.accuracy)
    schemes, accuracy = oracle.schemes[known], oracle.accuracy[known]
    reward = objective.reward(schemes, accuracy)
    fewest = sorted(accuracy, reverse=True)[ceil(TOP * len(accuracy)) - 1]
    return Landscape(
        supernet_seed=oracle.supernet_seed,
        exhaustive=len(schemes) == 2 ** schemes.shape[1],
        connections=schemes.sum(axis=1),
        accuracy=accuracy,
        reward=reward,
        best_bits=scheme_bits(schemes[int(reward.argmax())]),
        top_share=float(np.mean(accuracy >= fewest - 1e-12)),
    )


def finds(tables: dict[int, Landscape], lanes: Sequence[LaneScore]) -> dict[LaneKey, Find]:
    """A find for every ranked lane whose supernet was tabulated."""
    placed = {}
    for lane in lanes:
        table = tables.get(lane.key.supernet_seed)
        if table is not None and lane.ranked:
            placed[lane.key] = Find(
                key=lane.key,
                # Of a part of all schemes, a lane may have found a better one.
                regret=max(float(table.reward.max() - lane.reward), 0.0),
                # An equal reward, computed in another order, is no better reward.
                better=float(np.mean(table.reward > lane.reward + 1e-12)),
                more_accurate=table.more_accurate(lane.accuracy),
                top=table.is_top(lane.accuracy),
            )
    return placed


def strategy_finds(
    ranking: Ranking, found: dict[LaneKey, Find]
) -> dict[str, tuple[float, int, int]]:
    """Mean regret, lanes in the top 5% and lanes that may be, by strategy."""
    summary = {}
    for standing in ranking.placed:
        own = [found[key] for key in ranking.ranked[standing.strategy] if key in found]
        if own:
            regret = float(np.mean([find.regret for find in own]))
            tops = [find.top for find in own if find.top is not None]
            summary[standing.strategy] = (regret, sum(tops), len(tops))
    return summary
