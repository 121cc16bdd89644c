"""Checkpoints: the state of a training in one file, written whole or not at all.

Tensors as safetensors, everything else as JSON in its header: reading one never
executes anything.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from benchmark.basics.errors import StoreError, UsageError
from benchmark.basics.files import replacing
from benchmark.training.group import ALONE, Group
from benchmark.training.state import TrainingState

_FORMAT = 1
_HEADER = "checkpoint"


@dataclass(frozen=True)
class Checkpoint:
    """Where the state of one training is kept after each epoch.

    Attributes:
        path: the file.
        identity: content hash of what is trained; a file of another is refused.
    """

    path: Path
    identity: str

    def save(self, state: TrainingState) -> None:
        """Replace the file by ``state``.

        Raises:
            UsageError: it can't be written; the file is the one from before.
        """
        tensors = state.tensors()
        facts = state.facts() | {
            "format": _FORMAT,
            "identity": self.identity,
            "strides": {
                name: list(tensor.stride())
                for name, tensor in tensors.items()
                if tensor.stride() != torch.empty(tensor.shape, device="meta").stride()
            },
        }
        content = save(
            {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()},
            metadata={_HEADER: json.dumps(facts)},
        )
        write_whole(self.path, content, kept=f"the state after epoch {state.epochs - 1}")

    def restore(self, state: TrainingState, group: Group = ALONE) -> bool:
        """Give ``state`` what the file of rank 0 holds; whether there is one.

        Raises:
            StoreError: the file is damaged, too new or of another training.
        """
        there = group.leads and self.path.exists()
        device = next(state.network.parameters()).device
        content = group.agreed(self.path.read_bytes() if there else None, device)
        if content is None:
            return False
        try:
            state.restore(*_read(content, self.identity))
        except (SafetensorError, RuntimeError, KeyError, TypeError, ValueError) as error:
            raise StoreError(
                f"{self.path} is no intact checkpoint ({error}); delete it to start anew"
            ) from error
        return True

    def remove(self) -> None:
        """Delete the file, if there is one."""
        self.path.unlink(missing_ok=True)


def write_whole(path: Path, content: bytes, *, kept: str) -> None:
    """Put ``content`` at ``path``, or leave what was there.

    Args:
        path: the file.
        content: all of it.
        kept: what is still there when this fails, for the message.

    Raises:
        UsageError: it can't be written, for instance because the disk is full.
    """
    try:
        with replacing(path) as draft:
            draft.write_bytes(content)
    except OSError as error:
        raise UsageError(
            f"can't write {path} ({len(content):,} bytes): {error.strerror or error}; {kept} is "
            "kept: make room and give the same command again"
        ) from error


def _read(content: bytes, identity: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    length = int.from_bytes(content[:8], "little")
    tensors = load(content)
    facts: dict[str, Any] = json.loads(json.loads(content[8 : 8 + length])["__metadata__"][_HEADER])
    if facts["format"] > _FORMAT:
        raise ValueError(f"format {facts['format']} is newer than {_FORMAT}")
    if facts["identity"] != identity:
        raise ValueError(f"it belongs to {facts['identity']}, not to {identity}")
    # Layouts are part of the state: the same sums in another order have other last bits.
    for name, stride in facts["strides"].items():
        laid_out = torch.empty_strided(tensors[name].shape, stride, dtype=tensors[name].dtype)
        tensors[name] = laid_out.copy_(tensors[name])
    return tensors, facts
