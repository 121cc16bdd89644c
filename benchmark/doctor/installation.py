"""Versions, extras, packages of the same name, threads and devices."""

import os
import platform
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib import import_module
from importlib.metadata import PackageNotFoundError, packages_distributions, requires, version
from importlib.util import find_spec
from pathlib import Path

from benchmark import __version__
from benchmark.doctor.findings import Finding
from benchmark.workers.engine import available_cores

_OLDEST = (3, 11)
_US = "ticket-benchmark"
_FOR_TESTS = "test"
"""The extra that only this project's own tests need."""
_OURS = ("benchmark", "strategies", "tasks", "reports")


def installation() -> Iterator[Finding]:
    """The interpreter, the packages, what hides them, threads, devices."""
    right = sys.version_info >= _OLDEST
    yield Finding(
        "Python",
        "ok" if right else "problem",
        f"{platform.python_version()}, ticket-benchmark {__version__}",
        "" if right else f"install Python {'.'.join(map(str, _OLDEST))} or newer",
    )
    needed = _needed()
    yield _core(needed.pop("", []))
    yield from _hidden()
    yield from _extras(needed)
    yield from _devices()


def _needed() -> dict[str, list[str]]:
    """Distributions by the extra that needs them, those of all under an empty name.

    What this installation says of itself: nothing where it is run without being installed.
    """
    found: dict[str, list[str]] = {}
    try:
        stated = requires(_US) or []
    except PackageNotFoundError:
        return found
    for requirement in stated:
        name = re.match(r"[\w.-]+", requirement)
        extra = re.search(r"extra == [\"'](.+?)[\"']", requirement)
        if name and (extra is None or extra[1] != _FOR_TESTS):
            found.setdefault("" if extra is None else extra[1], []).append(name[0])
    return found


def _core(needed: Sequence[str]) -> Finding:
    if not needed:
        says = "run without being installed, so what it needs is not known"
        return Finding("packages", "note", says, f"pip install {_US}")
    if wrong := [reason for name in needed if (reason := _unusable(name))]:
        return Finding("packages", "problem", "; ".join(wrong), f"pip install {_US}")
    shown = ", ".join(f"{name} {version(name)}" for name in ("torch", "numpy"))
    return Finding("packages", "ok", f"{len(needed)} found, {shown}")


def _hidden() -> Iterator[Finding]:
    here = Path(__file__).parents[2]
    for name in _OURS:
        spec = find_spec(name)
        origin = None if spec is None or spec.origin is None else Path(spec.origin)
        if origin is None or origin.parents[1] != here:
            yield Finding(
                f"package {name}",
                "problem",
                f"{origin or 'nothing'} is found instead of {here / name}",
                "start elsewhere, or rename the file or folder of that name",
            )


def _extras(needed: Mapping[str, Sequence[str]]) -> Iterator[Finding]:
    for extra, names in needed.items():
        about, versions = f"extra {extra}", {name: _version(name) for name in names}
        if missing := [name for name, found in versions.items() if not found]:
            advice = f"pip install '{_US}[{extra}]', if you need it"
            yield Finding(about, "note", f"{', '.join(missing)} is not installed", advice)
        elif "torchvision" in names and (reason := _unusable("torchvision")):
            # Of all extras the one that must fit torch's very build.
            advice = "install the torchvision that belongs to this torch"
            yield Finding(about, "problem", reason, advice)
        else:
            says = ", ".join(f"{name} {found}" for name, found in versions.items())
            yield Finding(about, "ok", says)


def _devices() -> Iterator[Finding]:
    if _unusable("torch"):
        return
    import torch  # noqa: PLC0415 - it may be what is missing

    cores, given = available_cores(), os.environ.get("OMP_NUM_THREADS", "not set")
    yield Finding(
        "processor",
        "ok",
        f"{cores} cores to use, torch takes {torch.get_num_threads()} threads "
        f"(OMP_NUM_THREADS {given}); jobs run on one thread each, --workers processes at a time",
    )
    yield _kernels()
    if not torch.cuda.is_available():
        yield Finding("CUDA", "note", "torch sees no CUDA device", "stay with --device cpu")
    for index in range(torch.cuda.device_count() if torch.cuda.is_available() else 0):
        found = torch.cuda.get_device_properties(index)
        room = found.total_memory / 2**30
        yield Finding(
            f"cuda:{index}", "ok", f"{found.name}, {room:.0f} GiB (--device cuda:{index})"
        )


def _kernels() -> Finding:
    # They need torch, which may be what is missing.
    from benchmark.oracle.kernels.library import (  # noqa: PLC0415
        INSTRUCTIONS,
        kernels_of,
        why_not_compiled,
    )

    found = [name for name in INSTRUCTIONS if kernels_of(name) is not None]
    if found:
        return Finding("kernels", "ok", f"{', '.join(found)}; schemes are scored by {found[0]}")
    reason = why_not_compiled() or "this processor lacks AVX2"
    advice = "nothing is wrong: torch scores schemes instead, more slowly"
    return Finding("kernels", "note", reason, advice)


def _unusable(distribution: str) -> str:
    """Why what ``distribution`` brings can't be imported; empty where it can."""
    try:
        import_module(_module(distribution))
    except Exception as error:  # noqa: BLE001 - a package may fail in any way
        return f"{distribution} can't be imported ({type(error).__name__}: {error})"
    return ""


def _module(distribution: str) -> str:
    """What is imported of it: ``sklearn`` of scikit-learn."""
    own = _plain(distribution)
    found = [module for module, names in _modules().items() if own in map(_plain, names)]
    public = [module for module in found if not module.startswith("_")]
    return own if own in public or not public else min(public)


_modules = cache(packages_distributions)


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "_", name).lower()


def _version(distribution: str) -> str:
    """Version of a distribution; empty where it isn't installed."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return ""
