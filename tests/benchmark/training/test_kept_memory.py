import sys

import pytest
import torch

from benchmark.training.kept_memory import kept_memory


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux maps anew")
def test_large_tensors_get_the_memory_of_those_that_died() -> None:
    import resource  # noqa: PLC0415 - not on Windows

    def faults() -> int:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        torch.ones(10_000_000)  # 40 MB, some 10,000 pages
        return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

    with kept_memory():
        for _ in range(20):  # the heap grows until it has room for one more
            faults()
        assert sum(faults() for _ in range(10)) < 30_000  # of 100,000


def test_it_may_be_entered_again() -> None:
    with kept_memory(), kept_memory():
        assert float(torch.ones(3).sum()) == 3
    with kept_memory():
        pass
