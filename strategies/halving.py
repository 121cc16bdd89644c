from fractions import Fraction
from typing import final

import numpy as np

from strategies._checks import require_positive
from strategies._unseen import draw_unseen, scheme_key
from strategies.base import FULL, Answers, Request, Schemes, SearchSpace, Strategy, StrategyError

_MOST = 1000
"""An answer on less than one in so many images can't be had."""


@final
class Halving(Strategy):
    """Many schemes on a few images, the best of them on more, the last on all: in brackets.

    Successive halving of Jamieson and Talwalkar, "Non-stochastic Best Arm Identification
    and Hyperparameter Optimization" (AISTATS 2016), in the brackets of Li et al.,
    "Hyperband: A Novel Bandit-Based Approach to Hyperparameter Optimization" (JMLR 2018).
    A bracket of s cuts draws random schemes and asks for them at fidelity 1/ηˢ; the best
    1/η of them go on to η times the fidelity, until the survivors have full answers.
    Brackets of ``cuts``, ``cuts`` - 1, … 0 cuts follow each other, each with as many
    schemes as cost about ``cuts`` + 1 evaluations, so that none has to know how many
    images it takes to tell schemes apart; then they begin again. Differing from Hyperband:
    the last brackets are cut to what the budget has left, so that each ends in a full
    answer, and no scheme is drawn once it has had one. The search finishes when every
    scheme has. A NaN answer ranks as the worst; of equals the first goes on.

    Args:
        space: what is searched.
        rng: the only source of randomness.
        eta: of so many schemes one goes on, to so many times as many images (η).
        cuts: of the longest bracket; its first answers are made on 1/ηᶜᵘᵗˢ of the images.
    """

    name = "halving"
    summary = "successive halving: many schemes on few images, the best on all"
    source = "Hyperband: A Novel Bandit-Based Approach to Hyperparameter Optimization"
    needs = ("scores", "fidelity")

    def __init__(
        self, space: SearchSpace, *, rng: np.random.Generator, eta: int = 3, cuts: int = 3
    ) -> None:
        super().__init__(space, rng=rng)
        require_positive(cuts=cuts)
        if eta < 2:  # noqa: PLR2004 - one of one would never be cut
            raise StrategyError(f"expected eta of at least 2, received {eta}")
        if eta**cuts > _MOST:
            raise StrategyError(
                f"expected eta to the power of cuts of at most {_MOST}, received {eta}^{cuts}"
            )
        self._eta = eta
        self._longest = cuts
        self._next_cuts = cuts
        self._answered: set[bytes] = set()
        self._cuts = 0
        self._waiting = self._none()
        self._asked = self._none()
        self._rewards: list[float] = []

    def ask(self, n: int) -> Request:
        if len(self._waiting) == 0:
            self._begin(n)
        fidelity = Fraction(1, self._eta**self._cuts)
        pieces = int(n / fidelity)
        piece, self._waiting = self._waiting[:pieces], self._waiting[pieces:]
        return Request(piece.copy(), fidelity)

    def tell(self, schemes: Schemes, answers: Answers) -> None:
        self._asked = np.concatenate([self._asked, schemes])
        self._rewards.extend(np.where(np.isnan(answers.reward), -np.inf, answers.reward).tolist())
        if answers.fidelity == FULL:
            self._answered.update(map(scheme_key, schemes))
        if len(self._waiting) == 0:
            self._cut()

    def _begin(self, n: int) -> None:
        """Draw the next bracket, which must not cost more than ``n`` evaluations."""
        self._cuts = min(self._next_cuts, n - 1)
        self._next_cuts = self._longest if self._next_cuts == 0 else self._next_cuts - 1
        rungs = self._cuts + 1
        # A survivor of s cuts costs one evaluation a rung.
        survivors = min(-(-(self._longest + 1) // rungs), n // rungs)
        count = survivors * self._eta**self._cuts
        self._waiting = draw_unseen(
            self.rng, count=count, blocks=self.space.blocks, seen=self._answered
        )
        self._asked, self._rewards = self._none(), []

    def _cut(self) -> None:
        """Let the best of a rung go on; after the last, end the bracket."""
        if self._cuts > 0:
            count = max(len(self._asked) // self._eta, 1)
            best = np.argsort(-np.array(self._rewards), kind="stable")[:count]
            self._waiting = self._asked[np.sort(best)]
            self._cuts -= 1
        self._asked, self._rewards = self._none(), []

    def _none(self) -> Schemes:
        return np.empty((0, self.space.blocks), dtype=bool)
