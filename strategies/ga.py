from typing import final

import numpy as np
from jaxtyping import Float64

from strategies._breeding import Breeding
from strategies.base import Answers, Schemes


@final
class GA(Breeding):
    """A genetic algorithm on bit strings: pymoo's, through its own ask and tell.

    The baseline that "The Lottery Ticket Hypothesis for Self-attention in Convolutional
    Neural Network" takes from Vidnerová and Neruda, "Multi-objective Evolution for Deep
    Neural Network Architecture Search" (2020); its own settings are not stated. From
    their released code: population 30, one-point crossover with probability 0.6,
    mutation of a child with probability 0.2. Adapted to bits: a mutated child has each
    bit flipped with probability 1/blocks. Parents are chosen by binary tournament, the
    best of parents and children survive.

    See `Breeding` for generations and immigrants. A NaN answer ranks as the worst.
    """

    name = "ga"
    summary = "genetic algorithm with one-point crossover and bit flips"
    source = "Multi-objective Evolution for Deep Neural Network Architecture Search"
    algorithm = "pymoo.algorithms.soo.nonconvex.ga:GA"
    objectives = 1

    def costs(self, schemes: Schemes, answers: Answers) -> Float64[np.ndarray, "n objectives"]:  # noqa: ARG002 - the reward says it all
        cost = np.where(np.isnan(answers.reward), np.inf, -answers.reward)
        column: Float64[np.ndarray, "n objectives"] = cost[:, None]
        return column
