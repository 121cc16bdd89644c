"""What Optuna says on its own."""

from collections.abc import Iterator
from contextlib import contextmanager

import optuna


@contextmanager
def warnings_only() -> Iterator[None]:
    """Keep Optuna from announcing studies and trials on stderr; its level comes back afterwards."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)
