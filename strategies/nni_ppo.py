from typing import final

import numpy as np

from strategies._checks import require_above_zero, require_positive
from strategies.base import Answers, Schemes, SearchSpace, Strategy


@final
class NNIPPO(Strategy):
    """NNI's reinforcement learning, in process: an outside comparator.

    ``nni.nas.strategy.PolicyBasedRL`` of Microsoft's NNI 3.0 without its execution engine:
    "Proximal Policy Optimization Algorithms" (Schulman et al., 2017) by tianshou, on NNI's
    LSTM that decides block after block. Not of "The Lottery Ticket Hypothesis for
    Self-attention in Convolutional Neural Network"; defaults are NNI's.

    A policy's schemes are asked together, up to its next update. A scheme may come again
    and is then paid for again; the search never finishes by itself. Failed answers are left
    out, as NNI leaves them out. It is slow: each update is hundreds of steps of Adam.
    Needs the extra ``nni``.

    Args:
        space: what is searched.
        rng: the only source of randomness.
        samples_per_update: schemes between updates of the policy.
        updates: of the policy each time, of five epochs each.
        learning_rate: of Adam.
        hidden: units of the LSTM.
    """

    name = "nni-ppo"
    summary = "proximal policy optimization (NNI) on an LSTM; extra nni"
    source = "Proximal Policy Optimization Algorithms"

    def __init__(
        self,
        space: SearchSpace,
        *,
        rng: np.random.Generator,
        samples_per_update: int = 20,
        updates: int = 5,
        learning_rate: float = 1e-4,
        hidden: int = 64,
    ) -> None:
        from strategies._nni import PpoController

        super().__init__(space, rng=rng)
        require_positive(samples_per_update=samples_per_update, updates=updates, hidden=hidden)
        require_above_zero(learning_rate=learning_rate)
        self._controller = PpoController(
            space.blocks,
            rng=rng,
            samples_per_update=samples_per_update,
            updates=updates,
            learning_rate=learning_rate,
            hidden=hidden,
        )

    def ask(self, n: int) -> Schemes:
        return self._controller.ask(min(n, self._controller.until_update))

    def tell(self, schemes: Schemes, answers: Answers) -> None:  # noqa: ARG002 - it knows what it asked
        self._controller.tell(answers.reward.tolist())
