"""What tests of the benchmark share."""

from collections.abc import Iterator

import pytest

from tests.benchmark.attentions import registered


@pytest.fixture(scope="module")
def _other_attentions() -> Iterator[None]:
    """Modules of tests are registered beside those that ship."""
    with registered():
        yield
