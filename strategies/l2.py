from typing import final

from strategies._importance import Pruning


@final
class L2(Pruning):
    """Keeps the attention modules whose weights have the largest Euclidean norm.

    The ℓ2 norm of He et al., "Soft Filter Pruning for Accelerating Deep Convolutional Neural
    Networks" (IJCAI 2018), on SAMs.
    See `Pruning` for what of the comparison is the paper's.
    """

    name = "l2"
    summary = "keeps the attention modules whose weights have the largest Euclidean norm"
    source = "Soft Filter Pruning for Accelerating Deep Convolutional Neural Networks"
    kind = "l2"
