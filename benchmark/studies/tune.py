"""Tuning a strategy's hyper-parameters on known landscapes, and what that costs and brings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import final

import numpy as np
from jaxtyping import Float64
from optuna.samplers import TPESampler
from optuna.study import Study, create_study
from optuna.trial import TrialState

from benchmark.basics.bounds import SEVERAL
from benchmark.basics.errors import LaneError, UsageError
from benchmark.basics.numerical_state import numerical_state
from benchmark.basics.optuna import warnings_only
from benchmark.basics.seeding import child_rng
from benchmark.plugins.chosen import ChosenStrategy, choose, choose_all
from benchmark.plugins.overrides import Overrides
from benchmark.plugins.timeout import ASK_TIMEOUT
from benchmark.records.run import Interval, RaceRecord, TuningRecord
from benchmark.records.settings import Value
from benchmark.storage.store import Store
from benchmark.studies.race import (
    Heat,
    opened_searches,
    require_landscapes,
    require_sizes,
    run_heats,
)
from benchmark.studies.tuning_ranges import Ranges, tuning_ranges
from benchmark.watching.progress import NoProgress, Progress
from benchmark.workers.pool import WorkerPool
from reports.numbers.statistics import bootstrap_interval
from strategies.base import SearchSpace

FIRST_SEED = 1_000_000
"""Tuning sees instances from here on, so that those of races stay unseen."""
_SIGNIFICANT = 3
"""Digits of a tuned number: what is tried is what users can write."""


@final
@dataclass(frozen=True)
class Tuner:
    """What tuning one strategy depends on beside the strategy.

    Attributes:
        landscapes: names.
        blocks: bits of a scheme.
        budget: evaluations of each search.
        seeds: instances of each landscape, as many to tune on as to judge by.
        trials: settings to try, the defaults included.
        ask_timeout: seconds that a strategy may take over a request.
        store: of finished searches.
        workers: processes.
        progress: shows what is running.
    """

    landscapes: tuple[str, ...]
    blocks: int
    budget: int
    seeds: int
    trials: int
    ask_timeout: float
    store: Store
    workers: WorkerPool
    progress: Progress

    def regrets(
        self, strategy: ChosenStrategy, *, first: int, progress: Progress | None = None
    ) -> Float64[np.ndarray, " seeds"]:
        """Regret at the end of the budget for each seed from ``first``, mean over landscapes.

        Raises:
            LaneError: a search failed.
            UsageError: the strategy needs more than a landscape offers.
        """
        heats = [
            Heat(strategy, landscape, first + seed, self.blocks, self.budget, self.ask_timeout)
            for seed in range(self.seeds)
            for landscape in self.landscapes
        ]
        found = run_heats(heats, self.store, self.workers, progress)
        _require_success(found)
        final = np.array([record.regret[-1] for record in found])
        means: Float64[np.ndarray, " seeds"] = final.reshape(self.seeds, -1).mean(1)
        return means


@numerical_state()
def tune(
    *,
    strategies: Sequence[str],
    landscapes: Sequence[str],
    blocks: int,
    budget: int,
    seeds: int,
    trials: int,
    overrides: Overrides | None = None,
    ask_timeout: float = ASK_TIMEOUT,
    workers: int | WorkerPool | None = None,
    out: Path | None = None,
    progress: Progress | None = None,
) -> list[TuningRecord]:
    """Let Optuna tune strategies one by one: what it found, what it cost, what it brings.

    The objective is the mean regret at the end of the budget over ``seeds`` instances of
    each landscape. What was found is judged on as many others: those of `run_race`.

    Args:
        strategies: names, or files and classes.
        landscapes: names.
        blocks: bits of a scheme.
        budget: evaluations of each search.
        seeds: instances of each landscape.
        trials: settings to try, the defaults included.
        overrides: hyper-parameters by the strategies' names, which stay as they are set.
        ask_timeout: seconds that a strategy may take over a request.
        workers: or so many processes of this machine; default one a core. Only times depend on it.
        out: folder that finished searches are kept in, and not repeated from.
        progress: shows what is running.

    Raises:
        UsageError: what `choose_all` refuses, an unknown landscape, a number that can't be, a
            strategy with nothing to tune or that can't run with its defaults.
    """
    require_landscapes(landscapes)
    require_sizes(blocks=blocks, budget=budget, seeds=seeds, ask_timeout=ask_timeout)
    SEVERAL.checked("trials", trials)
    fixed = overrides or {}
    space = SearchSpace((blocks,), budget)
    chosen = choose_all(strategies, fixed, space, limit=ask_timeout)
    ranges = {
        strategy.name: tuning_ranges(
            strategy, space, fixed.get(strategy.name, {}), limit=ask_timeout
        )
        for strategy in chosen
    }
    with opened_searches(out) as store:
        tuner = Tuner(
            tuple(landscapes),
            blocks,
            budget,
            seeds,
            trials,
            ask_timeout,
            store,
            WorkerPool.of(workers),
            progress or NoProgress(),
        )
        return [_tuned(strategy, ranges[strategy.name], tuner) for strategy in chosen]


def _tuned(default: ChosenStrategy, ranges: Ranges, tuner: Tuner) -> TuningRecord:
    started = perf_counter()
    study = _new_study(default.name)
    study.enqueue_trial(ranges.defaults)
    with tuner.progress.stage(f"Tuning {default.name}", tuner.trials, "trials") as advance:
        for _ in range(tuner.trials):
            trial = study.ask(ranges.distributions)
            settings = _rounded(trial.params)
            try:
                regrets = tuner.regrets(_with(default, settings), first=FIRST_SEED)
            except LaneError as error:
                if trial.number == 0:
                    raise UsageError(f"{default.name} fails with its defaults: {error}") from error
                study.tell(trial, state=TrialState.FAIL)
            else:
                trial.set_user_attr("settings", settings)
                study.tell(trial, float(regrets.mean()))
            advance(1)
    seconds = perf_counter() - started
    best = _with(default, study.best_trial.user_attrs["settings"])
    before = tuner.regrets(default, first=0, progress=tuner.progress)
    after = tuner.regrets(best, first=0, progress=tuner.progress)
    return TuningRecord(
        strategy=default.name,
        landscapes=tuner.landscapes,
        seeds=tuner.seeds,
        trials=tuner.trials,
        failed=len(study.get_trials(states=(TrialState.FAIL,))),
        values=tuple(value for value in best.values if value not in default.values),
        evaluations=tuner.trials * len(tuner.landscapes) * tuner.seeds * tuner.budget,
        seconds=seconds,
        default_regret=float(before.mean()),
        tuned_regret=float(after.mean()),
        gain=_gain(before - after),
    )


def _new_study(name: str) -> Study:
    seed = int(child_rng(0, "tune", name).integers(2**31))
    with warnings_only():
        return create_study(study_name=name, sampler=TPESampler(seed=seed))


def _with(strategy: ChosenStrategy, settings: Mapping[str, Value]) -> ChosenStrategy:
    return choose(strategy.reference, {**dict(strategy.values), **settings})


def _rounded(params: Mapping[str, Value]) -> dict[str, Value]:
    return {
        name: float(f"{value:.{_SIGNIFICANT}g}") if isinstance(value, float) else value
        for name, value in params.items()
    }


def _require_success(records: Sequence[RaceRecord]) -> None:
    for record in records:
        if not record.applicable:
            raise UsageError(f"{record.strategy} on {record.landscape}: {record.message}")
        if record.message:
            raise LaneError(record.message)


def _gain(differences: Float64[np.ndarray, " seeds"]) -> Interval:
    return bootstrap_interval(differences, rng=np.random.default_rng(0))
