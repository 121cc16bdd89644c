"""What tests of all packages share."""

import sys
from pathlib import Path

import hypothesis
import pytest
from jaxtyping import install_import_hook

# The same examples each time, however slow the machine is: a test that passes goes on passing.
# `--hypothesis-profile searching` looks for what these examples miss.
hypothesis.settings.register_profile("fixed", derandomize=True, database=None, deadline=None)
hypothesis.settings.register_profile("searching", max_examples=1000, database=None, deadline=None)
hypothesis.settings.load_profile("fixed")

# Shapes and axis names in signatures are checked in every test, but not while time is measured.
# Modules without any are left to mypy: to check these too takes a tenth longer.
_ROOT = Path(__file__).parents[1]
_SHAPED = [
    ".".join(path.relative_to(_ROOT).with_suffix("").parts)
    for package in ("benchmark", "strategies", "tasks", "reports")
    for path in sorted((_ROOT / package).rglob("*.py"))
    if "from jaxtyping import" in path.read_text(encoding="utf-8")
]
if "--benchmark-only" not in sys.argv:
    install_import_hook(_SHAPED, "beartype.beartype")


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TICKET_BENCHMARK_CACHE", str(tmp_path_factory.mktemp("cache")))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="run tests that take minutes too")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--long"):
        for item in items:
            if "long" in item.keywords:
                item.add_marker(pytest.mark.skip(reason="takes minutes; run with --long"))
