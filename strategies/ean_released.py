from typing import final

import numpy as np
import torch
from jaxtyping import Bool, Float64
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


def scrambled(schemes: Bool[np.ndarray, "n blocks"]) -> Bool[np.ndarray, "n blocks"]:
    """The rows as the released code records them.

    It draws the first scheme alone and records it correctly. It draws the others
    together, block by block, and cuts that block-major list into rows without
    transposing it, so a row mixes several schemes and spans only some of the blocks.
    """
    others = schemes[1:]
    return np.concatenate([schemes[:1], others.T.reshape(others.shape)])


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


@final
class EANReleased(Strategy):
    """The search that the released code runs, defect by defect.

    From ``search_imagent/EAN_search.py`` of gbup-group/EAN-efficient-attention-network.
    What it does, and what the paper intends (`strategies.ean`):

    1. All recorded schemes but the first of a step are scrambled (`scrambled`). The
       paper replays the schemes that were drawn and scored.
    2. The curiosity networks see the scrambled rows too. The paper asks how new the
       drawn schemes are.
    3. The bonus is summed over the step and added to each of its schemes, so it ranks
       none of them. The paper gives each scheme its own.
    4. The baseline averages rewards with that common bonus: while the bonus decays the
       baseline lags above it and pushes down whatever is drawn. The paper has no
       baseline; `strategies.ean` needs one and shares the lag, not the common bonus.
    5. The replay ratio carries no gradient, so clipping reweighs log-probabilities
       the wrong way round (`reversed_clip`). PPO's clip stops the gradient.
    6. The minimum is taken once, of two totals. PPO takes it for each decision.
    7. A replayed advantage is the stored reward without bonus less today's baseline
       with bonus, hence too low. The paper replays the reward it learnt from.
    8. The controller's input is the zero vector, so its first weights never learn and
       only their biases act. The paper says "a constant vector".
    9. The bound 2.5·tanh(logits) is defined and never reached. Neither the paper nor
       `strategies.ean` has one.
    10. Rewards are accuracy and sparsity in percent less 54, about the authors'
        supernet accuracy. The paper's reward has no offset; as the baseline starts at
        the first mean, it cancels from every advantage.

    Schemes whose answer is NaN, which the released code could not meet, are left out.

    Args:
        space: what is searched.
        rng: the only source of randomness.
        schemes_per_step: schemes drawn and asked in a step.
        reward_scale: multiplies the oracle's reward; 100 for percent.
        reward_offset: subtracted from the scaled reward.
        temperature: divides the logits.
        learning_rate: of the controller's Adam and of the bonus predictor's.
        baseline_decay: weight of the past in the baseline.
        rnd_weight: weight of the curiosity bonus on the scaled reward.
        replay_weight: factor of the replay loss.
        replay_after: steps before the first replay.
        replay_capacity: steps the buffer keeps.
        clip: ε of the reversed clip.
    """

    name = "ean-released"
    summary = "the released EAN code with all its defects"
    source = "EAN-efficient-attention-network, the repository of the paper's authors"

    def __init__(
        self,
        space: SearchSpace,
        *,
        rng: np.random.Generator,
        schemes_per_step: int = 3,
        reward_scale: float = 100.0,
        reward_offset: float = 54.0,
        temperature: float = 5.0,
        learning_rate: float = 5e-2,
        baseline_decay: float = 0.95,
        rnd_weight: float = 1.0,
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
            clip=clip,
        )
        require_fraction(baseline_decay=baseline_decay)
        require_not_negative(rnd_weight=rnd_weight, replay_weight=replay_weight)
        controller_rng, curiosity_rng, replay_rng = rng.spawn(3)
        self._controller = Controller(
            blocks=space.blocks,
            constant=0.0,
            temperature=temperature,
            learning_rate=learning_rate,
            rng=controller_rng,
        )
        self._curiosity = Curiosity(
            blocks=space.blocks, learning_rate=learning_rate, rng=curiosity_rng
        )
        self._buffer = ReplayBuffer(replay_capacity, rng=replay_rng)
        self._baseline = MovingAverage(baseline_decay)
        self._schemes_per_step = schemes_per_step
        self._reward_scale = reward_scale
        self._reward_offset = reward_offset
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
        recorded = scrambled(schemes)
        rewards = self._reward_scale * answers.reward[answered] - self._reward_offset
        totals = rewards + self._rnd_weight * self._curiosity.observe(recorded).sum()
        baseline = self._baseline.update(float(totals.mean()))
        log_probability = self._controller.log_probability(schemes)
        self._controller.descend(reinforce_loss(log_probability, totals - baseline))
        self._buffer.add(Experience(recorded, rewards, log_probability.detach()))
        self._steps += 1
        if self._replay_weight > 0 and self._steps > self._replay_after:
            self._replay(baseline)

    def _replay(self, baseline: float) -> None:
        past = self._buffer.draw()
        objective = reversed_clip(
            self._controller.log_probability(past.schemes),
            past.log_probability,
            past.rewards - baseline,
            clip=self._clip,
        )
        self._controller.descend(-self._replay_weight * objective)
