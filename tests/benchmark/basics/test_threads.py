import torch

from benchmark.basics.threads import single_thread


def test_torch_has_one_thread_inside_and_its_own_number_outside() -> None:
    before = torch.get_num_threads()
    with single_thread():
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == before


def test_a_function_can_be_decorated() -> None:
    assert single_thread()(torch.get_num_threads)() == 1
