"""pymoo's genetic algorithms behind our ask and tell; see `strategies.ga` for what they share."""

from collections.abc import Callable
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

from strategies._checks import require_fraction
from strategies._unseen import draw_unseen, scheme_key
from strategies.base import Schemes


@final
class Breeder:
    """Generations of schemes that nobody has proposed, handed out in pieces.

    Children that were ever proposed are bred anew, and if breeding yields nothing but
    such children, random immigrants make up the next generation; none are left when the
    space is exhausted. The population advances when the last child is answered.

    Args:
        algorithm: pymoo's class of the genetic algorithm.
        blocks: bits of a scheme.
        objectives: costs of a scheme.
        population: schemes that survive a generation, and children a generation has.
        crossover_probability: of crossing two parents rather than copying them.
        mutation_probability: of mutating a child at all.
        flip_probability: of each bit of a mutated child to flip; None for 1/blocks.
        rng: source of pymoo's seed and of immigrants.
    """

    def __init__(
        self,
        algorithm: Callable[..., Any],
        *,
        blocks: int,
        objectives: int,
        population: int,
        crossover_probability: float,
        mutation_probability: float,
        flip_probability: float | None,
        rng: np.random.Generator,
    ) -> None:
        if flip_probability is None:
            flip_probability = 1 / blocks
        require_fraction(
            crossover_probability=crossover_probability,
            mutation_probability=mutation_probability,
            flip_probability=flip_probability,
        )
        self._blocks = blocks
        self._size = population
        self._rng = rng
        self._unseen = _Unseen()
        self._problem = Problem(n_var=blocks, n_obj=objectives, xl=False, xu=True, vtype=bool)
        self._algorithm = algorithm(
            pop_size=population,
            sampling=BinaryRandomSampling(),
            crossover=SinglePointCrossover(prob=crossover_probability),
            mutation=BitflipMutation(prob=mutation_probability, prob_var=flip_probability),
            eliminate_duplicates=self._unseen,
            output=None,
            seed=int(rng.integers(2**63)),
        )
        self._algorithm.setup(self._problem, termination=NoTermination())
        self._children: Any = Population.empty()
        self._costs: list[Float64[np.ndarray, " objectives"]] = []

    def ask(self, n: int) -> Schemes:
        """At most ``n`` children that wait for an answer."""
        if len(self._children) == 0:
            self._children = self._breed()
            self._unseen.remember(self._children)
        told = len(self._costs)
        children = self._children[told : told + n]
        return np.array([child.X for child in children], dtype=bool).reshape(-1, self._blocks)

    def tell(self, costs: Float64[np.ndarray, "n objectives"]) -> None:
        """Costs of the children last asked; infinite for failures."""
        self._costs.extend(costs)
        if len(self._costs) < len(self._children):
            return
        problem = StaticProblem(self._problem, F=np.array(self._costs))
        Evaluator().eval(problem, self._children)
        self._algorithm.tell(infills=self._children)
        self._children = Population.empty()
        self._costs = []

    def _breed(self) -> Any:
        children = self._algorithm.ask()
        if children is not None:
            return children
        # pymoo has marked itself as terminated; with immigrants it can go on.
        self._algorithm.termination.force_termination = False
        immigrants = draw_unseen(
            self._rng, count=self._size, blocks=self._blocks, seen=self._unseen.keys
        )
        return Population.new(X=immigrants)


class _Unseen(DuplicateElimination):  # type: ignore[misc]  # pymoo publishes no types
    """Drops children that were ever proposed; pymoo's own looks at the population only."""

    def __init__(self) -> None:
        super().__init__()
        self.keys: set[bytes] = set()

    def remember(self, population: Any) -> None:
        """These have been proposed."""
        self.keys.update(scheme_key(child.X) for child in population)

    def _do(
        self, pop: Any, other: Any, is_duplicate: Bool[np.ndarray, " n"]
    ) -> Bool[np.ndarray, " n"]:
        taken = set() if other is None else {scheme_key(individual.X) for individual in other}
        for index, child in enumerate(pop):
            key = scheme_key(child.X)
            is_duplicate[index] = key in taken or key in self.keys
            taken.add(key)
        return is_duplicate
