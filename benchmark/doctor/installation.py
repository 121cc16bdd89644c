"""Versions, extras, packages of the same name, threads and devices."""

import os
import platform
import sys
from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from benchmark import __version__
from benchmark.doctor.findings import Finding
from benchmark.workers.engine import available_cores

_OLDEST = (3, 11)
_CORE = {
    **{name: name for name in ("click", "filelock", "jaxtyping", "jinja2", "joblib", "numpy")},
    **{name: name for name in ("optuna", "pyarrow", "pydantic", "pymoo", "rich", "safetensors")},
    **{name: name for name in ("matplotlib", "scipy", "threadpoolctl", "torch")},
    "PIL": "pillow",
    "sklearn": "scikit-learn",
}
"""Distributions by the modules that are imported from them."""
_EXTRAS = {
    "torchvision": "download",
    "onnx": "onnx",
    "onnxscript": "onnx",
    "tensorboard": "tensorboard",
    "nni": "nni",
    "ray": "ray",
}
"""Extras by the modules that they bring."""
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
    yield _core()
    yield from _hidden()
    yield from _extras()
    yield from _devices()


def _core() -> Finding:
    wrong = [reason for module in _CORE if (reason := _unusable(module))]
    if wrong:
        return Finding("packages", "problem", "; ".join(wrong), "pip install ticket-benchmark")
    shown = ", ".join(f"{_CORE[name]} {_version(_CORE[name])}" for name in ("torch", "numpy"))
    return Finding("packages", "ok", f"{len(_CORE)} found, {shown}")


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


def _extras() -> Iterator[Finding]:
    for module, extra in _EXTRAS.items():
        if find_spec(module) is None:
            advice = f"pip install 'ticket-benchmark[{extra}]', if you need it"
            yield Finding(f"extra {extra}", "note", f"{module} is not installed", advice)
        elif module == "torchvision" and (reason := _unusable(module)):
            # Of all extras the one that must fit torch's very build.
            advice = "install the torchvision that belongs to this torch"
            yield Finding(f"extra {extra}", "problem", reason, advice)
        else:
            yield Finding(f"extra {extra}", "ok", f"{module} {_version(module)}")


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


def _unusable(module: str) -> str:
    try:
        import_module(module)
    except Exception as error:  # noqa: BLE001 - a package may fail in any way
        return f"{module} can't be imported ({type(error).__name__}: {error})"
    return ""


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "of unknown version"
