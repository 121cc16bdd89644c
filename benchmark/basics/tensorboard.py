"""TensorBoard's event files (extra ``tensorboard``)."""

from typing import Any

from benchmark.basics.errors import UsageError


def summary_writer() -> Any:
    """The class that writes TensorBoard's event files.

    Raises:
        UsageError: TensorBoard's package is missing.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise UsageError(
            "TensorBoard's files need its package: pip install 'ticket-benchmark[tensorboard]'"
        ) from error
    return SummaryWriter
