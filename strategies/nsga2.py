from typing import final

import numpy as np
from pymoo.algorithms.moo import nsga2

from strategies._breeding import Breeder
from strategies._checks import require_positive
from strategies.base import Answers, Schemes, SearchSpace, Strategy


@final
class NSGA2(Strategy):
    """Accuracy against the number of connections, with no weight between them: pymoo's NSGA-II.

    Deb et al., "A Fast and Elitist Multiobjective Genetic Algorithm: NSGA-II" (2002), as
    Vidnerová and Neruda, "Multi-objective Evolution for Deep Neural Network Architecture
    Search" (2020), use it for accuracy against size; operators and their probabilities
    are those of `strategies.ga`. It spreads its budget over the whole front from the
    most accurate scheme to the emptiest, so at the one weight that rewards are made with
    it is expected to find less than searches that know the weight.

    As there, no scheme is asked twice, random immigrants follow when breeding yields
    nothing new, and the search finishes when the space is exhausted. A failed answer is
    dominated by every other.

    Args:
        space: what is searched.
        rng: the only source of randomness.
        population: schemes that survive a generation, and children a generation has.
        crossover_probability: of crossing two parents rather than copying them.
        mutation_probability: of mutating a child at all.
        flip_probability: of each bit of a mutated child to flip; None for 1/blocks.
    """

    name = "nsga2"
    summary = "genetic algorithm for accuracy against the number of connections"
    source = "A Fast and Elitist Multiobjective Genetic Algorithm: NSGA-II"

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
        self._breeder = Breeder(
            nsga2.NSGA2,
            blocks=space.blocks,
            objectives=2,
            population=population,
            crossover_probability=crossover_probability,
            mutation_probability=mutation_probability,
            flip_probability=flip_probability,
            rng=rng,
        )

    def ask(self, n: int) -> Schemes:
        return self._breeder.ask(n)

    def tell(self, schemes: Schemes, answers: Answers) -> None:
        costs = np.column_stack([-answers.accuracy, schemes.mean(axis=1)])
        costs[np.isnan(answers.accuracy)] = _WORST
        self._breeder.tell(costs)


_WORST = 1e9
"""Of a failed answer; finite, because crowding distances of infinities are undefined."""
