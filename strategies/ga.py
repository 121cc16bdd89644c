from typing import final

import numpy as np
from pymoo.algorithms.soo.nonconvex import ga

from strategies._breeding import Breeder
from strategies._checks import require_positive
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
        self._breeder = Breeder(
            ga.GA,
            blocks=space.blocks,
            objectives=1,
            population=population,
            crossover_probability=crossover_probability,
            mutation_probability=mutation_probability,
            flip_probability=flip_probability,
            rng=rng,
        )

    def ask(self, n: int) -> Schemes:
        return self._breeder.ask(n)

    def tell(self, schemes: Schemes, answers: Answers) -> None:  # noqa: ARG002 - they are the children
        cost = np.where(np.isnan(answers.reward), np.inf, -answers.reward)
        self._breeder.tell(cost[:, None])
