from typing import final

import numpy as np
from jaxtyping import Float64

from strategies._breeding import Breeding
from strategies.base import Answers, Schemes


@final
class NSGA2(Breeding):
    """Accuracy against the number of connections, with no weight between them: pymoo's NSGA-II.

    Deb et al., "A Fast and Elitist Multiobjective Genetic Algorithm: NSGA-II" (2002), as
    Vidnerová and Neruda, "Multi-objective Evolution for Deep Neural Network Architecture
    Search" (2020), use it for accuracy against size; operators and their probabilities
    are those of `strategies.ga`. It spreads its budget over the whole front from the
    most accurate scheme to the emptiest, so at the one weight that rewards are made with
    it is expected to find less than searches that know the weight.

    See `Breeding` for generations and immigrants. A failed answer is dominated by every other.
    """

    name = "nsga2"
    summary = "genetic algorithm for accuracy against the number of connections"
    source = "A Fast and Elitist Multiobjective Genetic Algorithm: NSGA-II"
    algorithm = "pymoo.algorithms.moo.nsga2:NSGA2"
    objectives = 2

    def costs(self, schemes: Schemes, answers: Answers) -> Float64[np.ndarray, "n objectives"]:
        costs: Float64[np.ndarray, "n objectives"]
        costs = np.column_stack([-answers.accuracy, schemes.mean(axis=1)])
        costs[np.isnan(answers.accuracy)] = _WORST
        return costs


_WORST = 1e9
"""Cost of a failed answer; finite, as crowding distances of infinities are undefined."""
