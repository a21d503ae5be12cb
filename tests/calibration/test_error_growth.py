"""Half-widths of a class of series, updated by the errors of each series."""

from __future__ import annotations

import numpy as np
import pytest

from lstmcast.calibration.error_growth import PastErrors, half_widths, lead_windows, window_means

LEVELS, ORIGINS, HORIZON = (80.0, 95.0), 32, 16
NORMAL = np.array([1.2816, 1.96])


def class_widths(growth: float = 0.5, horizon: int = HORIZON) -> np.ndarray:
    """[Q, 1, H] half-widths of normal errors of size 1 at the first step, which grow with a power of the lead."""
    return NORMAL[:, None, None] * np.arange(1, horizon + 1) ** growth


def past(errors: np.ndarray, steps: int = 300) -> PastErrors:
    """The errors [K, H] of one series."""
    return PastErrors(errors[None], np.array([steps]), np.array([True]))


def normal(size: float, growth: float, horizon: int = HORIZON, seed: int = 0) -> np.ndarray:
    """[K, H] independent normal errors."""
    draws = np.random.default_rng(seed).normal(size=(ORIGINS, horizon))
    return size * draws * np.arange(1, horizon + 1) ** growth


def test_windows_end_at_powers_of_two() -> None:
    """Up to the first one that covers the horizon."""
    assert [lead_windows(h).tolist() for h in (1, 2, 5)] == [[1], [1, 2], [1, 2, 4, 8]]


def test_means_of_windows_ignore_unknown_errors() -> None:
    """Leads 1, 2, 3–4; an unknown error has no weight."""
    means, counts = window_means(np.array([[1.0, 2.0, 3.0, np.nan], [3.0, np.nan, 5.0, 7.0]]))
    assert means.tolist() == [2, 2, 5]
    assert counts.tolist() == [2, 1, 3]


def test_without_errors_the_class_decides() -> None:
    """Unknown errors leave the half-widths as they are."""
    unknown = PastErrors(np.full((1, 4, HORIZON), np.nan), np.zeros(1, np.int64), np.array([False]))
    for side in half_widths(unknown, class_widths(), class_widths(), LEVELS):
        np.testing.assert_allclose(side, class_widths())


@pytest.mark.parametrize("size", [0.3, 1.0, 3.0])
@pytest.mark.parametrize("growth", [0.0, 0.5])
def test_many_errors_decide_on_size_and_growth(size: float, growth: float) -> None:
    """Averaged over series, the bounds are near the quantiles of the errors, whatever the class is."""
    ratios = []
    for seed in range(30):
        sides = half_widths(past(normal(size, growth, seed=seed)), class_widths(), class_widths(), LEVELS)
        ratios.append(np.mean(sides, axis=0)[:, 0] / (size * class_widths(growth)[:, 0]))
    mean = np.mean(ratios, axis=0)
    assert (mean > 0.8).all()
    assert (mean < 1.6).all()


def test_few_errors_leave_most_to_the_class() -> None:
    """Four errors ten times as large as usual widen the intervals less than thirty do."""
    few, many = (
        half_widths(past(normal(10, 0.5)[:count], steps), class_widths(), class_widths(), LEVELS)[1][0, 0, 0]
        for count, steps in ((4, 12), (32, 300))
    )
    assert NORMAL[0] < few < 0.5 * many


def test_skewed_errors_have_skewed_intervals() -> None:
    """Errors that are never negative reach further above than below."""
    below, above = half_widths(past(np.abs(normal(1, 0.5))), class_widths(), class_widths(), LEVELS)
    assert (above > 2 * below).all()


@pytest.mark.parametrize("horizon", [1, 3, 8, 11])
def test_a_longer_forecast_begins_with_the_shorter_one(horizon: int) -> None:
    """The half-widths at a lead depend on the windows up to it."""
    errors = normal(2, 0.2)
    whole = half_widths(past(errors), class_widths(), class_widths(), LEVELS)
    cover = int(lead_windows(horizon)[-1])
    part = half_widths(past(errors[:, :cover]), class_widths()[..., :cover], class_widths()[..., :cover], LEVELS)
    for one, other in zip(whole, part, strict=True):
        np.testing.assert_allclose(one[..., :horizon], other[..., :horizon])


@pytest.mark.parametrize("moves", [True, False])
def test_series_continued_exactly_have_no_interval(moves: bool) -> None:
    """Rounding is covered where the series moves; a constant one has a width of 0. 95 % stays the wider one."""
    exact = PastErrors(np.zeros((1, ORIGINS, HORIZON)), np.array([300]), np.array([moves]))
    below, above = half_widths(exact, class_widths(), class_widths(), LEVELS)
    assert (below <= 1e-6 * class_widths()).all()
    assert (above > 0).all() == moves
    assert (above[1] > above[0]).all() == moves


def overlapping(step: float, noise: float, seed: int, *, steps: int = 300, horizon: int = HORIZON) -> np.ndarray:
    """[K, H] errors of the last value of a random walk with noise, from origins that are `steps` / K apart."""
    rng = np.random.default_rng(seed)
    levels = np.cumsum(step * rng.normal(size=steps + horizon))
    outcomes = levels + noise * rng.normal(size=steps + horizon)
    origins = np.linspace(0, steps - 1, ORIGINS).astype(int)
    return outcomes[origins[:, None] + np.arange(1, horizon + 1)] - levels[origins][:, None]


def test_window_means_are_compared_with_the_class_at_the_same_leads() -> None:
    """Errors that grow as those of the class leave its half-widths as they are, whatever the number of errors."""
    typical = NORMAL[0] * np.sqrt(2 / np.pi) / NORMAL[0] * np.sqrt(np.arange(1, 65))
    errors = np.tile(typical, (ORIGINS, 1)) * np.resize([1.0, -1.0], (ORIGINS, 1))
    below, _ = half_widths(past(errors), class_widths(horizon=64), class_widths(horizon=64), LEVELS)
    ratio = below[0, 0] / below[0, 0, 0] / np.sqrt(np.arange(1, 65))
    assert ratio.max() / ratio.min() < 1.25


def test_sizes_of_noise_are_surer_than_those_of_random_walks() -> None:
    """Far errors of one size for all leads count each; those of overlapping sums of steps hardly."""
    spread = []
    for step, noise in ((0.0, 1.0), (1.0, 0.0)):
        widths = [
            half_widths(past(overlapping(step, noise, seed)), class_widths(), class_widths(), LEVELS)[1][0, 0, -1]
            for seed in range(40)
        ]
        spread.append(np.std(np.log(widths)))
    assert spread[0] < 0.7 * spread[1]
