from typing import final

import numpy as np
import torch
from jaxtyping import Float64
from torch import Tensor

from strategies._checks import (
    require_above_zero,
    require_fraction,
    require_not_negative,
    require_positive,
)
from strategies._controller import Controller
from strategies._curiosity import Curiosity
from strategies._networks import column
from strategies._reinforce import Experience, MovingAverage, ReplayBuffer, reinforce_loss
from strategies.base import Answers, Schemes, SearchSpace, Strategy

_CONSTANT = 1 / 20
"""The 20 inputs sum to one: Adam then moves a hidden unit as far by its weights as by its bias."""


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
class EAN(Strategy):
    """The paper's search as its text intends it: REINFORCE, curiosity and replay.

    "The Lottery Ticket Hypothesis for Self-attention in Convolutional Neural Network"
    (Huang et al., 2022). A fully connected controller maps a constant vector to one
    connect probability a block. A step draws schemes, adds to each reward that
    scheme's own random-network-distillation bonus, and follows the policy gradient
    against a moving-average baseline. From the eleventh step on, each step also
    replays one remembered step through PPO's clipped objective. Replayed schemes are
    credited as of today, with their curiosity bonus and the baseline of the moment,
    because a stored bonus would reward a novelty that has since worn off.

    Defaults are those of the released code where it agrees with the text; see
    `strategies.ean_released` for where it does not. The text's momentum SGD collapsed
    in trials of the released settings, so Adam, which the code uses, is kept. The text
    leaves the constant vector open; a long one multiplies Adam's step, and with entries
    of one the policy settled before it had learnt. Schemes whose answer is NaN are left
    out of every update.

    Args:
        space: what is searched.
        rng: the only source of randomness.
        schemes_per_step: schemes drawn and asked in a step.
        reward_scale: multiplies the oracle's reward; 100 gives the percent scale on
            which the released code weighs accuracy, sparsity and curiosity 1 : 2 : 1.
        temperature: divides the logits.
        learning_rate: of the controller's Adam.
        baseline_decay: weight of the past in the baseline.
        rnd_weight: weight of the curiosity bonus on the scaled reward; 0 turns it off.
        rnd_learning_rate: of the Adam of the bonus's predictor.
        replay_weight: factor of the replay loss; 0 turns replay off.
        replay_after: steps before the first replay.
        replay_capacity: steps the buffer keeps.
        clip: ε of PPO's clip.
    """

    name = "ean"
    summary = "policy gradient with curiosity and replay, as the paper intends it"
    source = "The Lottery Ticket Hypothesis for Self-attention in Convolutional Neural Network"

    def __init__(
        self,
        space: SearchSpace,
        *,
        rng: np.random.Generator,
        schemes_per_step: int = 3,
        reward_scale: float = 100.0,
        temperature: float = 5.0,
        learning_rate: float = 5e-2,
        baseline_decay: float = 0.95,
        rnd_weight: float = 1.0,
        rnd_learning_rate: float = 5e-2,
        replay_weight: float = 0.1,
        replay_after: int = 10,
        replay_capacity: int = 30,
        clip: float = 0.1,
    ) -> None:
        super().__init__(space, rng=rng)
        require_positive(schemes_per_step=schemes_per_step, replay_capacity=replay_capacity)
        require_above_zero(
            reward_scale=reward_scale,
            temperature=temperature,
            learning_rate=learning_rate,
            rnd_learning_rate=rnd_learning_rate,
            clip=clip,
        )
        require_fraction(baseline_decay=baseline_decay)
        require_not_negative(rnd_weight=rnd_weight, replay_weight=replay_weight)
        # A stream for each part: turning one off leaves the draws of the others alone.
        controller_rng, curiosity_rng, replay_rng = rng.spawn(3)
        self._controller = Controller(
            blocks=space.blocks,
            constant=_CONSTANT,
            temperature=temperature,
            learning_rate=learning_rate,
            rng=controller_rng,
        )
        self._curiosity = Curiosity(
            blocks=space.blocks, learning_rate=rnd_learning_rate, rng=curiosity_rng
        )
        self._buffer = ReplayBuffer(replay_capacity, rng=replay_rng)
        self._baseline = MovingAverage(baseline_decay)
        self._schemes_per_step = schemes_per_step
        self._reward_scale = reward_scale
        self._rnd_weight = rnd_weight
        self._replay_weight = replay_weight
        self._replay_after = replay_after
        self._clip = clip
        self._steps = 0

    def ask(self, n: int) -> Schemes:
        return self._controller.sample(min(n, self._schemes_per_step), self.rng)

    def tell(self, schemes: Schemes, answers: Answers) -> None:
        answered = np.isfinite(answers.reward)
        if not answered.any():
            return
        schemes = schemes[answered]
        rewards = self._reward_scale * answers.reward[answered]
        totals = rewards + self._rnd_weight * self._curiosity.observe(schemes)
        baseline = self._baseline.update(float(totals.mean()))
        log_probability = self._controller.log_probability(schemes)
        self._controller.descend(reinforce_loss(log_probability, totals - baseline))
        self._buffer.add(Experience(schemes, rewards, log_probability.detach()))
        self._steps += 1
        if self._replay_weight > 0 and self._steps > self._replay_after:
            self._replay(baseline)

    def _replay(self, baseline: float) -> None:
        past = self._buffer.draw()
        totals = past.rewards + self._rnd_weight * self._curiosity.bonus(past.schemes)
        objective = clipped_surrogate(
            self._controller.log_probability(past.schemes),
            past.log_probability,
            totals - baseline,
            clip=self._clip,
        )
        self._controller.descend(-self._replay_weight * objective)
