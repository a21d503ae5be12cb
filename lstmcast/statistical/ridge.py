"""Ridge regression of several targets, with a penalty for each by generalized cross-validation.

With standardized features X [n, p] and row weights w, the coefficients of one target are (X'WX + λn)⁻¹ X'Wy. One
eigendecomposition serves all λ and all targets (Golub, Heath & Wahba 1979). The errors of leave-one-out forecasts
follow from the diagonal of the hat matrix. NumPy alone: the libraries with this method take longer to import than a
forecast may take.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lstmcast.types import Floats, Ints

PENALTIES = np.logspace(-4, 1, 11)  # λ, for standardized features
CONSTANT = 1e-9  # standard deviation below which a feature has no effect
MAX_LEVERAGE = 0.95  # of one row on its own fitted value
RECENT_ROWS = 60  # rows whose errors compare fits


@dataclass(frozen=True)
class RidgeFit:
    """A fitted regression of m targets on p features.

    Attributes:
        center: [p] weighted mean of each feature.
        scale: [p] its standard deviation; infinite for a constant feature.
        coefficients: [p, m] for standardized features.
        intercept: [m] weighted mean of each target.
        recent_error: mean |leave-one-out error| of the last rows.
        varying: indices of the features that are not constant; others do not change even the rounding of a forecast.
    """

    center: Floats
    scale: Floats
    coefficients: Floats
    intercept: Floats
    recent_error: float
    varying: Ints

    def predict(self, features: Floats) -> Floats:
        """Predict [R, m] targets of [R, p] features; an unknown feature counts as its mean."""
        known = np.nan_to_num(self.standardized(features)[:, self.varying])
        return np.asarray(known @ self.coefficients[self.varying] + self.intercept)

    def standardized(self, features: Floats) -> Floats:
        """[R, p] features in standard deviations from their mean."""
        return np.asarray((features - self.center) / self.scale)


def fit_ridge(features: Floats, targets: Floats, weights: Floats | None = None) -> RidgeFit:
    """Fit all targets; the penalty of each minimizes its generalized cross-validation error.

    Args:
        features: [n, p].
        targets: [n, m].
        weights: [n] of the rows; None: equal.
    """
    n = len(features)
    weights = np.ones(n) if weights is None else weights / weights.mean()
    deviation = features.std(axis=0)
    varying = np.flatnonzero(deviation > CONSTANT)
    scale = np.where(deviation > CONSTANT, deviation, np.inf)
    used, center, intercept = features[:, varying], features.mean(axis=0), weights @ targets / n
    center[varying] = weights @ used / n
    root = np.sqrt(weights)[:, None]
    x, y = (used - center[varying]) * (root / scale[varying]), (targets - intercept) * root
    values, right = _decompose(x)
    projected = right.T @ (x.T @ y)
    penalty = n * _best_penalties(values, projected, np.square(y).sum(axis=0), weights)
    shrunk = projected / (values[:, None] + penalty)
    left = x[-RECENT_ROWS:] @ right
    leverage = np.square(left) @ (1 / (values[:, None] + penalty)) + (weights[-RECENT_ROWS:] / n)[:, None]
    residual = (y[-RECENT_ROWS:] - left @ shrunk) / root[-RECENT_ROWS:]
    error = np.abs(residual) / np.maximum(1 - leverage, 1 - MAX_LEVERAGE)
    coefficients = np.zeros((len(scale), targets.shape[1]))
    coefficients[varying] = right @ shrunk
    return RidgeFit(center, scale, coefficients, intercept, float(error.mean()), varying)


def _decompose(features: Floats) -> tuple[Floats, Floats]:
    """Eigenvalues [r] of X'X and their vectors [p, r]; r is the smaller of the numbers of rows and features."""
    n, p = features.shape
    if p <= n:
        values, right = np.linalg.eigh(features.T @ features)
        return np.maximum(values, 0.0), right
    values, left = np.linalg.eigh(features @ features.T)
    values = np.maximum(values, np.finfo(float).eps * max(values.max(), 1.0))
    return values, features.T @ (left / np.sqrt(values))


def _best_penalties(values: Floats, projected: Floats, total: Floats, weights: Floats) -> Floats:
    """[m] penalty with the smallest generalized cross-validation error of each target.

    Args:
        values: [r] eigenvalues.
        projected: [r, m] targets along the left vectors times the root of the eigenvalues.
        total: [m] sums of squares of the targets.
        weights: [n] of the rows; their effective number replaces n.
    """
    n, effective = len(weights), weights.sum() ** 2 / np.square(weights).sum()
    errors = []
    for penalty in n * PENALTIES:
        shrunk = projected / (values + penalty)[:, None]
        residual = total - 2 * (projected * shrunk).sum(axis=0) + (values[:, None] * np.square(shrunk)).sum(axis=0)
        freedom = (values / (values + penalty)).sum() + 1
        errors.append(residual / max(1 - freedom / effective, 1e-3) ** 2)
    return np.asarray(PENALTIES[np.argmin(errors, axis=0)])
