from typing import final

import numpy as np

from strategies._importance import Pruning, Scale, Source
from strategies.base import SearchSpace


@final
class L2(Pruning):
    """Keeps the attention modules whose weights have the largest Euclidean norm.

    The ℓ2 norm of He et al., "Soft Filter Pruning for Accelerating Deep Convolutional Neural
    Networks" (IJCAI 2018), on SAMs.
    "The Lottery Ticket Hypothesis for Self-attention in Convolutional Neural Network"
    compares with such a pruning. Stated by the paper: SAMs are kept by the weights of the
    supernet, at the retain probabilities 0.2, 0.5 and 0.8. Inferred from its Table I: the
    ⌊p · blocks⌋ most important are kept, and importance is a sum over a whole SAM, not a
    mean, since late stages win. Chosen here: linear layers count without their biases; a
    SAM without any (SGE) counts by its scales and shifts. The seed changes nothing.

    Args:
        space: what is searched.
        rng: not used.
        ratios: fractions of SAMs to keep, one scheme each, separated by commas.
        scale: ``sum`` over a SAM; ``mean`` over its layers of the mean over filters, as
            NNI's per-layer scores are put together; or ``stage``, the sum over the mean
            sum of its stage, so that stages compete on equal terms.
        scores: ``own``, or ``nni``: sums of what NNI's pruner of this kind gives each
            filter (extra ``nni``). They agree but for rounding.
    """

    name = "l2"
    summary = "keeps the attention modules whose weights have the largest Euclidean norm"
    source = "Soft Filter Pruning for Accelerating Deep Convolutional Neural Networks"
    kind = "l2"

    def __init__(
        self,
        space: SearchSpace,
        *,
        rng: np.random.Generator,
        ratios: str = "0.2,0.5,0.8",
        scale: Scale = "sum",
        scores: Source = "own",
    ) -> None:
        super().__init__(space, rng=rng, ratios=ratios, scale=scale, scores=scores)
