"""pymoo's genetic algorithms on schemes, the only place that imports it."""

from importlib import import_module
from typing import Any, final

import numpy as np
from jaxtyping import Bool, Float64
from pymoo.core.duplicate import DuplicateElimination
from pymoo.core.evaluator import Evaluator
from pymoo.core.population import Population
from pymoo.core.problem import Problem
from pymoo.core.termination import NoTermination
from pymoo.operators.crossover.pntx import SinglePointCrossover
from pymoo.operators.mutation.bitflip import BitflipMutation
from pymoo.operators.sampling.rnd import BinaryRandomSampling
from pymoo.problems.static import StaticProblem

from strategies._unseen import draw_unseen, scheme_key
from strategies.base import Schemes


@final
class Generations:
    """Generations of schemes, none of which was in a generation before.

    Args:
        algorithm: pymoo's module and class, ``module:Class``.
        blocks: bits of a scheme.
        objectives: costs of a scheme.
        rng: source of pymoo's seed and of immigrants.
        population: schemes that survive a generation, and children a generation has.
        crossover_probability: of crossing two parents rather than copying them.
        mutation_probability: of mutating a child at all.
        flip_probability: of each bit of a mutated child to flip.
    """

    def __init__(
        self,
        algorithm: str,
        blocks: int,
        *,
        objectives: int,
        rng: np.random.Generator,
        population: int,
        crossover_probability: float,
        mutation_probability: float,
        flip_probability: float,
    ) -> None:
        module, _, name = algorithm.partition(":")
        self._rng = rng
        self._size = population
        self._blocks = blocks
        self._unseen = _Unseen()
        self._problem = Problem(n_var=blocks, n_obj=objectives, xl=False, xu=True, vtype=bool)
        self._breeder = getattr(import_module(module), name)(
            pop_size=population,
            sampling=BinaryRandomSampling(),
            crossover=SinglePointCrossover(prob=crossover_probability),
            mutation=BitflipMutation(prob=mutation_probability, prob_var=flip_probability),
            eliminate_duplicates=self._unseen,
            output=None,
            seed=int(rng.integers(2**63)),
        )
        self._breeder.setup(self._problem, termination=NoTermination())
        self._children: Any = Population.empty()

    def breed(self) -> Schemes:
        """The next generation; empty where the space is exhausted."""
        self._children = self._breeder.ask()
        if self._children is None:
            # pymoo has marked itself as terminated; with immigrants it can go on.
            self._breeder.termination.force_termination = False
            immigrants = draw_unseen(
                self._rng, count=self._size, blocks=self._blocks, seen=self._unseen.keys
            )
            self._children = Population.new(X=immigrants)
        schemes = [child.X for child in self._children]
        self._unseen.keys.update(scheme_key(scheme) for scheme in schemes)
        return np.array(schemes, dtype=bool).reshape(-1, self._blocks)

    def select(self, costs: Float64[np.ndarray, "n objectives"]) -> None:
        """Let the last generation compete with its parents by its costs, the less the better."""
        Evaluator().eval(StaticProblem(self._problem, F=costs), self._children)
        self._breeder.tell(infills=self._children)


class _Unseen(DuplicateElimination):  # type: ignore[misc]  # pymoo publishes no types
    """Drops children that were ever proposed; pymoo's own looks at the population only."""

    def __init__(self) -> None:
        super().__init__()
        self.keys: set[bytes] = set()

    def _do(
        self, pop: Any, other: Any, is_duplicate: Bool[np.ndarray, " n"]
    ) -> Bool[np.ndarray, " n"]:
        taken = set() if other is None else {scheme_key(individual.X) for individual in other}
        for index, child in enumerate(pop):
            key = scheme_key(child.X)
            is_duplicate[index] = key in taken or key in self.keys
            taken.add(key)
        return is_duplicate
