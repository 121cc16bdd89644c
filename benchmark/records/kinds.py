"""What a run can have searched: supernets, a table of answers, or landscapes in closed form."""

from dataclasses import dataclass


@dataclass(frozen=True)
class OracleKind:
    """One kind of oracle, in the words of reports and in what comes of searching it.

    Attributes:
        name: what it is called where kinds are told apart.
        label: what one of a run's oracles is called, before its number.
        noun: the same, for captions that count them.
        searched: that it was searched, as a clause.
        several: whether a run may have more than one.
        trains: whether schemes that are found are trained from scratch, timed and judged.
        measured: whether answers come from networks on a validation split.
        prefix: what ``--oracle`` begins with.
    """

    name: str
    label: str
    noun: str
    searched: str
    several: bool = True
    trains: bool = False
    measured: bool = True
    prefix: str = ""

    def called(self, seed: int | str) -> str:
        """What a run's oracle of this seed is called: ``supernet 0``, or ``table`` alone."""
        return f"{self.label} {seed}" if self.several else self.label

    @property
    def accuracy(self) -> str:
        """What its answers are, for captions and columns."""
        return "oracle accuracy, validation split" if self.measured else "accuracy of the landscape"

    @property
    def axis(self) -> str:
        """The same beside an axis, in percent."""
        return "oracle accuracy (%, validation)" if self.measured else "accuracy (%)"

    @property
    def seeds(self) -> tuple[str, ...]:
        """What tells lanes of one strategy apart."""
        return (f"{self.label} seed", "strategy seed") if self.several else ("strategy seed",)


SUPERNET = OracleKind(
    "supernet", "supernet", "frozen supernet", "a supernet was searched", trains=True
)
KNOWN_BLOCKS = 24
"""Blocks of a known landscape for which no number is named, in runs and races."""
KNOWN = OracleKind(
    "known landscape",
    "instance",
    "known landscape",
    "a known landscape was searched",
    measured=False,
    prefix="known:",
)
TABLE = OracleKind("table", "table", "table", "a table was searched", several=False)


def kind_of(oracle: str | None) -> OracleKind:
    """The kind of oracle that the setting ``oracle`` names; None means supernets."""
    if oracle is None:
        return SUPERNET
    return KNOWN if oracle.startswith(KNOWN.prefix) else TABLE
