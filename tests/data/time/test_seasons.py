"""Seasons found in values: false alarms, seasons that must be found, and the season that follows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lstmcast.data.load import read
from lstmcast.data.panel import Panel
from lstmcast.data.schema import InferredSetting, ReadOptions, SettingKey
from lstmcast.data.time.calendar import Calendar
from lstmcast.data.time.season_spectrum import FALSE_ALARM_RATE
from lstmcast.data.time.seasons import YEAR, calendar_lengths, find_seasons
from lstmcast.types import Floats

Rng = np.random.Generator
WEEK = np.array([0.0, 0.2, -0.1, 0.3, 1.0, 2.5, 2.0])


def autoregressive(rng: Rng, n: int, phi: float) -> Floats:
    """An AR(1) process from zero; the first 100 values are left out."""
    noise = rng.normal(size=n + 100)
    return np.convolve(noise, phi ** np.arange(100))[100 : n + 100]


NONE: dict[str, Callable[[Rng, int], Floats]] = {
    "white noise": lambda rng, n: rng.normal(size=n),
    "random walk": lambda rng, n: rng.normal(size=n).cumsum(),
    "growth": lambda rng, n: np.exp(0.05 * rng.normal(size=n).cumsum()),
    "integrated walk": lambda rng, n: rng.normal(size=n).cumsum().cumsum(),
    "line": lambda rng, n: 0.5 * np.arange(n) + rng.normal(size=n),
    "AR 0.5": lambda rng, n: autoregressive(rng, n, 0.5),
    "AR 0.9": lambda rng, n: autoregressive(rng, n, 0.9),
    "AR -0.6": lambda rng, n: autoregressive(rng, n, -0.6),
    "walk and noise": lambda rng, n: 0.2 * rng.normal(size=n).cumsum() + rng.normal(size=n),
    "heavy tails": lambda rng, n: rng.standard_t(2, size=n),
    "level shift": lambda rng, n: rng.normal(size=n) + 5.0 * (np.arange(n) > 0.6 * n),
    "counts": lambda rng, n: rng.poisson(2.0, size=n).astype(np.float64),
}


@pytest.mark.parametrize(("n", "typical"), [(20, (4.0,)), (48, (12.0,)), (150, (7.0,)), (800, (7.0, YEAR))])
def test_series_without_a_season_have_none(n: int, typical: tuple[float, ...]) -> None:
    """Of 360 series of 12 types, no more than the rate allows show a season (by a 99.9 % binomial bound)."""
    found = [
        bool(find_seasons([make(np.random.default_rng(1000 * seed + n), n)], typical))
        for make in NONE.values()
        for seed in range(30)
    ]
    assert sum(found) <= FALSE_ALARM_RATE * len(found) + 3.1 * np.sqrt(FALSE_ALARM_RATE * len(found))


@pytest.mark.parametrize("name", NONE)
def test_no_type_of_series_has_many_false_alarms(name: str) -> None:
    """Of 100 short series of each type, at most four show a season."""
    found = [bool(find_seasons([NONE[name](np.random.default_rng(seed), 72)], (12.0,))) for seed in range(100)]
    assert sum(found) <= 4


@pytest.mark.parametrize(
    "values", [np.full(50, 3.0), np.arange(50.0), np.arange(50.0) ** 2, np.exp(np.arange(50) / 9), np.zeros(3)]
)
def test_smooth_and_constant_series_have_none(values: Floats) -> None:
    """Neither do a line, a parabola, exponential growth and a constant."""
    assert find_seasons([values], (7.0, 12.0)) == ()


def found_in(values: Floats, *typical: float) -> list[int]:
    """Lengths of the seasons of one series, ascending."""
    return sorted(season.length for season in find_seasons([values], typical))


@pytest.mark.parametrize("seed", range(5))
def test_seasons_are_found(seed: int) -> None:
    """A week, a year, both, ten days, four hours of minutes, and months, on noise, trends and random walks."""
    rng, t = np.random.default_rng(seed), np.arange(1500)
    noise, walk = rng.normal(size=1500), 0.1 * rng.normal(size=1500).cumsum()
    year = 3 * np.sin(2 * np.pi * t / YEAR)
    days = (7.0, YEAR)
    assert found_in(WEEK[t % 7] + noise + 0.01 * t, *days) == [7]
    assert found_in(year + 10 + noise, *days) == [365]
    assert found_in((WEEK[t % 7] + year + noise + walk)[:1500], *days) == [7, 365]
    assert found_in((year + noise)[-740:], *days) == [365]
    assert found_in(np.array(t % 10.0, dtype=np.float64)[:300], *days) == [10]
    assert found_in(t % 10 + 2 * noise, *days) == [10]
    assert found_in(5.0 * (t % 240 < 120) + noise + walk, 1440.0) == [240]
    assert found_in((50 + 0.5 * t + 9 * rng.normal(size=12)[t % 12] + noise)[:72]) == [12]
    assert found_in(np.sin(2 * np.pi * t / 24) + (t // 24 % 7 > 4) + 0.5 * noise, 24.0, 168.0) == [24, 168]


def test_a_part_of_a_season_is_no_season_of_its_own() -> None:
    """Two peaks a day are a season of 24 hours, not of 12."""
    t, noise = np.arange(1000), np.random.default_rng(0).normal(size=1000)
    twice = np.sin(4 * np.pi * t / 24) + 0.3 * np.sin(2 * np.pi * t / 24)
    assert found_in(twice + 0.5 * noise, 24.0, 168.0) == [24]


def test_outliers_do_not_hide_a_season() -> None:
    """Three values a thousand times as large change nothing."""
    t = np.arange(400)
    values = WEEK[t % 7] + 0.5 * np.random.default_rng(0).normal(size=400)
    values[[50, 200, 333]] *= 1000
    assert found_in(values, 7.0, YEAR) == [7]


def test_a_shift_of_the_level_does_not_hide_a_season() -> None:
    """Months with a drop to two fifths for half a year."""
    t, rng = np.arange(96), np.random.default_rng(0)
    months = (100 + 10 * np.sin(2 * np.pi * t / 12)) * np.where((t > 50) & (t < 58), 0.4, 1) + 3 * rng.normal(size=96)
    assert found_in(months, 12.0) == [12]


def test_months_of_days_are_no_other_length(tmp_path: Path) -> None:
    """A payment on each 25th recurs after 30.4 days on average; the season of the models stays."""
    days = pd.date_range("2021-01-01", periods=900)
    values = 100 + 50.0 * (days.day == 25) + 5 * np.random.default_rng(0).normal(size=900)
    pd.DataFrame({"time": days, "y": values}).to_csv(tmp_path / "f.csv", index=False)
    calendar = read(tmp_path / "f.csv").calendar
    assert (calendar.season, calendar.seasons) == (7, (30,))


def test_a_scale_and_a_shift_change_nothing() -> None:
    """The result is that of the series in other units."""
    t = np.arange(400)
    values = 20 * np.random.default_rng(0).normal(size=400).cumsum() + 30 * WEEK[t % 7] - 5
    (first,), (second,) = find_seasons([values], (7.0,)), find_seasons([-1e-9 * values], (7.0,))
    assert first.length == second.length == 7
    assert first.fraction == pytest.approx(second.fraction)


def test_the_fraction_is_that_of_the_variance() -> None:
    """A week of variance 1 with noise of variance 1, of which 2/7 is slower than a week."""
    t, rng = np.arange(4000), np.random.default_rng(0)
    week = (WEEK - WEEK.mean()) / WEEK.std()
    (found,) = find_seasons([week[t % 7] + rng.normal(size=4000)], (7.0,))
    assert found.fraction == pytest.approx(1 / (1 + 5 / 7), abs=0.03)


def test_series_with_common_noise_are_not_independent() -> None:
    """A random walk that 20 series have in common is no more evidence than one."""
    alarms = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        common = rng.normal(size=100)
        alarms.append(bool(find_seasons([common + 0.3 * rng.normal(size=100) for _ in range(20)], (7.0,))))
    assert sum(alarms) <= 3


def test_a_season_must_be_in_half_of_the_series() -> None:
    """One weekly series of nine is not enough; nine are, though each is weak."""
    rng, t = np.random.default_rng(0), np.arange(400)
    plain = [rng.normal(size=400) for _ in range(9)]
    assert find_seasons([plain[0] + 2 * WEEK[t % 7], *plain[1:]], (7.0,)) == ()
    (found,) = find_seasons([values + WEEK[t % 7] for values in plain], (7.0,))
    assert found.length == 7


# --- the season of a panel ---


def panel_of(folder: Path, values: Floats, frequency: str | None = None, **options: object) -> Panel:
    """A file with these values, with times if there is a frequency."""
    columns: dict[str, object] = {"y": values.round(3)}
    if frequency:
        columns = {"time": pd.date_range("2021-01-04", periods=len(values), freq=frequency), **columns}
    pd.DataFrame(columns).to_csv(folder / "f.csv", index=False)
    return read(folder / "f.csv", ReadOptions(**options))  # type: ignore[arg-type]


def setting(panel: Panel) -> InferredSetting:
    """The season as an inferred setting."""
    (found,) = (one for one in panel.inferred if one.key is SettingKey.SEASON_LENGTH)
    return found


def test_the_default_season_is_kept(tmp_path: Path) -> None:
    """A week that is there, one that is not, and one with a year."""
    t, rng = np.arange(1200), np.random.default_rng(0)
    noise, year = rng.normal(size=1200), 9 * np.sin(2 * np.pi * t / YEAR)
    weekly, plain, yearly = (
        panel_of(tmp_path, y, "D") for y in (3 * WEEK[t % 7] + year + noise, noise.cumsum(), year + noise)
    )
    assert [panel.calendar.season for panel in (weekly, plain, yearly)] == [7, 7, 7]
    assert sorted(weekly.calendar.seasons) == [7, 365]
    assert (plain.calendar.seasons, yearly.calendar.seasons) == ((), (365,))
    assert [panel.calendar.naive_seasons for panel in (weekly, plain, yearly)] == [(7, 365), (7,), (7, 365)]
    assert "not visible" in setting(plain).reason
    assert "not visible" not in setting(weekly).reason
    assert "365" in setting(weekly).reason


@pytest.mark.parametrize(("length", "frequency"), [(10, "D"), (12, None), (240, "min"), (7, None), (24, None)])
def test_a_found_season_replaces_one_that_is_not_there(tmp_path: Path, length: int, frequency: str | None) -> None:
    """Ten days, and the seasons of numbered rows, which new data of a model keep."""
    rng = np.random.default_rng(length)
    values = 5 * rng.normal(size=length)[np.arange(12 * length) % length] + rng.normal(size=12 * length)
    panel = panel_of(tmp_path, values, frequency)
    assert (panel.calendar.season, setting(panel).value) == (length, str(length))
    assert Calendar.from_dict(panel.calendar.to_dict()) == panel.calendar
    again = panel_of(tmp_path, values, frequency, season_length=length)
    assert again.calendar == panel.calendar
    assert again.fingerprint() == panel.fingerprint()


def test_a_part_of_the_default_season_replaces_it_where_that_is_rare(tmp_path: Path) -> None:
    """Half a year does not replace a year that is known ten times, but six hours replace a day that is known twice."""
    rng = np.random.default_rng(0)
    months = 20 + 5 * WEEK[:6][np.arange(120) % 6] + rng.normal(size=120)
    minutes = 20 + 5.0 * (np.arange(1000) % 120 < 30) + rng.normal(size=1000)
    half_years, hours = panel_of(tmp_path, months, "MS"), panel_of(tmp_path, minutes, "3min")
    assert (half_years.calendar.season, half_years.calendar.seasons) == (12, (6,))
    assert (hours.calendar.season, hours.calendar.grid.season) == (120, 480)


def test_a_pinned_season_stays(tmp_path: Path) -> None:
    """The others are named."""
    panel = panel_of(tmp_path, np.array(np.arange(300) % 10.0, dtype=np.float64), "D", season_length=7)
    assert (panel.calendar.season, panel.calendar.seasons) == (7, (10,))
    assert "10" in setting(panel).reason


@pytest.mark.parametrize(
    ("frequency", "lengths"),
    [
        ("D", (7, YEAR / 12, YEAR)),
        ("h", (24, 168, 24 * YEAR)),
        ("MS", (12,)),
        ("QS", (4,)),
        ("W-MON", (YEAR / 7,)),
        ("B", (5, 5 * YEAR / 7)),
        ("YS", ()),
        ("s", (60, 3600, 86400)),
        (None, (7, 24, YEAR / 7, YEAR)),
    ],
)
def test_lengths_of_the_calendar(tmp_path: Path, frequency: str | None, lengths: tuple[float, ...]) -> None:
    """Days, weeks and years in steps."""
    panel = panel_of(tmp_path, np.random.default_rng(0).normal(size=40), frequency)
    found = calendar_lengths(panel.calendar.grid)
    assert [length for length in found if length < 1e6] == pytest.approx(lengths)
