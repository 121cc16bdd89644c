"""What verdict rules and costs say to each other."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Condition:
    """Something that a ticket must meet.

    Attributes:
        holds: by intervals; None where they leave it open.
        point: by means alone; None where something was not measured.
        words: what holds, fails or is open.
        point_words: the same by means.
        refinable: what may be measured more finely to settle it; empty where that is no way.
    """

    holds: bool | None
    point: bool | None
    words: str
    point_words: str
    refinable: str = ""

    @staticmethod
    def open(words: str) -> "Condition":
        """A condition that nothing is known of."""
        return Condition(None, None, words, words)

    def by_means(self) -> "Condition":
        """The same without its interval."""
        return Condition(self.point, self.point, self.point_words, self.point_words)
