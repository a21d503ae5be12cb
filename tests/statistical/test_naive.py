"""The baselines by hand, and against a loop over single steps; Naive2 against the competition's recipe."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lstmcast.statistical import naive as module
from lstmcast.statistical.naive import WINDOW_LENGTH, baselines, drift, naive, naive2, seasonal_naive, window_mean

# Two series: 1 2 4 8 16 32 and 5 3.
VALUES = np.array([1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 5.0, 3.0])
FIRST, ORIGINS = np.array([0, 0, 6, 6]), np.array([5, 2, 1, 0])


def test_naive_by_hand() -> None:
    """The last value known at each origin, again and again."""
    np.testing.assert_array_equal(naive(VALUES, FIRST, ORIGINS, 2), [[32, 32], [4, 4], [3, 3], [5, 5]])


def test_seasonal_naive_by_hand() -> None:
    """The last three values repeat; two values are not a season of three, so the last one is repeated."""
    forecast = seasonal_naive(VALUES, FIRST, ORIGINS, 5, season=3)
    np.testing.assert_array_equal(forecast, [[8, 16, 32, 8, 16], [1, 2, 4, 1, 2], [3] * 5, [5] * 5])


def test_drift_by_hand() -> None:
    """From 1 to 32 in 5 steps is 6.2 a step, from 1 to 4 in 2 is 1.5, from 5 to 3 is -2; one value has no slope."""
    forecast = drift(VALUES, FIRST, ORIGINS, 2)
    np.testing.assert_allclose(forecast, [[38.2, 44.4], [5.5, 7], [1, -1], [5, 5]])


def test_window_mean_by_hand() -> None:
    """The mean of the last three values, of the two or of the one there are; of the last five without a season."""
    forecast = window_mean(VALUES, FIRST, ORIGINS, 2, season=3)
    np.testing.assert_allclose(forecast, [[56 / 3] * 2, [7 / 3] * 2, [4] * 2, [5] * 2])
    plain = window_mean(VALUES, FIRST, ORIGINS, 1, season=1)
    np.testing.assert_allclose(plain, [[62 / WINDOW_LENGTH], [7 / 3], [4], [5]])


def test_the_seasonal_baseline_needs_a_season() -> None:
    """Without a season there are three baselines; with one there are four, under these names."""
    assert set(baselines(1, ())) == {"naive", "drift", "window_mean"}
    assert set(baselines(12, (12,))) == {"naive", "drift", "window_mean", "seasonal_naive"}
    forecast = baselines(2, (2,))["seasonal_naive"](VALUES, FIRST, ORIGINS, 3)
    np.testing.assert_array_equal(forecast, [[16, 32, 16], [2, 4, 2], [5, 3, 5], [5, 5, 5]])


def test_each_of_several_seasons_has_a_baseline() -> None:
    """Their names carry the lengths."""
    rules = baselines(2, (2, 3))
    assert list(rules)[3:] == ["seasonal_naive_2", "seasonal_naive_3"]
    for length in (2, 3):
        forecast = rules[f"seasonal_naive_{length}"](VALUES, FIRST, ORIGINS, 4)
        np.testing.assert_array_equal(forecast, seasonal_naive(VALUES, FIRST, ORIGINS, 4, season=length))


def looped(known: list[float], name: str, step: int, season: int) -> float:
    """One baseline, one step ahead of what is known, by its definition."""
    if name == "drift":
        return known[-1] + step * (known[-1] - known[0]) / max(len(known) - 1, 1)
    if name == "seasonal_naive" and len(known) >= season:
        while step > 0:
            step -= season
        return known[-1 + step]
    if name == "window_mean":
        return sum(known[-season:]) / len(known[-season:])
    return known[-1]


@settings(deadline=None)
@given(st.integers(1, 5), st.integers(2, 6), st.integers(1, 14), st.randoms(use_true_random=False))
def test_every_baseline_agrees_with_a_loop(n_series: int, season: int, horizon: int, random: object) -> None:
    """Series by series and step by step, from what lies at or before the origin alone."""
    rng = np.random.default_rng(random.randrange(2**32))  # type: ignore[attr-defined]
    lengths = rng.integers(1, 20, n_series)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    values, series = rng.normal(size=offsets[-1]), rng.integers(0, n_series, 10)
    origins = np.array([rng.integers(0, lengths[k]) for k in series])
    for name, rule in baselines(season, (season,)).items():
        forecast = rule(values, offsets[series], origins, horizon)
        expected = [
            [looped(values[offsets[k] : offsets[k] + o + 1].tolist(), name, h, season) for h in range(1, horizon + 1)]
            for k, o in zip(series, origins, strict=True)
        ]
        np.testing.assert_allclose(forecast, expected, atol=1e-12)


@pytest.mark.parametrize("name", ["naive", "drift", "window_mean", "seasonal_naive"])
def test_nothing_after_the_origin_is_seen(name: str) -> None:
    """Later values do not change the forecast."""
    later = VALUES.copy()
    later[3:6], later[7] = -1e9, 1e9
    rule, origins = baselines(3, (3,))[name], np.array([2, 1, 0, 0])
    np.testing.assert_array_equal(rule(VALUES, FIRST, origins, 4), rule(later, FIRST, origins, 4))


# --- Naive2 ---


def indices_of(known: list[float], season: int) -> list[float] | None:
    """Classical multiplicative indices of a history, one value at a time; None where it is not seasonal."""
    n, mean = len(known), sum(known) / len(known)
    if n < 3 * season or min(known) <= 0:
        return None
    off = [y - mean for y in known]
    r = [sum(off[t] * off[t + k] for t in range(n - k)) / sum(e * e for e in off) for k in range(season + 1)]
    if abs(r[season]) <= 1.645 * math.sqrt((1 + 2 * sum(each**2 for each in r[1:season])) / n):
        return None
    half, ratios = season // 2, [[] for _ in range(season)]
    for t in range(half, n - half):
        window = known[t - half : t + half + 1]
        if season % 2 == 0:
            window = [window[0] / 2, *window[1:-1], window[-1] / 2]
        ratios[t % season].append(known[t] * season / sum(window))
    means = [sum(of_phase) / len(of_phase) for of_phase in ratios]
    return [each * season / sum(means) for each in means]


@settings(deadline=None, max_examples=60)
@given(st.integers(2, 7), st.floats(0, 40), st.integers(0, 10_000), st.booleans())
def test_naive2_agrees_with_a_loop(season: int, swing: float, seed: int, positive: bool) -> None:
    """Test, decomposition and forecast step by step, for several series and origins at once, seasonal and not."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, 12 * season, 3)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    wave = swing * np.sin(2 * np.pi * np.arange(offsets[-1]) / season)
    values = (50 if positive else 20) + wave + rng.normal(size=offsets[-1])
    series = rng.integers(0, 3, 8)
    origins = np.array([rng.integers(0, lengths[k]) for k in series])
    forecast = naive2(values, offsets[series], origins, 5, season=season)
    for row, k, origin in zip(forecast, series, origins.tolist(), strict=True):
        known = values[offsets[k] : offsets[k] + origin + 1].tolist()
        index = indices_of(known, season) or [1.0] * season
        adjusted = known[-1] / index[origin % season]
        np.testing.assert_allclose(row, [adjusted * index[(origin + h) % season] for h in range(1, 6)], rtol=1e-9)


