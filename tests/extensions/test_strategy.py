"""Change request: another search strategy. One file: the strategy."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from strategies.base import Answers, Schemes, SearchSpace, Strategy
from strategies.registry import STRATEGIES
from tests.extensions.conftest import Written


class Alternating(Strategy):
    """Asks for every other block, then for its complement."""

    name = "alternating"
    summary = "every other block, then the others"
    source = "this test"

    def __init__(self, space: SearchSpace, *, rng: np.random.Generator) -> None:
        super().__init__(space, rng=rng)
        self._offset = 0

    def ask(self, n: int) -> Schemes:
        row = np.arange(self.space.blocks) % 2 == self._offset
        return np.tile(row, (n, 1))

    def tell(self, schemes: Schemes, answers: Answers) -> None:
        del schemes, answers
        self._offset = 1 - self._offset


@pytest.fixture
def alternating() -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(STRATEGIES, "alternating", f"{__name__}:Alternating")
        yield "alternating"


def test_a_registered_strategy_is_in_run_page_csv_and_latex(
    alternating: str, written: Callable[..., Written]
) -> None:
    found = written(strategies=("random", alternating))
    assert alternating in {lane.key.strategy for lane in found.report.records.lanes}
    assert alternating in found.page
    assert any(alternating in text for text in found.csv.values())
    assert any(alternating in text for text in found.latex.values())
