"""What trials of the paper's Theorem 1 say: a record for pages, tables and figures."""

from dataclasses import dataclass

from benchmark.records.run import Interval


@dataclass(frozen=True)
class TheoremRecord:
    """What draws of networks of one width say for one tolerance.

    Attributes:
        epsilon: tolerated change of the output.
        width: hidden neurons m.
        draws: networks drawn.
        everywhere: share of networks with a neuron that changes no output of the unit
            ball by more than ε; Clopper and Pearson's interval.
        predicted: the same by the formula, 1 − (1 − p)^m.
        sampled: share with a neuron that does so on the inputs that were tried.
        removed: neurons that can go together, everywhere, mean over draws.
        needed: width from which on the theorem promises it with probability 1 − δ.
    """

    epsilon: float
    width: int
    draws: int
    everywhere: Interval
    predicted: float
    sampled: float
    removed: float
    needed: float
