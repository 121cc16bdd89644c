"""What pymoo's genetic algorithms have in common behind our ask and tell."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

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

from strategies._checks import require_fraction, require_positive
from strategies._unseen import draw_unseen, scheme_key
from strategies.base import Answers, Schemes, SearchSpace, Strategy


class Breeding(Strategy, ABC):
    """Generations of schemes that nobody has proposed, handed out in pieces.

    No scheme is asked twice: children that were ever proposed are bred anew, and if
    breeding yields nothing but such children, random immigrants that nobody has seen
    make up the next generation. The search finishes when the space is exhausted. A
    generation longer than what may be asked is handed out in pieces; the population
    advances when its last answer is in.

    Args:
        space: what is searched.
        rng: source of pymoo's seed and of immigrants.
        population: schemes that survive a generation, and children a generation has.
        crossover_probability: of crossing two parents rather than copying them.
        mutation_probability: of mutating a child at all.
        flip_probability: of each bit of a mutated child to flip; None for 1/blocks.
    """

    algorithm: ClassVar[type]
    """Class of pymoo's algorithm that breeds, such as ``GA``."""
    objectives: ClassVar[int]
    """How many costs a scheme has, all to be minimised."""

    def __init__(
        self,
        space: SearchSpace,
        *,
        rng: np.random.Generator,
        population: int = 30,
        crossover_probability: float = 0.6,
        mutation_probability: float = 0.2,
        flip_probability: float | None = None,
    ) -> None:
        super().__init__(space, rng=rng)
        require_positive(population=population)
        if flip_probability is None:
            flip_probability = 1 / space.blocks
        require_fraction(
            crossover_probability=crossover_probability,
            mutation_probability=mutation_probability,
            flip_probability=flip_probability,
        )
        self._size = population
        self._unseen = _Unseen()
        self._problem = Problem(
            n_var=space.blocks, n_obj=self.objectives, xl=False, xu=True, vtype=bool
        )
        self._breeder = self.algorithm(
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
        self._costs: list[Float64[np.ndarray, " objectives"]] = []

    @abstractmethod
    def costs(self, schemes: Schemes, answers: Answers) -> Float64[np.ndarray, "n objectives"]:
        """What is to be minimised; more than any other cost for failures."""

    def ask(self, n: int) -> Schemes:
        if len(self._children) == 0:
            self._children = self._breed()
            self._unseen.remember(self._children)
        told = len(self._costs)
        children = self._children[told : told + n]
        return np.array([child.X for child in children], dtype=bool).reshape(-1, self.space.blocks)

    def tell(self, schemes: Schemes, answers: Answers) -> None:
        self._costs.extend(self.costs(schemes, answers))
        if len(self._costs) < len(self._children):
            return
        problem = StaticProblem(self._problem, F=np.array(self._costs))
        Evaluator().eval(problem, self._children)
        self._breeder.tell(infills=self._children)
        self._children = Population.empty()
        self._costs = []

    def _breed(self) -> Any:
        children = self._breeder.ask()
        if children is not None:
            return children
        # pymoo has marked itself as terminated; with immigrants it can go on.
        self._breeder.termination.force_termination = False
        immigrants = draw_unseen(
            self.rng, count=self._size, blocks=self.space.blocks, seen=self._unseen.keys
        )
        return Population.new(X=immigrants)


class _Unseen(DuplicateElimination):  # type: ignore[misc]  # pymoo publishes no types
    """Drops children that were ever proposed; pymoo's own looks at the population only."""

    def __init__(self) -> None:
        super().__init__()
        self.keys: set[bytes] = set()

    def remember(self, population: Any) -> None:
        """Never propose these individuals' schemes again."""
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
