"""Content hashes of data, which identities hold."""

import hashlib

import numpy as np
from torch import Tensor


def fingerprint(*parts: str | bytes | np.ndarray | Tensor) -> str:
    """Sixteen hexadecimal digits that change with the content of ``parts``, one after the other.

    Where a part ends and the next begins makes no difference, and neither do types and shapes: who
    calls this adds what tells them apart.

    Args:
        parts: text, as UTF-8 (file names as the system has them); bytes; numbers in memory order.
    """
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, str):
            digest.update(part.encode("utf-8", "surrogateescape"))
        elif isinstance(part, bytes):
            digest.update(part)
        else:
            array = part.numpy(force=True) if isinstance(part, Tensor) else part
            digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()[:16]
