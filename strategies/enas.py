from contextlib import AbstractContextManager
from typing import final

import numpy as np
from jaxtyping import Float64
from threadpoolctl import ThreadpoolController

from strategies._checks import (
    require_above_zero,
    require_fraction,
    require_positive,
)
from strategies._recurrent import RecurrentController
from strategies._reinforce import MovingAverage
from strategies.base import Answers, Schemes, SearchSpace, Strategy

_HIDDEN = 100


@final
class ENAS(Strategy):
    """The sequential controller of ENAS on the frozen supernet.

    "Efficient Neural Architecture Search via Parameter Sharing" (Pham et al., 2018),
    as a baseline of "The Lottery Ticket Hypothesis for Self-attention in Convolutional
    Neural Network", whose authors published neither code nor settings for it. An LSTM
    of 100 units decides block after block; REINFORCE against a moving-average baseline.

    Stated by the second paper: the reward is accuracy on the supernet, and the mean
    probability of the sampled decisions passes 0.95 at about the 40th step and prints
    as 1.00 from the 80th (its Table V). Read from released code (carpedm20/ENAS-pytorch,
    which the authors thank): 100 units, weights from U(±0.1), temperature 5, baseline
    decay 0.95, entropy in nats with weight 1e-4 added to the reward. Inferred, as only
    this reproduces Table V: one decoder shared by all steps, no tanh bound on the
    logits (2.5·tanh would cap the probability at 0.993), percent-scaled rewards, three
    schemes a step as in EAN, and a learning rate of at least 3.5e-3, ten times the
    released one. Not ENAS's: the reward counts unconnected blocks, as every strategy's
    does here. Schemes whose answer is NaN are left out of every update.

    Args:
        space: what is searched.
        rng: the only source of randomness.
        schemes_per_step: schemes drawn and asked in a step.
        reward_scale: multiplies the oracle's reward; 100 for percent.
        temperature: divides the logits.
        learning_rate: of the controller's Adam.
        baseline_decay: weight of the past in the baseline.
        entropy_weight: reward for each nat of the policy's entropy along a scheme.
    """

    name = "enas"
    summary = "policy gradient on an LSTM that decides block after block"
    source = "Efficient Neural Architecture Search via Parameter Sharing"

    def __init__(
        self,
        space: SearchSpace,
        *,
        rng: np.random.Generator,
        schemes_per_step: int = 3,
        reward_scale: float = 100.0,
        temperature: float = 5.0,
        learning_rate: float = 3.5e-3,
        baseline_decay: float = 0.95,
        entropy_weight: float = 1e-4,
    ) -> None:
        super().__init__(space, rng=rng)
        require_positive(schemes_per_step=schemes_per_step)
        require_above_zero(
            reward_scale=reward_scale, temperature=temperature, learning_rate=learning_rate
        )
        require_fraction(baseline_decay=baseline_decay)
        self._controller = RecurrentController(
            hidden=_HIDDEN,
            temperature=temperature,
            learning_rate=learning_rate,
            rng=rng.spawn(1)[0],
        )
        # More threads would sum in another order, and take longer over products as small as these.
        self._threads = ThreadpoolController()
        self._baseline = MovingAverage(baseline_decay)
        self._schemes_per_step = schemes_per_step
        self._reward_scale = reward_scale
        self._entropy_weight = entropy_weight

    def ask(self, n: int) -> Schemes:
        count = min(n, self._schemes_per_step)
        with self._one_thread():
            return self._controller.sample(count, blocks=self.space.blocks, rng=self.rng)

    def tell(self, schemes: Schemes, answers: Answers) -> None:
        answered = np.isfinite(answers.reward)
        if not answered.any():
            return
        with self._one_thread():
            self._learn(schemes[answered], answers.reward[answered])

    def _learn(self, schemes: Schemes, rewards: Float64[np.ndarray, " n"]) -> None:
        walk = self._controller.walk(schemes)
        log_policy = walk.log_policy
        policy = np.exp(log_policy)
        entropy = -(policy * log_policy).sum(axis=(1, 2))
        totals = self._reward_scale * rewards + self._entropy_weight * entropy
        advantage = totals - self._baseline.update(float(totals.mean()))
        # REINFORCE: the loss is minus the mean over schemes of advantage times log-probability.
        slopes = advantage[:, None] * (policy[:, :, 1] - schemes) / len(schemes)
        self._controller.descend(walk, slopes)

    def _one_thread(self) -> AbstractContextManager[object]:
        context: AbstractContextManager[object] = self._threads.limit(limits=1, user_api="blas")
        return context
