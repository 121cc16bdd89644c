"""What genetic algorithms have in common behind our ask and tell; `strategies._pymoo` breeds."""

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np
from jaxtyping import Float64

from strategies._checks import require_fraction, require_positive
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

    algorithm: ClassVar[str]
    """Module of pymoo and class of its algorithm that breeds, ``module:Class``."""
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
        from strategies._pymoo import Generations

        super().__init__(space, rng=rng)
        require_positive(population=population)
        if flip_probability is None:
            flip_probability = 1 / space.blocks
        require_fraction(
            crossover_probability=crossover_probability,
            mutation_probability=mutation_probability,
            flip_probability=flip_probability,
        )
        self._generations = Generations(
            self.algorithm,
            space.blocks,
            objectives=self.objectives,
            rng=rng,
            population=population,
            crossover_probability=crossover_probability,
            mutation_probability=mutation_probability,
            flip_probability=flip_probability,
        )
        self._children: Schemes = np.empty((0, space.blocks), dtype=bool)
        self._costs: list[Float64[np.ndarray, " objectives"]] = []

    @abstractmethod
    def costs(self, schemes: Schemes, answers: Answers) -> Float64[np.ndarray, "n objectives"]:
        """What is to be minimised; more than any other cost for failures."""

    def ask(self, n: int) -> Schemes:
        if len(self._children) == 0:
            self._children = self._generations.breed()
        told = len(self._costs)
        return self._children[told : told + n]

    def tell(self, schemes: Schemes, answers: Answers) -> None:
        self._costs.extend(self.costs(schemes, answers))
        if len(self._costs) < len(self._children):
            return
        self._generations.select(np.array(self._costs))
        self._children = self._children[:0]
        self._costs = []
