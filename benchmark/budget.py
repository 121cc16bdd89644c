"""The ledger of what a strategy is charged, whoever computes the answers.

What the machine really did is kept with the answers themselves (`Store.answer_seconds`).
"""

from dataclasses import dataclass

from benchmark.errors import LaneError


@dataclass
class Ledger:
    """Counts evaluations; one = a forward pass of the whole validation split.

    Attributes:
        budget: evaluations that may be charged.
        charged: evaluations charged so far.
    """

    budget: int
    charged: int = 0

    @property
    def left(self) -> int:
        """Evaluations that may still be charged."""
        return self.budget - self.charged

    def charge(self, evaluations: int) -> None:
        """Charge ``evaluations``.

        Raises:
            LaneError: they exceed what the budget has left; nothing is charged.
        """
        if evaluations > self.left:
            raise LaneError(
                f"asked for {evaluations} evaluations with {self.left} of {self.budget} left"
            )
        self.charged += evaluations
