import numpy as np
import torch

from benchmark.basics.seeding import child_generator, child_rng


def test_the_same_path_gives_the_same_numbers() -> None:
    first, second = child_rng(3, "search", "ga", 0), child_rng(3, "search", "ga", 0)
    assert first.integers(10**9) == second.integers(10**9)


def test_any_part_of_the_path_changes_the_numbers() -> None:
    numbers = {
        int(child_rng(seed, *names).integers(2**62))
        for seed in (3, 4)
        for names in (("a", 1), ("b", 1), ("a", 2), ("a",), (1, "a"))
    }
    assert len(numbers) == 10


def test_numbers_are_pinned_so_that_results_outlive_a_change_of_this_module() -> None:
    assert child_rng(0, "pinned").integers(1000, size=3).tolist() == PINNED_NUMPY
    drawn = torch.randint(1000, (3,), generator=child_generator(0, "pinned"))
    assert drawn.tolist() == PINNED_TORCH


def test_no_global_generator_is_touched() -> None:
    numpy_before, torch_before = _numpy_state(), torch.get_rng_state()
    child_rng(1, "x").random(5)
    torch.rand(5, generator=child_generator(1, "x"))
    assert _numpy_state() == numpy_before
    assert torch.equal(torch_before, torch.get_rng_state())


PINNED_NUMPY = [721, 985, 567]
PINNED_TORCH = [775, 582, 697]


def _numpy_state() -> str:
    return repr(np.random.get_state(legacy=False))  # noqa: NPY002 - the global one is watched
