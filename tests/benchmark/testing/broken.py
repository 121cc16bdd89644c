"""Strategies that break their contract, each in one way."""

import random
import time
from contextlib import suppress
from fractions import Fraction
from typing import Any, ClassVar

import numpy as np

from strategies.base import Answers, GateQuestion, Request, Schemes, SearchSpace, Strategy


class Climber(Strategy):
    """Keeps the best scheme and flips random bits of it; keeps the contract too.

    Args:
        space: what is searched.
        rng: the only source of randomness.
        batch: schemes of a request.
    """

    name = "climber"
    summary = "keeps the best and flips bits of it"
    source = "these tests"

    def __init__(self, space: SearchSpace, *, rng: np.random.Generator, batch: int = 7) -> None:
        super().__init__(space, rng=rng)
        self.batch = batch
        self.best = np.zeros(space.blocks, dtype=bool)
        self.reward = -np.inf

    def ask(self, n: int) -> Schemes:
        flips = self.rng.random((min(n, self.batch), self.space.blocks)) < 0.3
        proposed: Schemes = self.best ^ flips
        return proposed

    def tell(self, schemes: Schemes, answers: Answers) -> None:
        for scheme, reward in zip(schemes, answers.reward, strict=True):
            if reward > self.reward:
                self.best, self.reward = scheme.copy(), reward


class Nameless(Climber):
    source = ""


class Needy(Climber):
    needs = ("test data",)  # type: ignore[assignment]  # wrong on purpose


class Undocumented(Climber):
    """Says nothing of its hyper-parameter."""

    def __init__(self, space: SearchSpace, *, rng: np.random.Generator, step: float = 1.0) -> None:
        super().__init__(space, rng=rng)
        self.step = step


class Misdeclared(Climber):
    """Has a default of another type.

    Args:
        step: of its walk.
    """

    def __init__(self, space: SearchSpace, *, rng: np.random.Generator, step: int = 0.5) -> None:  # type: ignore[assignment]  # wrong on purpose
        super().__init__(space, rng=rng)
        self.step = step


class Positional(Climber):
    def __init__(self, space: SearchSpace, step: int = 1, *, rng: np.random.Generator) -> None:
        super().__init__(space, rng=rng)
        self.step = step


class Integers(Climber):
    def ask(self, n: int) -> Schemes:
        return super().ask(n).astype(int)


class Transposed(Climber):
    def ask(self, n: int) -> Schemes:
        return super().ask(n).T


class Lists(Climber):
    def ask(self, n: int) -> Any:
        return super().ask(n).tolist()


class Lazy(Climber):
    def ask(self, n: int) -> Schemes:
        return super().ask(n)[:0]


class Raising(Climber):
    def tell(self, schemes: Schemes, answers: Answers) -> None:
        raise ZeroDivisionError(f"{len(schemes)} schemes,\n{len(answers.loss)} answers")


class Exiting(Climber):
    def ask(self, n: int) -> Schemes:
        raise SystemExit(n)


class Scribbling(Climber):
    def tell(self, schemes: Schemes, answers: Answers) -> None:
        super().tell(schemes, answers)
        answers.reward[:] -= answers.reward.mean()


class Keeping(Climber):
    """Remembers a row of the caller's matrix instead of a copy."""

    def tell(self, schemes: Schemes, answers: Answers) -> None:
        winner = int(answers.reward.argmax())
        self.best = schemes[winner]


class Entropic(Climber):
    def ask(self, n: int) -> Schemes:
        self.rng = np.random.default_rng()
        return super().ask(n)


class Hashing(Climber):
    def ask(self, n: int) -> Schemes:
        order = sorted(range(self.space.blocks), key=lambda block: hash(f"block {block}"))
        return super().ask(n)[:, order]


class Greedy(Climber):
    def ask(self, n: int) -> Schemes:
        return super().ask(max(n, self.batch))


class Remembering(Climber):
    """Shares what it learnt with the next instance."""

    runs: ClassVar[list[float]] = []

    def tell(self, schemes: Schemes, answers: Answers) -> None:
        self.runs.append(float(answers.reward.mean()))
        if self.runs.count(self.runs[-1]) == 1:
            super().tell(schemes, answers)


