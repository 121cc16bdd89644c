import logging

import numpy as np
import pytest
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.samplers import TPESampler
from optuna.study import StudyDirection, create_study
from optuna.trial import TrialState, create_trial

from benchmark.testing.search import Rewards, answers, hills
from strategies.base import Schemes, SearchSpace
from strategies.random import Random
from strategies.tpe import TPE
from tests.strategies.landscapes import search


def tpe(seed: int = 0, *, blocks: int = 12) -> TPE:
    return TPE(SearchSpace((blocks,), budget=300), rng=np.random.default_rng(seed))


def rewards(schemes: Schemes) -> Rewards:
    """Rounded, so that some are equal; every eighth scheme fails."""
    numbers = schemes @ 2 ** np.arange(schemes.shape[1])
    return np.where(numbers % 8 == 3, np.nan, hills(schemes).round(1))


@pytest.mark.parametrize(
    ("blocks", "seed", "startup", "candidates"), [(11, 0, 10, 24), (6, 5, 1, 3), (24, 2, 10, 24)]
)
def test_it_asks_what_optunas_sampler_asks(
    blocks: int, seed: int, startup: int, candidates: int, caplog: pytest.LogCaptureFixture
) -> None:
    """Wherever Optuna repeats itself it is taught the scheme that was asked instead."""
    caplog.set_level(logging.ERROR, "optuna")
    ours = TPE(
        SearchSpace((blocks,), budget=60),
        rng=np.random.default_rng(seed),
        startup=startup,
        candidates=candidates,
    )
    sampler = TPESampler(
        n_startup_trials=startup,
        n_ei_candidates=candidates,
        seed=int(np.random.default_rng(seed).integers(2**31)),
    )
    study = create_study(direction=StudyDirection.MAXIMIZE, sampler=sampler)
    bit = CategoricalDistribution([False, True])
    variables: dict[str, BaseDistribution] = {str(block): bit for block in range(blocks)}
    seen = set()
    agreed = 0
    for _ in range(60):
        schemes = ours.ask(1)
        asked = dict(zip(variables, schemes[0].tolist(), strict=True))
        [reward] = rewards(schemes)
        trial = study.ask(variables)
        if tuple(trial.params.values()) in seen:
            study.tell(trial, state=TrialState.FAIL)
            if not np.isnan(reward):
                taught = create_trial(params=asked, distributions=variables, value=reward)
                study.add_trial(taught)
        else:
            assert asked == trial.params
            agreed += 1
            state = TrialState.FAIL if np.isnan(reward) else TrialState.COMPLETE
            study.tell(trial, None if np.isnan(reward) else reward, state)
        seen.add(tuple(asked.values()))
        ours.tell(schemes, answers(rewards(schemes)))
    assert agreed > startup


def test_it_beats_random_search() -> None:
    budget, best, chance = 100, [], []
    for seed in range(4):
        best.append(hills(np.concatenate(search(tpe(seed), budget=budget))).max())
        random = Random(SearchSpace((12,), budget=budget), rng=np.random.default_rng(seed))
        chance.append(hills(np.concatenate(search(random, budget=budget))).max())
    assert np.mean(best) > np.mean(chance)
    assert min(best) >= max(chance) - 0.005


def test_no_scheme_is_asked_twice_and_a_small_space_is_exhausted() -> None:
    strategy = tpe(blocks=5)
    schemes = np.concatenate(search(strategy, budget=99))
    assert len(schemes) == len(np.unique(schemes, axis=0)) == 2**5
    assert strategy.ask(9).shape == (0, 5)
