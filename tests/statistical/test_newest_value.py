"""Newest values: likely ones stay, unlikely ones are damped as the past suggests."""

from __future__ import annotations

import numpy as np
import pytest

from lstmcast.statistical.newest_value import damp_newest


def damped(y: np.ndarray, season: int = 1) -> tuple[float, bool]:
    """The newest value after damping, and whether it changed."""
    found = damp_newest(y, np.zeros(1, np.int64), np.array([len(y) - 1]), season)
    return float(found.values[0]), bool(found.damped[0])


def week(seed: int, steps: int = 120) -> np.ndarray:
    """Positive daily values with a week and noise."""
    rng = np.random.default_rng(seed)
    return np.tile([100, 105, 110, 120, 130, 80, 60], steps // 7 + 1)[:steps] * np.exp(rng.normal(0, 0.05, steps))


def test_most_newest_values_stay() -> None:
    """At most one of ten is damped, and then by little."""
    changes = [(damped(week(seed), 7), week(seed)[-1]) for seed in range(100)]
    assert np.mean([changed for (_, changed), _ in changes]) <= 0.1
    assert max(abs(value / newest - 1) for (value, _), newest in changes) < 0.3


@pytest.mark.parametrize("factor", [0.1, 0.3, 3.0, 10.0])
def test_an_unseen_step_is_damped(factor: float) -> None:
    """The value becomes one that the week makes likely."""
    for seed in range(20):
        y = week(seed)
        expected = y[-1]
        y[-1] *= factor
        value, changed = damped(y, 7)
        assert changed
        assert value == pytest.approx(expected, rel=0.35)


def test_a_new_level_of_two_values_stays() -> None:
    """The second value of a new level is near the first."""
    y = week(1)
    y[-2:] *= 3
    assert damped(y, 7)[0] == pytest.approx(y[-1], rel=0.25)


def test_steps_that_remained_in_the_past_remain() -> None:
    """A series that moves by rare large steps keeps most of a new one."""
    rng = np.random.default_rng(2)
    steps = np.where(np.arange(150) % 10 == 9, rng.choice([-1, 1], 150) * 0.5, 0.0)
    y = np.exp(4 + np.cumsum(steps) + rng.normal(0, 0.01, 150))
    assert np.log(damped(y)[0] / y[-2]) / np.log(y[-1] / y[-2]) > 0.7


def test_a_step_after_a_constant_is_damped() -> None:
    """Nothing has moved before: the constant goes on."""
    assert damped(np.array([0.0] * 50 + [4.0])) == (0.0, True)


def test_short_and_constant_series_stay() -> None:
    """Nine values show no typical step; an equal value is no step."""
    assert damped(np.array([1.0] * 8 + [50.0])) == (50.0, False)
    assert damped(np.full(40, 7.0)) == (7.0, False)


def test_origins_are_damped_by_their_own_past() -> None:
    """Several origins of several series at once: those of each series cut at the origin."""
    first, second = week(3), week(4)
    first[60], second[80] = 1000.0, 2.0
    origins = np.array([60, 59, 80, 119])
    found = damp_newest(np.concatenate([first, second]), np.array([0, 0, 120, 120]), origins, 7)
    alone = [damped(y[: o + 1], 7) for y, o in zip((first, first, second, second), origins, strict=True)]
    assert found.damped.tolist() == [changed for _, changed in alone]
    assert found.values == pytest.approx([value for value, _ in alone])
    assert found.damped[[0, 2]].all()


def test_an_unlikely_value_is_moved_towards_the_expected_one() -> None:
    """The middle of the values that replace a high and a low one is nearer to the likely one than a week before."""
    errors = []
    for seed in range(40):
        y = week(seed) * np.exp(np.random.default_rng(seed + 100).normal(0, 0.2, 120))
        replaced = [np.log(damped(np.append(y[:-1], y[-1] * factor), 7)[0]) for factor in (0.01, 100)]
        errors.append([abs(np.mean(replaced) - np.log(y[-1])), abs(np.log(y[-8] / y[-1]))])
    ours, week_before = np.mean(errors, axis=0)
    assert ours < 0.9 * week_before


def test_a_value_near_an_unusual_reference_is_damped() -> None:
    """A low value is no likelier because another one, a week before, was low as well."""
    y = week(5)
    y[-8] *= 0.3
    y[-1] *= 0.3
    assert damped(y, 7)[1]