class Deaf(Climber):
    def ask(self, n: int) -> Schemes:
        return np.ones_like(super().ask(n)[:1])


class Frail(Climber):
    def tell(self, schemes: Schemes, answers: Answers) -> None:
        if np.isnan(answers.reward).any():
            raise ValueError("expected numbers")
        super().tell(schemes, answers)


class Assertive(Climber):
    def tell(self, schemes: Schemes, answers: Answers) -> None:
        assert np.isfinite(answers.reward).all()
        super().tell(schemes, answers)


class Hopeless(Climber):
    def ask(self, n: int) -> Schemes:
        return super().ask(n)[: 0 if self.reward == np.inf else None]

    def tell(self, schemes: Schemes, answers: Answers) -> None:
        super().tell(schemes, answers)
        if np.isnan(answers.reward).all():
            self.reward = np.inf


class Undead(Climber):
    """Ends when it has seen everything, and begins again when it is asked once more."""

    def __init__(self, space: SearchSpace, *, rng: np.random.Generator) -> None:
        super().__init__(space, rng=rng)
        self.seen: set[bytes] = set()

    def ask(self, n: int) -> Schemes:
        proposed = super().ask(n)
        self.seen.update(scheme.tobytes() for scheme in proposed)
        if len(self.seen) == 2**self.space.blocks:
            self.seen.clear()
            return proposed[:0]
        return proposed


class Endless(Climber):
    """Looks for a scheme that it has not asked, even where there is none."""

    def __init__(self, space: SearchSpace, *, rng: np.random.Generator) -> None:
        super().__init__(space, rng=rng)
        self.seen: set[bytes] = set()

    def ask(self, n: int) -> Schemes:
        while True:
            fresh = [row for row in super().ask(n) if row.tobytes() not in self.seen]
            if fresh:
                self.seen.add(fresh[0].tobytes())
                return np.array(fresh[:1])
            time.sleep(0.001)


class Peeking(Climber):
    def ask(self, n: int) -> Schemes:
        import tasks.registry  # noqa: PLC0415 - hidden on purpose

        return super().ask(min(n, len(tasks.registry.TASKS)))


class Loading(Climber):
    def ask(self, n: int) -> Schemes:
        from sklearn.datasets import load_digits  # noqa: PLC0415 - hidden on purpose

        load_digits()
        return super().ask(n)


class Reading(Climber):
    def ask(self, n: int) -> Schemes:
        import sqlite3  # noqa: PLC0415 - hidden on purpose

        with suppress(sqlite3.Error):  # it isn't there
            sqlite3.connect("file:answers.sqlite?mode=ro", uri=True).close()
        return super().ask(n)


class Drawing(Climber):
    def ask(self, n: int) -> Schemes:
        random.random()
        return super().ask(n)


class NumpyDrawing(Climber):
    def ask(self, n: int) -> Schemes:
        np.random.rand()  # noqa: NPY002 - on purpose
        return super().ask(n)


class TorchDrawing(Climber):
    def ask(self, n: int) -> Schemes:
        import torch  # noqa: PLC0415 - as strategies that need it do

        torch.rand(1)
        return super().ask(n)


class Leaning(Climber):
    """Draws from the global state and hides it."""

    def ask(self, n: int) -> Schemes:
        state = random.getstate()
        flip = random.random() < 0.5
        random.setstate(state)
        return super().ask(n) ^ flip


class Undeclared(Climber):
    def ask(self, n: int) -> Request:  # type: ignore[override]  # the suite allows it
        return Request(super().ask(n), Fraction(1, 2))


class Overlong(Climber):
    """Asks for one more half than it may."""

    needs = ("scores", "fidelity")

    def ask(self, n: int) -> Request:  # type: ignore[override]  # the suite allows it
        return Request(np.zeros((2 * n + 1, self.space.blocks), dtype=bool), Fraction(1, 2))


class Spendthrift(Climber):
    """Follows gradients whatever the budget says."""

    needs = ("scores", "gradients")

    def ask(self, n: int) -> Schemes:
        for _ in range(1 + n):
            self.oracle.gate_gradient(GateQuestion(np.full(self.space.blocks, 0.5)))
        return super().ask(n)
