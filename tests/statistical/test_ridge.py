"""Ridge regression."""

from __future__ import annotations

import numpy as np
import pytest

from lstmcast.statistical.ridge import PENALTIES, fit_ridge


def _data(n: int, p: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, p)) * np.arange(1, p + 1) + 5
    y = x[:, :2] @ np.array([[1.0, -2.0], [0.5, 0.0]]) + rng.normal(size=(n, 2)) + 3
    return x, y, rng.uniform(0.2, 1.0, n)


def _solve(x: np.ndarray, y: np.ndarray, weights: np.ndarray, penalty: float) -> np.ndarray:
    """Coefficients of standardized features by the normal equations."""
    weights = weights / weights.mean()
    center = np.average(x, axis=0, weights=weights)
    z = (x - center) / x.std(axis=0)
    gram = z.T @ (weights[:, None] * z) + len(x) * penalty * np.eye(x.shape[1])
    return np.linalg.solve(gram, z.T @ (weights * (y - np.average(y, weights=weights))))


@pytest.mark.parametrize("shape", [(60, 5), (20, 40)])
def test_coefficients_solve_the_normal_equations(shape: tuple[int, int]) -> None:
    """The coefficients of each target are those of one of the penalties."""
    x, y, weights = _data(*shape)
    fit = fit_ridge(x, y, weights)
    for m in range(2):
        solutions = np.array([_solve(x, y[:, m], weights, penalty) for penalty in PENALTIES])
        assert np.abs(solutions - fit.coefficients[:, m]).max(axis=1).min() < 1e-8


def test_penalty_minimizes_generalized_cross_validation() -> None:
    """Another penalty has a larger error, computed from the hat matrix."""
    x, y, _ = _data(50, 8)
    fit, z = fit_ridge(x, y), (x - x.mean(axis=0)) / x.std(axis=0)
    errors = []
    for penalty in PENALTIES:
        hat = z @ np.linalg.solve(z.T @ z + 50 * penalty * np.eye(8), z.T) + 1 / 50
        residual = y[:, 0] - hat @ y[:, 0]
        errors.append(np.square(residual).sum() / (1 - np.trace(hat) / 50) ** 2)
    best = PENALTIES[int(np.argmin(errors))]
    np.testing.assert_allclose(fit.coefficients[:, 0], _solve(x, y[:, 0], np.ones(50), best), rtol=1e-8)


def test_recent_error_is_that_of_leaving_one_row_out() -> None:
    """The mean error of the last rows is that of fits with the same penalty, each without the row."""
    x, y, _ = _data(70, 4)
    fit = fit_ridge(x, y[:, :1])
    penalty = min(PENALTIES, key=lambda p: np.abs(_solve(x, y[:, 0], np.ones(70), p) - fit.coefficients[:, 0]).max())
    z, errors = fit.standardized(x), []
    for row in range(10, 70):
        kept = np.arange(70) != row
        design = np.column_stack([np.ones(69), z[kept]])
        ridge = 70 * penalty * np.diag([0.0, 1, 1, 1, 1])
        solved = np.linalg.solve(design.T @ design + ridge, design.T @ y[kept, 0])
        errors.append(abs(y[row, 0] - solved[0] - z[row] @ solved[1:]))
    assert fit.recent_error == pytest.approx(np.mean(errors), rel=1e-9)


def test_a_constant_feature_has_no_effect() -> None:
    """A feature without variance changes nothing, also where it has another value later."""
    x, y, _ = _data(40, 3)
    with_constant = np.column_stack([x, np.full(40, 7.0)])
    later = np.column_stack([x[:5], np.full(5, 9.0)])
    np.testing.assert_allclose(fit_ridge(with_constant, y).predict(later), fit_ridge(x, y).predict(x[:5]), rtol=1e-9)
