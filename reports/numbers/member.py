from dataclasses import dataclass
from math import ceil
from typing import Any

from benchmark.records.run import RunRecords

_TRAITS = ("backbone", "attention", "sharing", "retain probability", "batch norm")
_TOLD = {"landscape", "attention module"}
"""What an oracle states that follows from the others; older runs state none of it."""


@dataclass(frozen=True)
class Member:
    """One run among those that are compared.

    Attributes:
        label: what it is called on the page; unique.
        records: what it left.
    """

    label: str
    records: RunRecords

    @property
    def task(self) -> str:
        """Name of the task that the run searched on."""
        return str(self.records.facts.get("task", "unnamed"))

    @property
    def splits(self) -> str:
        """Fingerprint of its splits; empty where none is known."""
        return str(self.records.facts.get("fingerprint", ""))

    @property
    def budget(self) -> int:
        """Evaluations that each of its lanes may spend."""
        known = self.records.settings.get("budget")
        return int(known or max((ceil(lane.total) for lane in self.records.lanes), default=0))

    @property
    def kind(self) -> str:
        """What it searched: other kinds than supernets take less of the code."""
        return self.records.kind.name

    @property
    def code(self) -> str:
        """Version of the code that it ran on."""
        return str(self.records.environment.get("code", ""))

    def traits(self) -> dict[str, Any]:
        """What its strategies searched on: splits, network, oracle, objective."""
        settings, oracles = self.records.settings, self.records.oracles
        known = {name: settings.get(name.replace(" ", "_")) for name in _TRAITS}
        known["retain probability"] = settings.get("retain")
        facts = {k: v for k, v in oracles[0].facts.items() if k not in _TOLD} if oracles else {}
        return {
            "task": self.task,
            "splits": self.splits,
            "blocks": self.records.blocks_per_stage,
            **{name: value for name, value in known.items() if value is not None},
            **facts,
            "maximised": self.records.objective.formula,
            **self.records.objective.traits,
        }
