"""Write `constraints.txt`: the versions in this environment of all that tests install.

Made anew, in an environment in which the tests have passed::

    python -m pip install --upgrade '.[test,ray]' && python -m pytest && python .ci/lock.py

Versions only: where packages come from is for pip's own settings to say.
"""

import platform
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
WHERE = ROOT / ".ci" / "constraints.txt"


def required(pyproject: Path) -> list[Requirement]:
    """What the project names, its own extras left out."""
    project = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    found = [Requirement(text) for group in groups for text in group]
    return [item for item in found if item.name != project["name"]]


def locked(wanted: list[Requirement]) -> dict[str, str]:
    """Versions here of ``wanted`` and of all that these need, by name."""
    versions: dict[str, str] = {}
    seen: set[tuple[str, frozenset[str]]] = set()
    waiting = [(item, frozenset[str]()) for item in wanted]
    while waiting:
        item, extras = waiting.pop()
        if item.marker and not any(item.marker.evaluate({"extra": e}) for e in extras or {""}):
            continue
        name = canonicalize_name(item.name)
        chosen = frozenset(item.extras)
        if (name, chosen) in seen:
            continue
        seen.add((name, chosen))
        try:
            there = distribution(name)
        except PackageNotFoundError:
            print(f"not installed, so not locked: {item}", file=sys.stderr)
            continue
        versions[name] = there.version.partition("+")[0]
        waiting += [(Requirement(text), chosen) for text in there.requires or ()]
    return versions


def main() -> None:
    """Look around and write the file."""
    versions = locked(required(ROOT / "pyproject.toml"))
    python = ".".join(platform.python_version_tuple()[:2])
    head = f"# Made by lock.py for Python {python} on {platform.system()} {platform.machine()}."
    # What builds packages is for each of them to say.
    versions.pop("setuptools", None)
    lines = [f"{name}=={version}" for name, version in sorted(versions.items())]
    WHERE.write_text("\n".join([head, *lines]) + "\n", encoding="utf-8")
    print(f"{len(lines)} versions in {WHERE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
