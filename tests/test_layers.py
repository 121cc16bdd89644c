"""The layers of docs/design.md, as far as `lint-imports` doesn't hold them."""

import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]


def _modules(folder: str) -> list[str]:
    paths = (ROOT / folder).rglob("*.py")
    names = (path.relative_to(ROOT).with_suffix("") for path in sorted(paths))
    return [".".join(name.parts) for name in names if name.name != "__init__"]


def test_every_package_has_its_place_in_the_contract() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    (layers,) = [contract["layers"] for contract in contracts if contract["type"] == "layers"]
    placed = {name for layer in layers for name in layer.replace("|", " ").split()}
    there = {".".join(name.split(".")[:2]) for name in _modules("benchmark")}
    assert there - {"benchmark.__main__"} | {"reports", "strategies", "tasks"} == placed


def test_records_and_reports_need_no_torch() -> None:
    modules = [*_modules("benchmark/records"), *_modules("reports")]
    assert len(modules) > 70
    code = f"import sys, {', '.join(modules)}; print({{'torch', 'sklearn'}} & set(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.stdout == "set()\n", ran.stderr