def test_naive2_of_a_pure_pattern_repeats_it() -> None:
    """Level times indices, without noise: the indices are found exactly, and the level is the last one."""
    pattern = np.array([0.5, 1.0, 1.5, 1.0])
    values = 8 * np.tile(pattern, 6)
    forecast = naive2(values, np.array([0]), np.array([22]), 6, season=4)
    np.testing.assert_allclose(forecast, [8 * pattern[[3, 0, 1, 2, 3, 0]]])


@pytest.mark.parametrize("season", [1, 12, 30])
def test_naive2_is_naive_without_a_season_of_three(season: int) -> None:
    """No season, or fewer than three of them: the last value, H times."""
    values = 10 + np.sin(2 * np.pi * np.arange(35) / 12)
    forecast = naive2(values, np.array([0]), np.array([34]), 3, season=season)
    np.testing.assert_array_equal(forecast, np.full((1, 3), values[34]))


def test_naive2_of_constants_and_of_what_touches_zero() -> None:
    """A constant has no season, and what is not positive is not divided: the naive forecast, without a warning."""
    values = np.concatenate([np.full(40, 7.0), np.tile([0.0, 5, 9, 5], 10), np.full(40, 0.0)])
    first, origins = np.array([0, 40, 80]), np.full(3, 39)
    np.testing.assert_array_equal(naive2(values, first, origins, 2, season=4), [[7, 7], [5, 5], [0, 0]])


def test_naive2_in_parts_is_naive2_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """However few histories are held at once, the forecasts are the same."""
    values = 10 + 3 * np.sin(2 * np.pi * np.arange(60) / 12)
    first, origins = np.zeros(20, int), np.arange(40, 60)
    whole = naive2(values, first, origins, 4, season=12)
    monkeypatch.setattr(module, "CHUNK_SIZE", 130)
    np.testing.assert_allclose(naive2(values, first, origins, 4, season=12), whole, rtol=1e-12)
    assert np.ptp(whole, axis=1).max() > 1


def test_naive2_sees_nothing_after_the_origin() -> None:
    """Later values do not change the forecast, even if they are not finite."""
    values = 10 + 3 * np.sin(2 * np.pi * np.arange(60) / 12)
    later = np.where(np.arange(60) > 45, np.nan, values)
    arguments = np.array([0]), np.array([45]), 6
    assert naive2(later, *arguments, season=12).tobytes() == naive2(values, *arguments, season=12).tobytes()


@pytest.mark.parametrize("season", [1, 3, 7])
def test_the_last_season_again_and_again(season: int) -> None:
    """From every origin of several series, by a loop: the value a season before, or the last without a season."""
    lengths = [1, 5, 9, 20]
    values, offsets = np.random.default_rng(0).normal(size=sum(lengths)), np.cumsum([0, *lengths])
    series, origins = np.array([(k, t) for k, n in enumerate(lengths) for t in range(n)]).T
    expected = []
    for k, t in zip(series.tolist(), origins.tolist(), strict=True):
        forecast = values[offsets[k] : offsets[k] + t + 1].tolist()
        back = season if len(forecast) >= season else 1
        for _ in range(2 * season + 1):
            forecast.append(forecast[-back])
        expected.append(forecast[t + 1 :])
    found = seasonal_naive(values, offsets[series], origins, 2 * season + 1, season=season)
    np.testing.assert_array_equal(found, expected)
