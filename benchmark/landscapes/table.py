"""Whole landscapes as files: what an oracle answers to every scheme, as Parquet."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from jaxtyping import Bool, Float64, Int64
from pyarrow import parquet

from benchmark.errors import StoreError, UsageError
from benchmark.files import parse_json, replacing
from benchmark.identity import content_hash
from benchmark.schemes import bits_scheme, scheme_bits

FORMAT = 1
_KEY = b"ticket-benchmark"


@dataclass(frozen=True)
class Table:
    """Answers of one oracle, one row a scheme.

    Attributes:
        identity: of the oracle that gave them.
        blocks_per_stage: shape of a scheme.
        task: named properties of the task's splits.
        facts: named properties of the oracle.
        environment: command, versions, machine.
        schemes: one row an answer.
        accuracy: on the validation split, in [0, 1].
        loss: mean nats.
        parameters: effective parameters of the scheme's network.
        increments: of some schemes (bits), inference time relative to Original's, minus 1,
            on the machine that ``environment`` names.
    """

    identity: str
    blocks_per_stage: tuple[int, ...]
    task: dict[str, Any]
    facts: dict[str, Any]
    environment: dict[str, Any]
    schemes: Bool[np.ndarray, "n blocks"]
    accuracy: Float64[np.ndarray, " n"]
    loss: Float64[np.ndarray, " n"]
    parameters: Int64[np.ndarray, " n"]
    increments: dict[str, float] = field(default_factory=dict)

    def fingerprint(self) -> str:
        """Content hash of the oracle, the shape of schemes and every answer."""
        return content_hash(
            oracle=self.identity,
            blocks=self.blocks_per_stage,
            schemes=np.packbits(self.schemes).tolist(),
            answers=[self.accuracy.tolist(), self.loss.tolist()],
        )

    def write(self, path: Path) -> None:
        """Write the table to ``path``, all of it or nothing."""
        columns = {
            "scheme": [scheme_bits(scheme) for scheme in self.schemes],
            "accuracy": self.accuracy,
            "loss": self.loss,
            "connections": self.schemes.sum(axis=1),
            "parameters": self.parameters,
        }
        about = {
            "format": FORMAT,
            "identity": self.identity,
            "blocks per stage": list(self.blocks_per_stage),
            "task": self.task,
            "facts": self.facts,
            "environment": self.environment,
            "increments": self.increments,
        }
        table = pa.table(columns).replace_schema_metadata({_KEY: json.dumps(about)})
        with replacing(path) as draft:
            parquet.write_table(table, draft)


def read_table(path: Path) -> Table:
    """Read a table that `Table.write` wrote.

    Raises:
        UsageError: there is no such file, or it is none of ours.
        StoreError: it is one of ours, but damaged or of a newer format.
    """
    if not path.is_file():
        raise UsageError(f"there is no table {path}; make one with: python -m benchmark tabulate")
    try:
        raw = parquet.read_table(path)
        about = parse_json((raw.schema.metadata or {})[_KEY].decode())
    except (pa.ArrowException, OSError, KeyError, ValueError) as error:
        raise UsageError(
            f"{path} is no table of answers ({error}); make one with: python -m benchmark tabulate"
        ) from error
    if not isinstance(about, dict) or about.get("format") != FORMAT:
        about = about if isinstance(about, dict) else {}
        raise StoreError(f"{path} has format {about.get('format')}, this version reads {FORMAT}")
    try:
        return _table(raw, about)
    except (pa.ArrowException, KeyError, TypeError, ValueError, OverflowError) as error:
        raise StoreError(f"{path} is damaged ({error}); make it again") from error


def _table(raw: Any, about: dict[str, Any]) -> Table:
    blocks_per_stage = tuple(int(count) for count in about["blocks per stage"])
    bits: list[str] = raw["scheme"].to_pylist()
    blocks = sum(blocks_per_stage)
    wrong = next((text for text in bits if len(text) != blocks or set(text) - {"0", "1"}), None)
    if wrong is not None:
        raise ValueError(f"expected schemes of {blocks} bits, received {wrong!r}")
    if len(set(bits)) != len(bits):
        raise ValueError("a scheme occurs twice")
    return Table(
        identity=str(about["identity"]),
        blocks_per_stage=blocks_per_stage,
        task=dict(about["task"]),
        facts=dict(about["facts"]),
        environment=dict(about["environment"]),
        schemes=np.array([bits_scheme(text) for text in bits], dtype=bool).reshape(-1, blocks),
        accuracy=raw["accuracy"].to_numpy().astype(np.float64),
        loss=raw["loss"].to_numpy().astype(np.float64),
        parameters=raw["parameters"].to_numpy().astype(np.int64),
        increments={bits: float(time) for bits, time in about.get("increments", {}).items()},
    )
