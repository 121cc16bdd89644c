"""What tests of all packages share."""

import sys

import pytest
from jaxtyping import install_import_hook

# Shapes and axis names in signatures are checked in every test, but not while time is measured.
if "--benchmark-only" not in sys.argv:
    install_import_hook(["benchmark", "strategies", "tasks", "reports"], "beartype.beartype")


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TICKET_BENCHMARK_CACHE", str(tmp_path_factory.mktemp("cache")))
