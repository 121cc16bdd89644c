"""The ledger of what a strategy is charged, whoever computes the answers.

What the machine really did is kept with the answers themselves (`Store.answer_seconds`).
"""

from dataclasses import dataclass
from fractions import Fraction

from benchmark.basics.errors import LaneError


@dataclass
class Ledger:
    """Counts evaluations; one = a forward pass of the whole validation split.

    Passes over parts of the split are charged as fractions, exactly.

    Attributes:
        budget: evaluations that may be charged.
        charged: evaluations charged so far.
    """

    budget: int
    charged: int | Fraction = 0

    @property
    def left(self) -> int:
        """Whole evaluations that may still be charged."""
        return int(self.budget - self.charged)

    def charge(self, evaluations: int | Fraction) -> None:
        """Charge ``evaluations``.

        Raises:
            LaneError: they exceed what the budget has left, or are less than none; nothing is
                charged.
        """
        left = self.budget - self.charged
        if not 0 <= evaluations <= left:
            raise LaneError(
                f"asked for {evaluations} evaluations with {left} of {self.budget} left"
            )
        self.charged += evaluations
