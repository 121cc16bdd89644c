import ctypes
import platform
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from benchmark.basics.errors import UsageError
from benchmark.oracle.kernels import library
from benchmark.oracle.kernels.library import (
    INSTRUCTIONS,
    chosen_kernels,
    kernels_name,
    kernels_of,
    loaded,
    named_kernels,
)

FLOAT = torch.float32


@pytest.fixture
def anew(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """The compiled file is looked for again, in a test and after it."""
    caches = (library._compiled, library.kernels_of)  # noqa: SLF001 - no user needs it
    for cache in caches:
        cache.cache_clear()
    yield monkeypatch
    for cache in caches:
        cache.cache_clear()


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
    there = [kernels for kernels in map(kernels_of, INSTRUCTIONS) if kernels is not None]
    assert chosen_kernels("auto", "cpu", FLOAT) == [*there, None][0]
    for kernels in there:
        assert chosen_kernels(kernels.instructions, "cpu", FLOAT) is kernels
        assert named_kernels(kernels_name(kernels)) is kernels
    assert chosen_kernels("torch", "cpu", FLOAT) is named_kernels("torch") is None


def test_kernels_of_another_build_are_refused() -> None:
    with pytest.raises(UsageError, match=r"avx512-01234567, which others score with, are not on "):
        named_kernels("avx512-01234567")


@pytest.mark.parametrize(("device", "dtype"), [("cuda", FLOAT), ("cpu", torch.bfloat16)])
def test_other_devices_and_types_take_torch(device: str, dtype: torch.dtype) -> None:
    assert chosen_kernels("auto", device, dtype) is None
    with pytest.raises(UsageError, match=f"float32 on the CPU, received {dtype} on {device}; leav"):
        chosen_kernels("avx2", device, dtype)


def test_without_a_compiled_file_torch_is_chosen_and_names_are_refused(
    anew: pytest.MonkeyPatch,
) -> None:
    anew.setattr(library, "MODULE", "no_such_kernels")
    assert chosen_kernels("auto", "cpu", FLOAT) is None
    with pytest.raises(UsageError, match=r"not compiled .* use --oracle-kernels torch"):
        chosen_kernels("avx2", "cpu", FLOAT)


def test_a_processor_without_the_instructions_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "kernels_of", lambda _: None)
    monkeypatch.setattr(library, "why_not_compiled", lambda: "")
    assert chosen_kernels("auto", "cpu", FLOAT) is None
    with pytest.raises(UsageError, match=r"not on this machine \(its processor has none\)"):
        chosen_kernels("avx512", "cpu", FLOAT)


def test_a_file_of_other_code_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    if (kernels := kernels_of("avx2")) is None:
        pytest.skip("no kernels on this machine")
    monkeypatch.setattr(library, "VERSION", library.VERSION + 1)
    path = Path(kernels.library._name)  # noqa: SLF001 - ctypes'
    assert "was compiled from other code" in str(loaded(path))


def test_a_damaged_file_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / "kernels.so").write_bytes(b"")
    assert "can't be loaded" in str(loaded(tmp_path / "kernels.so"))


def test_the_build_is_part_of_the_name(tmp_path: Path) -> None:
    if (kernels := kernels_of("avx2")) is None:
        pytest.skip("no kernels on this machine")
    copy = tmp_path / "kernels.so"
    copy.write_bytes(Path(kernels.library._name).read_bytes() + b"\0")  # noqa: SLF001 - ctypes'
    other = loaded(copy)
    assert not isinstance(other, str)
    assert kernels.name == f"avx2-{kernels.build}" != f"avx2-{other.build}"


def test_structures_are_as_large_as_those_of_c() -> None:
    if (kernels := kernels_of("avx2")) is None:
        pytest.skip("no kernels on this machine")
    ours = [library.Unit, library.Winograd, library.Chain, library.Gate, library.Level]
    sizes = (ctypes.c_int32 * 6)()
    kernels.library.ticket_sizes(sizes)
    assert list(sizes) == [ctypes.sizeof(kind) for kind in [*ours, library.Subtree]]
