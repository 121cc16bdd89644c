"""Optuna's own sampler and estimator are the reference."""

import logging

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from jaxtyping import Bool
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, TPESampler
from optuna.samplers._tpe.parzen_estimator import _ParzenEstimator, _ParzenEstimatorParameters
from optuna.samplers._tpe.sampler import default_weights
from optuna.study import Study, StudyDirection, create_study
from optuna.trial import TrialState, create_trial

from benchmark.testing.search import hills
from strategies._parzen import BIT, BitParzenEstimator, BitSampler

BLOCKS = 11  # "10" comes before "2" where Optuna sorts names
VARIABLES: dict[str, BaseDistribution] = {str(block): BIT for block in range(BLOCKS)}


def asked(sampler: BaseSampler, questions: int) -> list[dict[str, bool]]:
    """A search with a failed answer and a trial from elsewhere now and then."""
    study = create_study(direction=StudyDirection.MAXIMIZE, sampler=sampler)
    found = []
    for question in range(questions):
        trial = study.ask(VARIABLES)
        found.append(trial.params)
        value = reward(trial.params)
        if question % 7 == 3:
            study.tell(trial, state=TrialState.FAIL)
            teach(study, {name: not bit for name, bit in trial.params.items()})
        else:
            study.tell(trial, value)
    return found


def reward(params: dict[str, bool]) -> float:
    """Rounded, so that some trials are equally good."""
    scheme = np.array([[params[name] for name in VARIABLES]])
    return float(hills(scheme)[0].round(1))


def teach(study: Study, params: dict[str, bool]) -> None:
    study.add_trial(create_trial(params=params, distributions=VARIABLES, value=reward(params)))


@pytest.fixture(autouse=True)
def _silent(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR, "optuna")


@pytest.mark.parametrize(("seed", "startup", "candidates"), [(0, 10, 24), (5, 1, 3)])
def test_it_asks_what_optunas_sampler_asks(seed: int, startup: int, candidates: int) -> None:
    ours = BitSampler(list(VARIABLES), startup=startup, candidates=candidates, seed=seed)
    reference = TPESampler(n_startup_trials=startup, n_ei_candidates=candidates, seed=seed)
    assert asked(ours, 90) == asked(reference, 90)


@settings(deadline=None, max_examples=50)
@given(trials=st.integers(0, 40).flatmap(lambda rows: arrays(bool, (rows, 3))))
def test_densities_and_draws_are_optunas(trials: Bool[np.ndarray, "trials 3"]) -> None:
    space: dict[str, BaseDistribution] = dict.fromkeys("abc", BIT)
    parameters = _ParzenEstimatorParameters(
        prior_weight=1.0,
        consider_magic_clip=True,
        consider_endpoints=False,
        weights=default_weights,
        multivariate=True,
    )
    observations = dict(zip(space, trials.T.astype(int), strict=True))
    ours = BitParzenEstimator(observations, space, parameters)
    reference = _ParzenEstimator(observations, space, parameters)
    cube = np.array(list(np.ndindex(2, 2, 2)))
    corners = dict(zip(space, cube.T, strict=True))
    assert ours.log_pdf(corners).tolist() == reference.log_pdf(corners).tolist()
    np.testing.assert_allclose(np.exp(ours.log_pdf(corners)).sum(), 1.0)
    drawn = np.column_stack(list(ours.sample(np.random.RandomState(3), 24).values()))
    expected = np.column_stack(list(reference.sample(np.random.RandomState(3), 24).values()))
    assert drawn.tolist() == list(map(list, dict.fromkeys(map(tuple, expected.tolist()))))
