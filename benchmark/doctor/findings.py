"""What was looked at, how it is, and what to do."""

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "note", "problem"]


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        about: what.
        state: ``note`` where nothing is wrong but somebody may want to know.
        says: how it is.
        advice: what to do; empty where nothing is to be done.
    """

    about: str
    state: State
    says: str
    advice: str = ""

    def line(self) -> str:
        """The finding in a line."""
        mark = {"ok": "✓", "note": "•", "problem": "✗"}[self.state]
        return f"{mark} {self.about}: {self.says}{f' → {self.advice}' if self.advice else ''}"
