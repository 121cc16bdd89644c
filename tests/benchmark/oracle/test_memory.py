import subprocess
import sys
from dataclasses import replace

import pytest

from benchmark.errors import UsageError
from benchmark.oracle.memory import Footprint
from benchmark.oracle.prefix_tree import PrefixTreeOracle
from benchmark.schemes import all_schemes
from benchmark.sizes import parse_size, shown_size
from tests.benchmark.small import SMALL, small_data, small_network

FOOTPRINT = Footprint(SMALL, (6, 6), group=4)
"""Maps of 4·36 and 8·9 numbers; 2 and 3 blocks; the third is projected."""


def test_the_formula_by_hand() -> None:
    # In front of the blocks 144 numbers a row; 2 maps a block, a third at the projection.
    held = 4 * (144 + 2 * 2 * 144 + 3 * 2 * 72 + 72)
    outputs = 4 * 4 * 32 * 5  # group, batch, classes
    statistics = 2 * 4 * (1 * 2 * 4 + 2 * 2 * 4 + 4 * 2 * 8 + 4 * 2 * 8 + 4 * 2 * 8)
    assert FOOTPRINT.largest_map == 4 * 144
    assert FOOTPRINT.peak(16, piece=16) == 16 * held + 4 * 16 * 576 + outputs + statistics
    assert FOOTPRINT.calibration(24) == 24 * held + 4 * 24 * 576 + statistics
    recurrent = replace(FOOTPRINT, recurrent=True)
    states = 4 * 2 * (2 * 4 + 3 * 8)
    assert recurrent.peak(16, piece=16) - FOOTPRINT.peak(16, piece=16) == 16 * states


def test_a_limit_makes_rows_fewer_and_then_pieces_smaller() -> None:
    assert (FOOTPRINT.piece, FOOTPRINT.batch, FOOTPRINT.rows) == (2048, 4096, 4096)
    one_piece = replace(FOOTPRINT, limit=FOOTPRINT.peak(2048))
    assert (one_piece.piece, one_piece.rows) == (2048, 2048)
    half = replace(FOOTPRINT, limit=FOOTPRINT.peak(2048) - 1)
    assert half.piece == 1024
    assert half.peak(half.rows) <= FOOTPRINT.peak(2048) - 1


def test_a_limit_below_one_row_says_what_a_row_needs() -> None:
    with pytest.raises(UsageError, match=r"needs .*KiB of memory for a single image.* 100B; raise"):
        _ = replace(FOOTPRINT, limit=100).piece


def test_calibration_that_would_not_fit_is_refused_beforehand() -> None:
    with pytest.raises(UsageError, match=r"recalibrating on 24 draws needs .* running batch-norm"):
        PrefixTreeOracle(
            small_network(), small_data(), "recalibrated", identity="", group=1, memory=50_000
        )


@pytest.mark.parametrize(
    ("text", "size"), [("2GiB", 2**31), ("1.5 MiB", 3 * 2**19), ("7", 7), ("64 KiB", 2**16)]
)
def test_sizes_are_read(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "much", "-1GiB", "2GB", "0", "1 2"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="expected a size of memory such as 2GiB"):
        parse_size(text)


@pytest.mark.parametrize(("size", "text"), [(2**30, "1GiB"), (2**20 + 1, "1.1MiB"), (100, "100B")])
def test_sizes_are_written_rounded_up(size: int, text: str) -> None:
    assert shown_size(size) == text


_UNDER_A_LIMIT = """
import resource, sys
from pathlib import Path
import torch
from benchmark.oracle.prefix_tree import PrefixTreeOracle
from benchmark.schemes import all_schemes
from tests.benchmark.small import small_data, small_network

torch.set_num_threads(1)
oracle = PrefixTreeOracle(
    small_network(), small_data(256, size=64), "running", identity="", group=32
)
some = all_schemes(5)[5:8]
assert (oracle.footprint.piece, oracle.rows) == (128, 256)
before = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (before + int(sys.argv[1]), resource.RLIM_INFINITY))
limited = oracle.score(some).loss.tolist()
rows = oracle.rows
resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
print(rows, limited)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="address space is limited as on Linux")
def test_when_memory_is_refused_half_as_many_rows_travel_and_answers_stay() -> None:
    network, data = small_network(), small_data(256, size=64)
    oracle = PrefixTreeOracle(network, data, "running", identity="", group=32)
    expected = oracle.score(all_schemes(5)[5:8]).loss.tolist()
    between = (oracle.footprint.peak(128) + oracle.footprint.peak(256)) // 2
    run = subprocess.run(
        [sys.executable, "-c", _UNDER_A_LIMIT, str(between)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.stdout.strip() == f"128 {expected}", run.stderr
