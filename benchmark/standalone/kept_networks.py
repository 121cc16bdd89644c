"""Weights of trained stand-alone networks as files, kept for whoever needs them again."""

from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from benchmark.basics.errors import StoreError
from benchmark.basics.files import replacing
from benchmark.networks.connect import SchemeNetwork

FOLDER = "networks"
"""Where they are, beside the cache's store."""
_SECONDS = "seconds"


def network_path(folder: Path, training: str, bits: str, seed: int) -> Path:
    """Where the network of a scheme and seed lies in ``folder``; ``training`` is an identity."""
    return folder / f"{training}-{int(bits, 2):x}-{seed}.safetensors"


def write_network(path: Path, network: SchemeNetwork, *, seconds: float) -> None:
    """Keep a trained network, whole or not at all, with the seconds that its training took."""
    path.parent.mkdir(parents=True, exist_ok=True)
    weights = {name: tensor.cpu().contiguous() for name, tensor in network.state_dict().items()}
    with replacing(path) as draft:
        save_file(weights, draft, {_SECONDS: repr(seconds)})


def read_weights(path: Path) -> tuple[dict[str, Tensor], float]:
    """All tensors by name, and the seconds that training took.

    Raises:
        StoreError: the file is damaged.
    """
    try:
        with safe_open(path, framework="pt") as file:
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
            return weights, float((file.metadata() or {}).get(_SECONDS, 0.0))
    except (SafetensorError, OSError, ValueError) as error:
        raise damaged(path, error) from error


def load_weights(network: SchemeNetwork, path: Path) -> float:
    """Give ``network`` the weights in the file; the seconds that their training took.

    Raises:
        StoreError: the file is damaged or of another network.
    """
    weights, seconds = read_weights(path)
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise damaged(path, error) from error
    return seconds


def damaged(path: Path, reason: object) -> StoreError:
    """The error for a file that isn't what it should be."""
    return StoreError(f"{path} is damaged ({reason}); delete it to train it again")
