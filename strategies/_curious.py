"""What the paper's search and its released code have in common."""

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np
from jaxtyping import Float64

from strategies._checks import (
    require_above_zero,
    require_fraction,
    require_not_negative,
    require_positive,
)
from strategies._reinforce import Experience, MovingAverage, Replay, ReplayBuffer
from strategies.base import Answers, Schemes, SearchSpace, Strategy


class CuriousReinforce(Strategy, ABC):
    """REINFORCE with a curiosity bonus and replay.

    A fully connected controller maps a constant vector to one connect probability a block.
    A step draws schemes, adds a bonus of random network distillation to their rewards and
    follows the policy gradient against a moving-average baseline. Once there were
    ``replay_after`` steps, each also replays one remembered step. Schemes whose answer is
    NaN are left out of every update.

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
        clip: ε of the replay's clip.
    """

    constant: ClassVar[float]
    """Every entry of the controller's input."""
    reward_offset: ClassVar[float] = 0.0
    """Subtracted from the scaled reward."""
    replay: ClassVar[Replay]
    """What replaying a remembered step climbs."""

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
        from strategies._controller import Controller
        from strategies._curiosity import Curiosity

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
            constant=self.constant,
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

    def recorded(self, schemes: Schemes) -> Schemes:
        """The schemes that curiosity sees and the buffer keeps of those that were drawn."""
        return schemes

    def credited(self, bonuses: Float64[np.ndarray, " n"]) -> Float64[np.ndarray, " n"]:
        """Each drawn scheme's bonus, given the curiosity about each recorded one."""
        return bonuses

    @abstractmethod
    def replay_advantage(self, past: Experience, baseline: float) -> Float64[np.ndarray, " n"]:
        """How much better than usual each scheme of a remembered step counts when it is replayed.

        Args:
            past: the step.
            baseline: the present one.
        """

    def ask(self, n: int) -> Schemes:
        return self._controller.sample(min(n, self._schemes_per_step), self.rng)

    def tell(self, schemes: Schemes, answers: Answers) -> None:
        answered = np.isfinite(answers.reward)
        if not answered.any():
            return
        schemes = schemes[answered]
        recorded = self.recorded(schemes)
        rewards = self._reward_scale * answers.reward[answered] - self.reward_offset
        bonuses = self.credited(self._curiosity.observe(recorded))
        totals = rewards + self._rnd_weight * bonuses
        baseline = self._baseline.update(float(totals.mean()))
        log_probability = self._controller.reinforce(schemes, totals - baseline)
        self._buffer.add(Experience(recorded, rewards, log_probability))
        self._steps += 1
        if self._replay_weight > 0 and self._steps > self._replay_after:
            past = self._buffer.draw()
            self._controller.climb(
                self.replay,
                past,
                self.replay_advantage(past, baseline),
                clip=self._clip,
                weight=self._replay_weight,
            )
