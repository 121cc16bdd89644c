from typing import final

from strategies._importance import Pruning


@final
class GM(Pruning):
    """Keeps the attention modules whose filters are farthest from each other.

    FPGM of He et al., "Filter Pruning via Geometric Median for Deep Convolutional Neural
    Networks Acceleration" (CVPR 2019), on SAMs: a filter counts with the sum of its
    distances to the others of its layer, which grows with their number, so wide late stages
    win unless ``scale`` says otherwise.
    See `Pruning` for what of the comparison is the paper's.
    """

    name = "gm"
    summary = "keeps the attention modules whose filters are farthest from their geometric median"
    source = (
        "Filter Pruning via Geometric Median for Deep Convolutional Neural Networks Acceleration"
    )
    kind = "gm"
