from typing import final

import numpy as np

from strategies._checks import require_above_zero, require_positive
from strategies.base import Answers, Schemes, SearchSpace, Strategy


@final
class NNITPE(Strategy):
    """NNI's tree-structured Parzen estimator, in process: an outside comparator.

    ``TpeTuner`` of Microsoft's NNI 3.0 with a categorical variable a block, after Bergstra
    et al., "Algorithms for Hyper-Parameter Optimization" (NeurIPS 2011). Unlike Optuna's in
    `tpe` it models each block alone. Not of "The Lottery Ticket Hypothesis for
    Self-attention in Convolutional Neural Network"; defaults are NNI's.

    Schemes are asked one by one, and none twice: NNI turns a repetition into the first
    scheme of a grid that is new. The search finishes when the space is exhausted. A failed
    answer is a failed trial. Needs the extra ``nni``.

    Args:
        space: what is searched.
        rng: the only source of randomness.
        startup: random schemes before the estimator is used.
        candidates: draws from the density of good schemes among which the best is asked.
        gamma: how many trials count as good, in units of the square root of their number.
    """

    name = "nni-tpe"
    summary = "tree-structured Parzen estimator (NNI), block by block; extra nni"
    source = "Algorithms for Hyper-Parameter Optimization"

    def __init__(
        self,
        space: SearchSpace,
        *,
        rng: np.random.Generator,
        startup: int = 20,
        candidates: int = 24,
        gamma: float = 0.25,
    ) -> None:
        from strategies._nni import TpeTuner

        super().__init__(space, rng=rng)
        require_positive(startup=startup, candidates=candidates)
        require_above_zero(gamma=gamma)
        self._tuner = TpeTuner(
            space.blocks,
            seed=int(rng.integers(2**31)),
            arguments={
                "n_startup_jobs": startup,
                "n_ei_candidates": candidates,
                "gamma": gamma,
            },
        )

    def ask(self, n: int) -> Schemes:  # noqa: ARG002 - each answer decides the next question
        return self._tuner.ask()

    def tell(self, schemes: Schemes, answers: Answers) -> None:  # noqa: ARG002 - it knows what it asked
        self._tuner.tell(float(answers.reward[0]))
