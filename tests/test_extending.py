"""docs/extending.md: what it names is there, and every change request has its example."""

import re
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCUMENT = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
ROWS = [line.strip("|").split("|") for line in DOCUMENT.splitlines() if line.startswith("| ")][1:]
REQUESTS = {
    "attention module": ("CBAM", "EcaNet"),
    "backbone": ("MobileNetV2",),
    "task": ("FashionMnist",),
    "strategy": ("Alternating",),
    "objective": ("Latency",),
    "verdict rule": ("NotMuchWorse",),
    "cost": ("LAYERS", "ENERGY"),
    "chart": ("ASKED",),
    "executor": ("Dask",),
    "setting": ("LINE",),
}
"""What the tests add of each kind."""


def test_every_kind_has_its_row_and_its_module() -> None:
    assert [row[0].strip() for row in ROWS] == list(REQUESTS)
    modules = [f"tests/extensions/test_{kind.replace(' ', '_')}.py" for kind in REQUESTS]
    assert [re.findall(r"`(tests/[^`]+)`", row[3])[0] for row in ROWS] == modules
    found = (ROOT / "tests" / "extensions").glob("test_*.py")
    assert {str(path.relative_to(ROOT)) for path in found} == set(modules)


@pytest.mark.parametrize(("kind", "names"), REQUESTS.items(), ids=list(REQUESTS))
def test_a_module_adds_what_was_asked_for(kind: str, names: tuple[str, ...]) -> None:
    module = import_module(f"tests.extensions.test_{kind.replace(' ', '_')}")
    assert [name for name in names if not hasattr(module, name)] == []


def test_every_file_and_folder_is_there() -> None:
    places = re.findall(r"`((?:benchmark|reports|strategies|tasks|tests)/[^`]+)`", DOCUMENT)
    places += [f"docs/{name}" for name in re.findall(r"\]\(([^)]+)\)", DOCUMENT)]
    assert [place for place in places if not (ROOT / place).exists()] == []


@pytest.mark.parametrize("row", ROWS, ids=[row[0].strip() for row in ROWS])
def test_classes_and_registries_are_where_it_says(row: list[str]) -> None:
    for cell in row[1:3]:
        names = re.findall(r"`([A-Z][A-Za-z]+)`", cell)
        modules = [
            import_module(path[:-3].replace("/", ".")) for path in re.findall(r"`(\S+\.py)`", cell)
        ]
        assert names
        assert [name for name in names if not any(hasattr(one, name) for one in modules)] == []
