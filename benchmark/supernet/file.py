"""Frozen supernets as files: safetensors with metadata, which nothing in them can execute.

A file says what it was trained from, on what data, by what code; its name is the hash
of these. Whoever reads one learns what is wrong with it.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from pydantic import TypeAdapter, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from benchmark.basics.errors import StoreError
from benchmark.basics.files import parse_json
from benchmark.basics.identity import content_hash
from benchmark.training.checkpoint import write_whole

FORMAT = 1
"""Version of the metadata; newer files are refused."""
_HEADER = "supernet"


@dataclass(frozen=True)
class SupernetFacts:
    """What a supernet's file says of it.

    Attributes:
        spec: what it was trained from, as `SupernetSpec.described`.
        data: the task's facts, its fingerprint among them.
        code: version of the code that trained it.
        torch: version of torch that trained it.
        parameters: all that were trained, SAMs included.
        weights: content hash of weights and running statistics.
        training_seconds: how long training took, interruptions left out.
    """

    spec: dict[str, Any]
    data: dict[str, str | int]
    code: str
    torch: str
    parameters: int
    weights: str
    training_seconds: float

    @property
    def identity(self) -> str:
        """Content hash of description, data and code: its file's name in a cache."""
        return content_hash(spec=self.spec, data=self.data, code=self.code)


_FACTS = TypeAdapter(SupernetFacts)


@dataclass(frozen=True)
class SupernetFile:
    """A supernet's file that was found intact as far as its header goes.

    Attributes:
        path: the file.
        facts: its metadata.
    """

    path: Path
    facts: SupernetFacts

    def weights(self) -> dict[str, Tensor]:
        """All tensors by name.

        Raises:
            StoreError: the file is damaged.
        """
        try:
            with safe_open(self.path, framework="pt") as file:
                return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
        except (SafetensorError, OSError) as error:
            raise damaged(self.path, error) from error


def supernet_path(folder: Path, identity: str) -> Path:
    """Where the supernet called ``identity`` lies in ``folder``."""
    return folder / f"{identity}.safetensors"


def read_supernet(path: Path) -> SupernetFile:
    """The supernet in the file ``path``.

    Raises:
        StoreError: there is none, it is damaged, altered, of a newer version or
            something else.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
    except FileNotFoundError as error:
        raise StoreError(f"there is no file {path}") from error
    except (SafetensorError, OSError) as error:
        raise damaged(path, error) from error
    if _HEADER not in metadata:
        raise damaged(path, "its metadata don't describe one")
    try:
        described = parse_json(metadata[_HEADER])
        version = described.pop("format", 0) if isinstance(described, dict) else 0
        if isinstance(version, int) and version > FORMAT:
            raise StoreError(
                f"{path} has format {version}, newer than {FORMAT}: read it with a newer version "
                "of ticket-benchmark"
            )
        found = SupernetFile(path, _FACTS.validate_python(described))
    except ValidationError as error:
        problem = error.errors()[0]
        name = ".".join(map(str, problem["loc"]))
        raise damaged(path, f"its metadata: {name}: {problem['msg']}") from error
    except ValueError as error:
        raise damaged(path, f"its metadata: {error}") from error
    if (actual := weights_hash(found.weights())) != found.facts.weights:
        raise damaged(path, f"its weights are {actual}, not {found.facts.weights} as it says")
    return found


def write_supernet(path: Path, weights: Mapping[str, Tensor], facts: SupernetFacts) -> None:
    """Write a supernet's file, whole or not at all.

    Raises:
        UsageError: it can't be written.
    """
    described = json.dumps(asdict(facts) | {"format": FORMAT})
    content = save(
        {name: tensor.contiguous() for name, tensor in weights.items()}, {_HEADER: described}
    )
    write_whole(path, content, kept="what was trained")


def weights_hash(weights: Mapping[str, Tensor]) -> str:
    """Content hash of tensors and their names."""
    digest = hashlib.sha256()
    for name in sorted(weights):
        content = weights[name].contiguous().view(-1).view(torch.uint8)
        digest.update(name.encode() + content.numpy().tobytes())
    return digest.hexdigest()[:16]


def damaged(path: Path, reason: object) -> StoreError:
    """The error for a file that isn't what it should be."""
    return StoreError(f"{path} is no intact supernet ({reason})")
