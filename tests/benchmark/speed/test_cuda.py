import pytest

from benchmark.oracle.base import Schemes
from benchmark.speed.cuda import CudaResNet38, CudaResNet164


class _Few(CudaResNet164):
    backbone, images = "resnet38", 3

    def schemes(self) -> Schemes:
        return super().schemes()[:9, :12]


def test_it_measures_the_tree_and_the_loop_turn_by_turn() -> None:
    benchmark = _Few("cpu")
    benchmark.prepare(0)
    for _ in range(2):
        found = benchmark.measure()
        parts = found.parts
        assert found.value == parts["A, s"] / parts["B, s"]
        assert min(parts[name] for name in ("TFLOP/s", "device's TFLOP/s", "device's GB/s")) > 0
        assert parts["largest difference of accuracy to float32"] <= 1 / 3
        assert parts["least at these ceilings, s"] > 0


@pytest.mark.parametrize(("there", "said"), [(False, "no GPU"), (True, "")])
def test_without_a_gpu_it_says_so(
    there: bool,  # noqa: FBT001 - a case
    said: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: there)
    assert CudaResNet38().missing() == said
