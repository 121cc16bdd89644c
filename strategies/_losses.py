"""Losses of policy-gradient searches, in torch: what they climb or descend."""

from collections.abc import Callable, Mapping

import numpy as np
import torch
from jaxtyping import Float64
from torch import Tensor

from strategies._networks import column
from strategies._reinforce import Replay


def reinforce_loss(
    log_probability: Float64[Tensor, "n blocks"], advantage: Float64[np.ndarray, " n"]
) -> Float64[Tensor, ""]:
    """Score-function loss: mean over schemes, sum over their decisions."""
    return -(log_probability * column(advantage)).sum(dim=1).mean()


def clipped_surrogate(
    log_probability: Float64[Tensor, "n blocks"],
    old_log_probability: Float64[Tensor, "n blocks"],
    advantage: Float64[np.ndarray, " n"],
    *,
    clip: float,
) -> Float64[Tensor, ""]:
    """PPO's objective min(r·A, clip(r, 1-ε, 1+ε)·A): mean over schemes, sum over decisions.

    Each block has its own ratio r and its scheme's advantage A. The product of the
    ratios, which treats a scheme as one action, leaves the clip interval within a step
    or two when tens of blocks move together, and then teaches nothing.
    """
    ratio = (log_probability - old_log_probability).exp()
    bounded = ratio.clamp(1 - clip, 1 + clip)
    gain = column(advantage)
    return torch.minimum(ratio * gain, bounded * gain).sum(dim=1).mean()


def reversed_clip(
    log_probability: Float64[Tensor, "n blocks"],
    old_log_probability: Float64[Tensor, "n blocks"],
    advantage: Float64[np.ndarray, " n"],
    *,
    clip: float,
) -> Float64[Tensor, ""]:
    """The released replay objective, where the ratio only weighs log-probabilities.

    Log-probabilities are negative, so the minimum picks the unclipped total where PPO
    would clip and the clipped one where PPO would not; neither ever stops the gradient.
    """
    ratio = (log_probability.detach() - old_log_probability).exp()
    weighted = log_probability * column(advantage)
    plain = (ratio * weighted).sum(dim=1).mean()
    clipped = (ratio.clamp(1 - clip, 1 + clip) * weighted).sum(dim=1).mean()
    return torch.minimum(plain, clipped)


REPLAYS: Mapping[Replay, Callable[..., Float64[Tensor, ""]]] = {
    "clipped surrogate": clipped_surrogate,
    "reversed clip": reversed_clip,
}
"""What replaying a remembered step climbs, by name."""
