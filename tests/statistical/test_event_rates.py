"""Event rates compared with loops over single steps, without later values."""

from __future__ import annotations

import numpy as np
import pytest

from lstmcast.statistical.event_rates import DECAY, DecayedSeasonalRates, base_rate, event_baselines, seasonal_rate

NAN = float("nan")
LENGTHS = (1, 4, 9, 23)
OFFSETS = np.concatenate([[0], np.cumsum(LENGTHS)])


def labels(seed: int = 0) -> np.ndarray:
    """Series of these lengths, one after the other: yes, no, and some that are not known."""
    return np.random.default_rng(seed).choice([0.0, 1.0, NAN], size=OFFSETS[-1], p=[0.5, 0.3, 0.2])


def every() -> tuple[np.ndarray, np.ndarray]:
    """Every step of every series: series and step."""
    series = np.repeat(np.arange(len(LENGTHS)), LENGTHS)
    return series, np.arange(OFFSETS[-1]) - OFFSETS[:-1][series]


def slow_base(yes: list[float], t: int, window: int | None = None) -> float:
    """One yes and one no, and what is known up to t."""
    known = [v for v in yes[max(0, t + 1 - window) if window else 0 : t + 1] if v == v]
    return (sum(known) + 1) / (len(known) + 2)


def test_base_rate_by_a_loop() -> None:
    """The number of known events over the number of known steps, with one event and one non-event added."""
    yes, (series, steps) = labels(), every()
    found = base_rate(yes, OFFSETS[:-1][series], steps, 3)
    own = [yes[OFFSETS[s] : OFFSETS[s + 1]].tolist() for s in range(len(LENGTHS))]
    expected = [slow_base(own[s], t) for s, t in zip(series, steps, strict=True)]
    np.testing.assert_allclose(found, np.repeat(np.array(expected)[:, None], 3, axis=1))


@pytest.mark.parametrize("seasons", [None, 2])
@pytest.mark.parametrize(("season", "horizon"), [(4, 3), (4, 9), (5, 5)])
def test_seasonal_rate_by_a_loop(season: int, horizon: int, seasons: int | None) -> None:
    """Steps of equal phase in earlier seasons, with the base rate as one more; after a season the forecast repeats."""
    yes, (series, steps) = labels(1), every()
    found = seasonal_rate(yes, OFFSETS[:-1][series], steps, horizon, season=season, seasons=seasons)
    for row, (s, t) in enumerate(zip(series.tolist(), steps.tolist(), strict=True)):
        own = yes[OFFSETS[s] : OFFSETS[s + 1]].tolist()
        for h in range(horizon):
            first = t + h % season + 1 - season
            at = list(range(first, -1, -season))[:seasons]
            known = [own[k] for k in at if own[k] == own[k]]
            assert found[row, h] == pytest.approx((sum(known) + slow_base(own, t)) / (len(known) + 1))


@pytest.mark.parametrize(("season", "horizon"), [(4, 3), (3, 7), (1, 2)])
def test_fading_rates_by_a_loop(season: int, horizon: int) -> None:
    """The season before counts 1, each earlier one DECAY times as much, the base rate 1."""
    yes, (series, steps) = labels(2), every()
    found = DecayedSeasonalRates.of(yes, OFFSETS, season).at(series, steps, horizon)
    assert ((found > 0) & (found < 1)).all()
    for row, (s, t) in enumerate(zip(series.tolist(), steps.tolist(), strict=True)):
        own = yes[OFFSETS[s] : OFFSETS[s + 1]].tolist()
        base = slow_base(own, t, DecayedSeasonalRates.required_history(season))
        for h in range(horizon):
            total, count = base, 1.0
            for back, k in enumerate(range(t + h % season + 1 - season, -1, -season)):
                if own[k] == own[k]:
                    total, count = total + DECAY**back * own[k], count + DECAY**back
            assert found[row, h] == pytest.approx(total / count)


def test_nothing_looks_ahead() -> None:
    """Values after an origin do not change its rates."""
    yes, later = labels(3), labels(3)
    later[-8:] = 1 - np.nan_to_num(later[-8:])
    at = np.array([3]), np.array([LENGTHS[-1] - 9])
    for rule in event_baselines(4, 8).values():
        first = OFFSETS[:-1][at[0]]
        np.testing.assert_array_equal(rule(yes, first, at[1], 6), rule(later, first, at[1], 6))
    before, after = (DecayedSeasonalRates.of(part, OFFSETS, 4).at(*at, 6) for part in (yes, later))
    np.testing.assert_array_equal(before, after)


def test_the_baselines_there_are() -> None:
    """Without a season the base rate alone; with a day of hours the week too."""
    assert list(event_baselines(1)) == ["base_rate"]
    days = ["base_rate", "seasonal_rate", "recent_seasonal_rate"]
    assert list(event_baselines(24, 168)) == [*days, "weekly_rate", "recent_weekly_rate"]
