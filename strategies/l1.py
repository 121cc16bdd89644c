from typing import final

from strategies._importance import Pruning


@final
class L1(Pruning):
    """Keeps the attention modules with the largest absolute weights.

    The ℓ1 norm of Li et al., "Pruning Filters for Efficient ConvNets" (ICLR 2017), on SAMs.
    See `Pruning` for what of the comparison is the paper's.
    """

    name = "l1"
    summary = "keeps the attention modules with the largest sum of absolute weights"
    source = "Pruning Filters for Efficient ConvNets"
    kind = "l1"
