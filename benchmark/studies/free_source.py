"""Runs on oracles whose answers cost nothing: only searches, no supernets, trainings or costs."""

import platform
from abc import abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from rich.console import Console

from benchmark import __version__
from benchmark.basics.errors import UsageError
from benchmark.basics.identity import code_version, content_hash
from benchmark.oracle.base import Oracle
from benchmark.planning.lanes import lane_keys, plug_in_facts, strategy_maker
from benchmark.planning.settings import Settings
from benchmark.plugins.chosen import choose_all
from benchmark.records.objective import Objective, objective_code
from benchmark.records.schemes import all_schemes
from benchmark.records.settings import IDENTIFYING, SEARCHED, SETTINGS, STARTS
from benchmark.search.runner import unmet
from benchmark.storage.calls import bits_of
from benchmark.storage.folder import Description
from benchmark.storage.store import Store
from benchmark.studies.objective import refuse_objective_needs
from benchmark.studies.oracle_source import OracleSource, Work
from benchmark.studies.searches import Search, run_searches
from benchmark.workers.pool import WorkerPool
from reports.tables.formats import count, words
from strategies.base import SearchSpace


class FreeSource(OracleSource):
    """A run on oracles that answer every scheme at no cost, and nothing but a search.

    Args:
        settings: strategies, budget, seeds, weight; what concerns networks must be left out.
        cache: nothing is kept there.

    Raises:
        UsageError: no such oracle, settings without effect, or a strategy that needs more than
            these oracles offer.
    """

    with_effect: ClassVar[frozenset[str]] = SEARCHED
    """Names of settings that a run depends on; others are refused."""
    code: ClassVar[tuple[str, ...]]
    """Modules that a run computes with beside its strategies; what they import counts too."""

    def __init__(self, settings: Settings, *, cache: Path | None = None) -> None:
        del cache
        for name in (*STARTS, *SETTINGS):
            setting = SETTINGS[name]
            if name not in self.with_effect and getattr(settings, name) != setting.default:
                raise UsageError(
                    f"{setting.option} has no effect on a {self.kind.name} (--oracle); leave it out"
                )
        refuse_objective_needs(settings)
        self.settings = settings
        assert settings.oracle is not None
        self.space = SearchSpace(self._read(settings.oracle), settings.budget)
        limit = settings.ask_timeout
        chosen = choose_all(settings.strategies, settings.set, self.space, limit=limit)
        self._strategies = {strategy.name: strategy for strategy in chosen}
        offers = self._oracle(0)().offers
        for strategy in chosen:
            if missing := unmet(strategy.load().needs, offers):
                raise UsageError(
                    f"strategy {strategy.name!r} needs {missing}, and a {self.kind.name} has "
                    f"{words(sorted(offers, reverse=True))} only; leave it out, or run without "
                    "--oracle"
                )
        self.identity = content_hash(
            settings=settings.model_dump(include=set(self.with_effect & IDENTIFYING)),
            strategies=[strategy.identity() for strategy in chosen],
            code=code_version(*self.code),
            objective=objective_code(settings.objective),
            **self._content(),
        )

    @abstractmethod
    def _read(self, oracle: str) -> tuple[int, ...]:
        """Take in what ``oracle`` names; return its blocks per stage.

        Raises:
            UsageError: there is no such thing, or it lacks schemes.
        """

    @abstractmethod
    def _content(self) -> dict[str, Any]:
        """All that answers depend on, as named JSON values."""

    @abstractmethod
    def _oracle(self, seed: int) -> Callable[[], Oracle]:
        """What opens the oracle ``seed`` in whichever process; picklable."""

    @abstractmethod
    def _facts(self, seed: int) -> Mapping[str, Any]:
        """Named properties of the oracle ``seed``, for reports."""

    @property
    @abstractmethod
    def task(self) -> dict[str, Any]:
        """Named properties of what is searched, as those of a task's splits elsewhere."""

    @property
    def environment(self) -> dict[str, Any]:
        """Where the oracles come from, by name."""
        return {}

    @property
    def tabulated(self) -> bool:
        """Whether every scheme's answer is kept with the run, so that regrets are known."""
        return True

    @classmethod
    def print_plan(cls, settings: Settings, console: Console, *, cache: Path | None = None) -> None:
        source = cls(settings, cache=cache)
        lanes = len(lane_keys(source._strategies.values(), settings))
        console.print(
            f"{settings.oracle}, {count(source.space.blocks, 'block')}; "
            f"{Objective.of(dict(settings)).brief}; {', '.join(settings.strategies)}",
            highlight=False,
            markup=False,
        )
        console.print(
            f"Plan, at most: {count(lanes, 'run')} × {settings.budget:,} evaluations, which are "
            "looked up or computed on the spot. Nothing is trained or timed.",
            highlight=False,
        )

    def description(self, workers: WorkerPool) -> Description:
        strategies = self._strategies.values()
        return Description(
            experiment=self.identity,
            settings=self.settings.model_dump(mode="json", include=set(self.with_effect)),
            facts=self.task,
            environment={
                "command": self.settings.command(),
                "ticket-benchmark": __version__,
                "code": code_version(*self.code),
                "python": platform.python_version(),
                "system": f"{platform.system()} {platform.machine()}",
                **workers.facts,
                **plug_in_facts(strategies),
                **self.environment,
            },
            blocks_per_stage=list(self.space.blocks_per_stage),
            lanes=lane_keys(strategies, self.settings),
            training="",
            machine="",
        )

    def search(self, work: Work) -> None:
        settings, store = self.settings, work.store
        objective = Objective.of(dict(settings))
        if store.fact("oracles") is None:
            with store.transaction():
                seeds = range(settings.supernet_seeds)
                store.set_fact("oracles", [self._keep(seed, store) for seed in seeds])
        searches = [
            Search(
                key,
                strategy := self._strategies[key.strategy],
                strategy_maker(
                    strategy,
                    key,
                    self.space,
                    root_seed=settings.seed,
                    timeout=settings.ask_timeout,
                ),
                self._oracle(key.supernet_seed),
                settings.budget,
                objective,
                settings.ask_timeout,
            )
            for key in lane_keys(self._strategies.values(), settings)
            # One that failed has ended too: it isn't given another chance after a stop.
            if store.lane_end(key)[0] == "running"
        ]
        with work.progress.stage("Searching", len(searches), "searches") as advance:
            for search, found in run_searches(searches, work.workers):
                found.keep(search.key, store)
                advance(1)

    def _keep(self, seed: int, store: Store) -> dict[str, Any]:
        """Put the answers of an oracle into ``store``; return its record."""
        oracle = self._oracle(seed)()
        blocks = oracle.blocks
        ends = oracle.score(np.array([[False] * blocks, [True] * blocks]))
        if self.tabulated:
            schemes = all_schemes(blocks)
            scores = oracle.score(schemes)
            answers = list(zip(scores.accuracy.tolist(), scores.loss.tolist(), strict=True))
            store.add_answers(oracle.identity, bits_of(schemes), answers, seconds=0.0)
        return {
            "supernet_seed": seed,
            "identity": oracle.identity,
            "facts": dict(self._facts(seed)),
            "original_accuracy": float(ends.accuracy[0]),
            "full_accuracy": float(ends.accuracy[1]),
            "evaluations": 0,
            "seconds": 0.0,
            "training_seconds": 0.0,
        }
