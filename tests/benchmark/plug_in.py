"""A strategy as users write them, and ways to put it into files and packages."""

from pathlib import Path

SOURCE = '''
import numpy as np

from strategies.base import Answers, Schemes, SearchSpace, Strategy


class Flipper(Strategy):
    """Random schemes, in batches.

    Args:
        space: what is searched.
        rng: the only source of randomness.
        share: of connected blocks, in [0, 1].
        batch: schemes of a request.
        fixed: whether all requests are alike.
    """

    name = "flipper"
    summary = "random schemes, in batches"
    source = "a test"

    def __init__(
        self,
        space: SearchSpace,
        *,
        rng: np.random.Generator,
        share: float = 0.5,
        batch: int = 2,
        fixed: bool = False,
        most: int | None = None,
    ) -> None:
        super().__init__(space, rng=rng)
        if not 0 <= share <= 1:
            raise ValueError(f"expected share from 0 to 1, received {share}")
        self.share, self.batch, self.fixed = share, batch, fixed

    def ask(self, n: int) -> Schemes:
        draws = self.rng.random((min(n, self.batch), self.space.blocks))
        return np.zeros_like(draws, dtype=bool) if self.fixed else draws < self.share

    def tell(self, schemes: Schemes, answers: Answers) -> None:
        pass
'''


def write_plug_in(folder: Path, source: str = SOURCE) -> str:
    """A file with the strategy; returns how users name it."""
    path = folder / "mine.py"
    path.write_text(source, encoding="utf-8")
    return f"{path}:Flipper"


def write_package(folder: Path, entry: str = "flipper = flips.search:Flipper") -> None:
    """A package with the strategy and an entry point, as pip leaves them in ``folder``."""
    package = folder / "flips"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "search.py").write_text(SOURCE, encoding="utf-8")
    metadata = folder / "flips-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: flips\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(f"[ticket_benchmark.strategies]\n{entry}\n")
