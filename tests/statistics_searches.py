"""How often statistics of searches are wrong: ``python -m tests.statistics_searches``."""

import sys
from collections.abc import Callable

import numpy as np

from reports.numbers.ranking import compared_with_leader
from reports.numbers.statistics import Cells, holm, permutation_test, shaffer

LEVEL = 0.05
SUPERNETS, LANES = 3, 3
Draw = Callable[[np.random.Generator], np.ndarray]


def normal(rng: np.random.Generator) -> np.ndarray:
    """Best rewards of one strategy's lanes (supernets, lanes)."""
    return rng.normal(size=(SUPERNETS, LANES))


def tied(rng: np.random.Generator) -> np.ndarray:
    """The same where four lanes of five reach the optimum, 0."""
    return np.where(rng.random((SUPERNETS, LANES)) < 0.8, 0.0, -rng.random((SUPERNETS, LANES)))


def ordered(draw: Draw, strategies: int, rng: np.random.Generator) -> list[Cells]:
    """Strategies that are equal, the highest mean first."""
    values = sorted((draw(rng) for _ in range(strategies)), key=lambda lanes: -lanes.mean())
    return [dict(enumerate(lanes)) for lanes in values]


def false_claims(draw: Draw, strategies: int, runs: int, *, rng: np.random.Generator) -> int:
    """Runs of equal strategies in which one is said to be behind the leader."""
    return sum(
        any(
            test is not None and test.p_value < LEVEL
            for test in compared_with_leader(ordered(draw, strategies, rng))
        )
        for _ in range(runs)
    )


def false_claims_by_holm(
    draw: Draw, strategies: int, runs: int, *, rng: np.random.Generator
) -> int:
    """The same where the choice of the leader isn't corrected for."""
    wrong = 0
    for _ in range(runs):
        leader, *others = ordered(draw, strategies, rng)
        tests = [permutation_test(other, leader, rng=rng).p_value for other in others]
        wrong += bool((holm(np.array(tests)) < LEVEL).any())
    return wrong


def found(strategies: int, ahead: float, runs: int, *, rng: np.random.Generator) -> list[float]:
    """Share of others said to be behind one that is ``ahead`` (standard deviations)."""
    shares = np.zeros(2)
    for _ in range(runs):
        leader, *others = [normal(rng) for _ in range(strategies)]
        cells = dict(enumerate(leader + ahead))
        p_values = np.array(
            [permutation_test(dict(enumerate(one)), cells, rng=rng).p_value for one in others]
        )
        shares += [
            (holm(p_values) < LEVEL).mean(),
            (shaffer(p_values, compared=strategies) < LEVEL).mean(),
        ]
    return list(shares / runs)


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    rng = np.random.default_rng(0)
    print("| equal strategies | best rewards | Holm, leader given | Shaffer, all pairs |")
    print("|---|---|---|---|")
    for strategies in (2, 3, 5, 10, 20):
        for draw, words in ((normal, "normal"), (tied, "four of five at the optimum")):
            before = false_claims_by_holm(draw, strategies, runs, rng=rng) / runs
            after = false_claims(draw, strategies, runs, rng=rng) / runs
            print(f"| {strategies} | {words} | {before:.1%} | {after:.1%} |", flush=True)
    print()
    print("| strategies | one ahead by | Holm finds | Shaffer finds |")
    print("|---|---|---|---|")
    for strategies in (3, 5, 10):
        for ahead in (2.0, 3.0, 4.0):
            before, after = found(strategies, ahead, runs // 4, rng=rng)
            print(f"| {strategies} | {ahead:g} σ | {before:.0%} | {after:.0%} |", flush=True)


if __name__ == "__main__":
    main()
