from typing import final

import numpy as np
from jaxtyping import Float64

from strategies._curious import CuriousReinforce
from strategies._reinforce import Experience


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

    replay = "clipped surrogate"

    def replay_advantage(self, past: Experience, baseline: float) -> Float64[np.ndarray, " n"]:
        bonuses = self._curiosity.bonus(past.schemes)
        return past.rewards + self._rnd_weight * bonuses - baseline
