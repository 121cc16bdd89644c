from typing import Any, final

import numpy as np
from jaxtyping import Float64
from scipy.linalg import cho_factor, cho_solve, solve_triangular

_INTERCEPT = 100.0
"""Prior variance of the first coefficient, which is never shrunk."""
_WIDEST = 1e6
"""Largest prior variance, in units of the noise's: keeps the linear systems solvable."""
_LEAST_NOISE = 1e-6
"""Least variance of the noise beside targets of unit variance: an exact fit has none."""


@final
class Horseshoe:
    """Linear regression that expects most coefficients to be next to nothing.

    The horseshoe prior of Carvalho, Polson and Scott, "The Horseshoe Estimator for
    Sparse Signals" (2010), by the Gibbs sampler of Makalic and Schmidt, "A Simple
    Sampler for the Horseshoe Estimator" (2016). One chain lives as long as the search:
    an observation moves the posterior little, so a single sweep after each is enough to
    follow it, and each sweep's coefficients are a posterior draw.

    Args:
        features: columns of the design; the first is the intercept's, constant one.
        rng: source of the draws.
    """

    def __init__(self, features: int, *, rng: np.random.Generator) -> None:
        self._rng = rng
        self._design = np.empty((64, features))
        self._gram = np.zeros((features, features))
        self._targets: list[float] = []
        self._local = np.ones(features - 1)
        self._global = 1.0 / features
        self._noise = 1.0

    def __len__(self) -> int:
        """How many observations the model has taken in."""
        return len(self._targets)

    def add(
        self, design: Float64[np.ndarray, "n features"], targets: Float64[np.ndarray, " n"]
    ) -> None:
        """Take observations in: a row of features and a target each."""
        before, after = len(self._targets), len(self._targets) + len(targets)
        while after > len(self._design):
            self._design = np.concatenate([self._design, np.empty_like(self._design)])
        self._design[before:after] = design
        self._gram += design.T @ design
        self._targets.extend(targets.tolist())

    def sweep(self) -> Float64[np.ndarray, " features"]:
        """One sweep of the chain; returns coefficients for targets of mean 0 and variance 1."""
        design = self._design[: len(self._targets)]
        targets = np.array(self._targets)
        targets = (targets - targets.mean()) / (targets.std() or 1.0)
        shrinkage = np.minimum(self._global * self._local, _WIDEST)
        draw = self._by_features if len(targets) > len(self._gram) else self._by_observations
        coefficients = draw(design, targets, np.append(_INTERCEPT, shrinkage))
        self._scales(targets - design @ coefficients, coefficients[1:] ** 2, shrinkage)
        return coefficients

    def _by_features(
        self,
        design: Float64[np.ndarray, "n features"],
        targets: Float64[np.ndarray, " n"],
        variance: Float64[np.ndarray, " features"],
    ) -> Float64[np.ndarray, " features"]:
        """A normal draw in the space of the features: features³ operations.

        Rue, "Fast Sampling of Gaussian Markov Random Fields" (2001), on coefficients in units
        of their prior deviations, in which the system is never badly conditioned.
        """
        deviation = np.sqrt(variance)
        precision = self._gram * deviation[:, None] * deviation
        precision[np.diag_indices_from(precision)] += 1.0
        lower = np.linalg.cholesky(precision)
        seen = solve_triangular(lower, deviation * (design.T @ targets), lower=True)
        noise = self._noise**0.5 * self._rng.standard_normal(len(variance))
        drawn: Float64[np.ndarray, " features"]
        drawn = deviation * solve_triangular(lower, seen + noise, lower=True, trans="T")
        return drawn

    def _by_observations(
        self,
        design: Float64[np.ndarray, "n features"],
        targets: Float64[np.ndarray, " n"],
        variance: Float64[np.ndarray, " features"],
    ) -> Float64[np.ndarray, " features"]:
        """A normal draw in the space of the observations: n² · features operations.

        Bhattacharya, Chakraborty and Mallick, "Fast Sampling with Gaussian Scale Mixture
        Priors in High-Dimensional Regression" (2016).
        """
        weighted = design * variance
        prior = self._rng.standard_normal(len(variance)) * np.sqrt(variance)
        noise = self._rng.standard_normal(len(targets))
        gram = weighted @ design.T
        gram[np.diag_indices_from(gram)] += 1.0
        gap = targets / self._noise**0.5 - design @ prior - noise
        solved = cho_solve(cho_factor(gram, lower=True), gap)
        drawn: Float64[np.ndarray, " features"] = self._noise**0.5 * (prior + weighted.T @ solved)
        return drawn

    def _scales(
        self,
        residuals: Float64[np.ndarray, " n"],
        squares: Float64[np.ndarray, " slopes"],
        shrinkage: Float64[np.ndarray, " slopes"],
    ) -> None:
        """Draw the variance of the noise and those of the prior, given the coefficients."""
        energy = residuals @ residuals + np.sum(squares / shrinkage)
        shape = (len(residuals) + len(squares)) / 2
        self._noise = max(float(self._inverse_gamma(shape, energy / 2)), _LEAST_NOISE)
        mixing = self._inverse_gamma(1.0, 1 + 1 / self._local)
        spread = squares / (2 * self._noise)
        drawn = self._inverse_gamma(1.0, 1 / mixing + spread / self._global)
        self._local = np.clip(drawn, 1e-8, 1e8)
        mixing = self._inverse_gamma(1.0, 1 + 1 / self._global)
        rate = 1 / mixing + np.sum(spread / self._local)
        drawn = self._inverse_gamma((len(squares) + 1) / 2, rate)
        self._global = float(np.clip(drawn, 1e-10, 1e4))

    def _inverse_gamma(self, shape: float, rate: Any) -> Any:
        return rate / self._rng.standard_gamma(shape, size=np.shape(rate))
