"""Small data sets in the very formats in which the real ones lie on disks."""

import pickle
import struct
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np


def cifar_content(per_class: int, seed: int) -> dict[str, Any]:
    """What one of CIFAR100's image files holds, classes shuffled."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.repeat(np.arange(100), per_class)).tolist()
    return {
        "filenames": [f"image_{row}_s_{seed:06}.png" for row in range(len(labels))],
        "batch_label": f"batch {seed}",
        "fine_labels": labels,
        "coarse_labels": [label // 5 for label in labels],
        "data": rng.integers(256, size=(len(labels), 3072), dtype=np.uint8),
    }


class _Python2(pickle._Pickler):  # noqa: SLF001 - only the one in Python can be changed
    """Writes text and bytes alike as Python 2's strings, as the real files hold them."""

    def save_string(self, value: str | bytes) -> None:
        raw = value.encode() if isinstance(value, str) else value
        self.write(pickle.BINSTRING + struct.pack("<i", len(raw)) + raw)  # type: ignore[attr-defined]  # untyped
        self.memoize(value)  # type: ignore[attr-defined]  # untyped

    dispatch = pickle._Pickler.dispatch | {str: save_string, bytes: save_string}  # type: ignore[assignment]  # noqa: SLF001 - as above


def write_pickle(path: Path, content: Any) -> None:
    """Pickle as Python 2 and numpy 1 did."""
    raw = BytesIO()
    _Python2(raw, protocol=2).dump(content)
    path.write_bytes(raw.getvalue().replace(b"cnumpy._core.", b"cnumpy.core."))


def cifar_tree(root: Path, per_class: int = 10) -> Path:
    """``cifar-100-python`` under ``root``, which is returned."""
    folder = root / "cifar-100-python"
    folder.mkdir(parents=True)
    names = [f"fine {number}" for number in range(100)]
    coarse = [f"coarse {number}" for number in range(20)]
    write_pickle(folder / "meta", {"fine_label_names": names, "coarse_label_names": coarse})
    write_pickle(folder / "train", cifar_content(per_class, 1))
    write_pickle(folder / "test", cifar_content(2, 2))
    return root
