import ctypes
import platform
import shutil
import sys
from collections.abc import Iterator

import pytest
import torch

from benchmark.errors import UsageError
from benchmark.oracle.kernels import library
from benchmark.oracle.kernels.library import (
    INSTRUCTIONS,
    chosen_kernels,
    kernels_name,
    kernels_of,
)

FLOAT = torch.float32


@pytest.fixture
def nothing_compiled(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(library, "MODULE", "no_such_kernels")
    library.forget()
    yield
    library.forget()


@pytest.mark.skipif(
    (sys.platform, platform.machine()) != ("linux", "x86_64") or shutil.which("cc") is None,
    reason="nothing is compiled here",
)
def test_an_installation_with_a_compiler_has_kernels() -> None:
    with open("/proc/cpuinfo", encoding="ascii") as file:  # noqa: PTH123 - no file of ours
        flags = file.read()
    assert (kernels_of("avx2") is not None) == ("avx2" in flags and "fma" in flags)
    assert (kernels_of("avx512") is not None) == ("avx512vl" in flags)


def test_the_fastest_are_chosen_where_nobody_asks() -> None:
    there = [name for name in INSTRUCTIONS if kernels_of(name) is not None]
    assert kernels_name(chosen_kernels("auto", "cpu", FLOAT)) == [*there, "torch"][0]
    for name in there:
        assert kernels_name(chosen_kernels(name, "cpu", FLOAT)) == name
    assert chosen_kernels("torch", "cpu", FLOAT) is None


@pytest.mark.parametrize(("device", "dtype"), [("cuda", FLOAT), ("cpu", torch.bfloat16)])
def test_other_devices_and_types_take_torch(device: str, dtype: torch.dtype) -> None:
    assert chosen_kernels("auto", device, dtype) is None
    with pytest.raises(UsageError, match=f"float32 on the CPU, received {dtype} on {device}; leav"):
        chosen_kernels("avx2", device, dtype)


@pytest.mark.usefixtures("nothing_compiled")
def test_without_a_compiled_file_torch_is_chosen_and_names_are_refused() -> None:
    assert chosen_kernels("auto", "cpu", FLOAT) is None
    with pytest.raises(UsageError, match=r"not compiled .* use --oracle-kernels torch, or auto"):
        chosen_kernels("avx2", "cpu", FLOAT)


def test_a_processor_without_the_instructions_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    if kernels_of("avx2") is None:
        pytest.skip("no kernels on this machine")
    monkeypatch.setattr(library, "kernels_of", lambda _: None)
    assert chosen_kernels("auto", "cpu", FLOAT) is None
    with pytest.raises(UsageError, match="no kernels for avx512: this processor lacks it"):
        chosen_kernels("avx512", "cpu", FLOAT)


def test_a_file_of_other_code_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    if kernels_of("avx2") is None:
        pytest.skip("no kernels on this machine")
    monkeypatch.setattr(library, "VERSION", library.VERSION + 1)
    library.forget()
    assert kernels_of("avx2") is None
    monkeypatch.undo()
    library.forget()
    assert kernels_of("avx2") is not None


def test_structures_are_as_large_as_those_of_c() -> None:
    if (kernels := kernels_of("avx2")) is None:
        pytest.skip("no kernels on this machine")
    ours = [library.Unit, library.Winograd, library.Chain, library.Gate, library.Level]
    sizes = (ctypes.c_int32 * 6)()
    kernels.library.ticket_sizes(sizes)
    assert list(sizes) == [ctypes.sizeof(kind) for kind in [*ours, library.Subtree]]
