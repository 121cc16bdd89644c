from typing import Any, final

import numpy as np
from jaxtyping import Bool
from pymoo.algorithms.soo.nonconvex import ga
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


@final
class GA(Strategy):
    """A genetic algorithm on bit strings: pymoo's, through its own ask and tell.

    The baseline that "The Lottery Ticket Hypothesis for Self-attention in Convolutional
    Neural Network" takes from Vidnerová and Neruda, "Multi-objective Evolution for Deep
    Neural Network Architecture Search" (2020); its own settings are not stated. From
    their released code: population 30, one-point crossover with probability 0.6,
    mutation of a child with probability 0.2. Adapted to bits: a mutated child has each
    bit flipped with probability 1/blocks. Parents are chosen by binary tournament, the
    best of parents and children survive.

    No scheme is asked twice: children that were ever proposed are bred anew, and if
    breeding yields nothing but such children, random immigrants that nobody has seen
    make up the next generation. The search finishes when the space is exhausted. A
    generation longer than what may be asked is handed out in pieces; the population
    advances when its last answer is in. A NaN answer ranks as the worst.

    Args:
        space: what is searched.
        rng: the only source of randomness.
        population: schemes that survive a generation, and children a generation has.
        crossover_probability: of crossing two parents rather than copying them.
        mutation_probability: of mutating a child at all.
        flip_probability: of each bit of a mutated child to flip; None for 1/blocks.
    """

    name = "ga"
    summary = "genetic algorithm with one-point crossover and bit flips"
    source = "Multi-objective Evolution for Deep Neural Network Architecture Search"

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
        self._unseen = _Unseen()
        self._population = population
        self._problem = Problem(n_var=space.blocks, n_obj=1, xl=False, xu=True, vtype=bool)
        self._algorithm = ga.GA(
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
        self._rewards: list[float] = []

    def ask(self, n: int) -> Schemes:
        if len(self._children) == 0:
            self._children = self._breed()
            self._unseen.remember(self._children)
        told = len(self._rewards)
        return _schemes(self._children[told : told + n], self.space.blocks)

    def tell(self, schemes: Schemes, answers: Answers) -> None:  # noqa: ARG002 - they are the children
        self._rewards.extend(answers.reward)
        if len(self._rewards) < len(self._children):
            return
        cost = np.where(np.isnan(self._rewards), np.inf, np.negative(self._rewards))
        Evaluator().eval(StaticProblem(self._problem, F=cost[:, None]), self._children)
        self._algorithm.tell(infills=self._children)
        self._children = Population.empty()
        self._rewards = []

    def _breed(self) -> Any:
        children = self._algorithm.ask()
        if children is not None:
            return children
        # pymoo has marked itself as terminated; with immigrants it can go on.
        self._algorithm.termination.force_termination = False
        immigrants = draw_unseen(
            self.rng,
            count=self._population,
            blocks=self.space.blocks,
            seen=self._unseen.keys,
        )
        return Population.new(X=immigrants)


def _schemes(population: Any, blocks: int) -> Schemes:
    return np.array([child.X for child in population], dtype=bool).reshape(-1, blocks)


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
