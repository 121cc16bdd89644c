import weakref
from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch

from benchmark.basics.errors import UsageError
from benchmark.basics.sizes import parse_size, shown_size
from benchmark.networks.connect import AttentionNetwork, Sharing
from benchmark.networks.spec import NetworkSpec
from benchmark.oracle import prefix_tree
from benchmark.oracle.memory import Footprint, OutOfMemoryError, footprint_of, memory_refusals
from benchmark.oracle.passes import Enter, Passes, Pieces
from benchmark.oracle.prefix_tree import Outputs, PrefixTreeOracle
from benchmark.records.schemes import Schemes, all_schemes
from tests.benchmark.attentions import KINDS
from tests.benchmark.small import SMALL, small_data, small_network

FOOTPRINT = Footprint(SMALL, (6, 6), group=4)
"""Maps of 4·36 and 8·9 numbers; 2 and 3 blocks; the third is projected."""


def test_the_formula_by_hand() -> None:
    # In front of the blocks 144 numbers a row; 2 maps a block, a third at the projection.
    held = 4 * (144 + 2 * 2 * 144 + 3 * 2 * 72 + 72)
    outputs = 4 * 4 * 32 * 5  # group, batch, classes
    means = 4 * 4 * 8 * 8  # group; eight of the last maps at once, of eight channels
    statistics = 2 * 4 * (1 * 2 * 4 + 2 * 2 * 4 + 4 * 3 * 8 + 4 * 2 * 8 + 4 * 2 * 8)
    assert FOOTPRINT.largest_map == 4 * 144
    assert FOOTPRINT.peak(16, piece=16) == (16 * held + 4 * 16 * 576 + outputs + means + statistics)
    assert FOOTPRINT.calibration(24) == 24 * held + 4 * 24 * 576 + statistics
    inside = replace(FOOTPRINT, inner_norms=(5, 5, 3, 3, 3))  # SAMs' own norms, called twice
    assert inside.calibration(24) - FOOTPRINT.calibration(24) == 2 * 2 * 4 * (5 + 2 * 5 + 3 * 4 * 3)
    recurrent = replace(FOOTPRINT, recurrent=True)
    states = 4 * 2 * (2 * 4 + 3 * 8)
    assert recurrent.peak(16, piece=16) - FOOTPRINT.peak(16, piece=16) == 16 * states


@pytest.mark.usefixtures("_other_attentions")
@pytest.mark.parametrize(("attention", "sharing"), KINDS)
def test_a_description_knows_the_footprint_of_its_oracle(attention: str, sharing: Sharing) -> None:
    network = small_network(sharing, attention=attention)
    tree = PrefixTreeOracle(network, small_data(), "running", identity="", memory=2**30)
    spec = NetworkSpec(SMALL, attention, 2, sharing)
    described = footprint_of(spec, (3, 6, 6), dtype="float32", device="cpu", memory=2**30)
    assert described == tree.footprint


@pytest.mark.parametrize(("side", "piece"), [(22, 1024), (23, 256), (32, 256), (33, 128)])
def test_a_piece_fills_4_mib_and_of_narrow_maps_8(side: int, piece: int) -> None:
    # A row's largest map has 4 · 4 · side² bytes: 7,744 of the first, 8,464 of the second.
    assert replace(FOOTPRINT, image_size=(side, side)).piece == piece


def test_a_limit_makes_rows_fewer_and_then_pieces_smaller() -> None:
    assert (FOOTPRINT.piece, FOOTPRINT.batch, FOOTPRINT.rows) == (2048, 4096, 4096)
    one_piece = replace(FOOTPRINT, limit=FOOTPRINT.peak(2048))
    assert (one_piece.piece, one_piece.rows) == (2048, 2048)
    half = replace(FOOTPRINT, limit=FOOTPRINT.peak(2048) - 1)
    assert half.piece == 1024
    assert half.peak(half.rows) <= FOOTPRINT.peak(2048) - 1


def test_a_limit_below_one_row_says_what_a_row_needs() -> None:
    with pytest.raises(UsageError, match=r"for a single image, received 100B; give it"):
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


@pytest.mark.parametrize(("most", "rows"), [(128, 128), (127, 64), (64, 64)])
def test_when_memory_is_refused_half_as_many_rows_travel_and_answers_stay(
    most: int, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    network, data, some = small_network(), small_data(256, size=64), all_schemes(5)[5:8]
    expected = PrefixTreeOracle(network, data, "running", identity="", group=32).score(some)
    oracle = PrefixTreeOracle(network, data, "running", identity="", group=32)
    assert (oracle.footprint.piece, oracle.rows) == (64, 128)
    refuse_more_than(most, monkeypatch)
    limited = oracle.score(some)
    assert oracle.rows == rows
    assert limited.loss.tolist() == expected.loss.tolist()


def test_memory_refused_to_a_single_piece_says_what_it_needs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = small_data(256, size=64)
    oracle = PrefixTreeOracle(small_network(), data, "running", identity="", group=32)
    refuse_more_than(63, monkeypatch)
    with pytest.raises(UsageError, match=r"64 images need about .*MiB of memory.*refused"):
        oracle.score(all_schemes(5)[5:8])


def test_maps_of_the_attempt_are_gone_before_memory_is_released(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    maps: list[weakref.ref[torch.Tensor]] = []
    alive: list[int] = []

    def descend(*_: object) -> Iterator[tuple[int, Outputs]]:
        features = torch.empty(8)
        maps.append(weakref.ref(features))
        torch.empty(2**50, dtype=torch.uint8)
        yield 0, [features]

    monkeypatch.setattr(prefix_tree, "descend", descend)
    monkeypatch.setattr(
        prefix_tree,
        "release_memory",
        lambda: alive.append(sum(kept() is not None for kept in maps)),
    )
    oracle = PrefixTreeOracle(
        small_network(), small_data(256, size=64), "running", identity="", group=32
    )
    with pytest.raises(UsageError, match="64 images need about"):
        oracle.score(all_schemes(5)[:1])
    assert alive == [0]


def test_a_refusal_of_a_library_counts_as_one_and_other_errors_do_not() -> None:
    with pytest.raises(OutOfMemoryError), memory_refusals():
        raise RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED")
    with pytest.raises(RuntimeError, match="shape"), memory_refusals():
        raise RuntimeError("shape mismatch")


def test_a_piece_of_a_deep_network_fits_a_gpu_whatever_is_asked() -> None:
    deep = replace(
        FOOTPRINT,
        backbone=replace(SMALL, widths=(64, 128), blocks_per_stage=(18, 18)),
        image_size=(32, 32),
        device="cuda",
    )
    assert deep.piece == 1024
    assert deep.peak(1024) <= 24 * 2**30 < deep.peak(2048, piece=2048)
    assert replace(deep, limit=2**37).piece == 8192  # of a large GPU's memory
    assert replace(deep, limit=2**32).piece == 256


def refuse_more_than(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have torch really refuse memory as soon as more than so many rows travel together."""
    real = prefix_tree.descend

    def descend(
        network: AttentionNetwork,
        schemes: Schemes,
        pieces: Pieces,
        passes: Passes,
        enter: Enter,
    ) -> Iterator[tuple[int, Outputs]]:
        if sum(len(piece) for piece in pieces) > most:
            torch.empty(2**50, dtype=torch.uint8)
        yield from real(network, schemes, pieces, passes, enter)

    monkeypatch.setattr(prefix_tree, "descend", descend)
