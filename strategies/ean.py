from typing import final

import numpy as np
import torch
from jaxtyping import Float64
from torch import Tensor

from strategies._curious import CuriousReinforce
from strategies._networks import column
from strategies._reinforce import Experience


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


@final
class EAN(CuriousReinforce):
    """The paper's search as its text intends it: REINFORCE, curiosity and replay.

    "The Lottery Ticket Hypothesis for Self-attention in Convolutional Neural Network"
    (Huang et al., 2022). See `CuriousReinforce` for a step: here each scheme's reward gets
    that scheme's own bonus, and a step is replayed through PPO's clipped objective. Replayed
    schemes are credited as of today, with their curiosity bonus and the baseline of the
    moment, because a stored bonus would reward a novelty that has since worn off.

    Defaults are those of the released code where it agrees with the text; see
    `strategies.ean_released` for where it does not. The text's momentum SGD collapsed
    in trials of the released settings, so Adam, which the code uses, is kept. The text
    leaves the constant vector open; a long one multiplies Adam's step, and with entries
    of one the policy settled before it had learnt.
    """

    name = "ean"
    summary = "policy gradient with curiosity and replay, as the paper intends it"
    source = "The Lottery Ticket Hypothesis for Self-attention in Convolutional Neural Network"
    constant = 1 / 20
    """The 20 inputs sum to one: Adam then moves a hidden unit as far by weights as by its bias."""

    def replay_objective(
        self, log_probability: Float64[Tensor, "n blocks"], past: Experience, baseline: float
    ) -> Float64[Tensor, ""]:
        totals = past.rewards + self._rnd_weight * self._curiosity.bonus(past.schemes)
        return clipped_surrogate(
            log_probability, past.log_probability, totals - baseline, clip=self._clip
        )
