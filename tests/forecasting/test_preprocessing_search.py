"""The preprocessing search recovers the level and season of synthetic series and uses only past values."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lstmcast.data.load import read
from lstmcast.data.panel import Panel
from lstmcast.forecasting.preprocessing_search import PreprocessingSpec, preprocessing_candidates, rank_preprocessing

Write = Callable[..., Path]


def panel_of(path: Path, write: Write, values: np.ndarray) -> Panel:
    """One daily series."""
    return read(write(path / "x.csv", {"a": values}))


def best(panel: Panel, horizon: int = 7, transforms: tuple[str, ...] = ("none",)) -> PreprocessingSpec:
    """The best preprocessing of the usual candidates."""
    plain = list(preprocessing_candidates(transforms[0], 7, longer=None, seasons=(0, 1, 2, 4), level="auto"))
    return rank_preprocessing(panel, horizon, plain, transforms)[0][0]


def test_candidates_are_all_combinations_plainest_first() -> None:
    """Last value first, then the season's mean; profiles of growing number; a longer season has no second 'none'."""
    candidates = [
        (f.level_window, f.season_length, f.profile_seasons)
        for f in preprocessing_candidates("log", 24, longer=168, seasons=(0, 1), level="auto")
    ]
    assert candidates[0] == (1, 24, 0)
    assert set(candidates) == {(m, *rest) for m in (1, 24) for rest in ((24, 0), (24, 1), (168, 1))}
    assert len(candidates) == 6
    pinned = list(preprocessing_candidates("none", 12, longer=None, seasons=(3,), level=5))
    assert pinned == [PreprocessingSpec("none", 5, 12, 3)]


def test_without_a_season_levels_are_a_few_lengths() -> None:
    """Data without a season have several levels to choose from, and the last value is the first."""
    levels = [f.level_window for f in preprocessing_candidates("none", 1, longer=None, seasons=(0,), level="auto")]
    assert levels[0] == 1
    assert levels == sorted(set(levels))
    assert len(levels) > 1


@pytest.mark.parametrize(
    ("preprocessing", "words"),
    [
        (PreprocessingSpec("log", 1, 12, 0), "last value"),
        (PreprocessingSpec("log", 12, 12, 0), "mean of last 12"),
        (PreprocessingSpec("log", 1, 12, 1), "last value + profile of 1 × 12"),
        (PreprocessingSpec("log", 7, 7, 4), "mean of last 7 + profile of 4 × 7"),
    ],
)
def test_a_preprocessing_in_words(preprocessing: PreprocessingSpec, words: str) -> None:
    """A preprocessing is described in words."""
    assert str(preprocessing) == words


def test_an_exact_season_is_found(tmp_path: Path, write_series: Write) -> None:
    """A weekly pattern is forecast with a profile of seven."""
    values = np.tile([5.0, 1, 2, 9, 4, 4, 12], 20)
    preprocessing = best(panel_of(tmp_path, write_series, values))
    assert preprocessing.profile_seasons >= 1
    assert preprocessing.season_length == 7


def test_a_random_walk_stands_on_its_last_value(tmp_path: Path, write_series: Write) -> None:
    """A random walk has no profile and the last value as its level."""
    values = 1000 + np.cumsum(np.random.default_rng(3).normal(size=400))
    preprocessing = best(panel_of(tmp_path, write_series, values))
    assert (preprocessing.level_window, preprocessing.profile_seasons) == (1, 0)


def test_noise_stands_on_a_mean(tmp_path: Path, write_series: Write) -> None:
    """Noise around a constant is forecast by the mean of a season, not by its last value."""
    values = 100 + np.random.default_rng(4).normal(size=400)
    assert best(panel_of(tmp_path, write_series, values)).level_window == 7


def test_growth_in_percent_stands_on_logs(tmp_path: Path, write_series: Write) -> None:
    """A season that grows with the level is one profile in logs, so logs are chosen over the values as they are."""
    t = np.arange(280)
    values = np.exp(0.01 * t) * np.tile([5.0, 1, 2, 9, 4, 4, 12], 40)
    assert best(panel_of(tmp_path, write_series, values), transforms=("none", "log")).transform == "log"


def test_ranked_best_first_one_for_each_level(tmp_path: Path, write_series: Write) -> None:
    """The ranking has one preprocessing for each level, with ascending errors."""
    values = 100 + np.random.default_rng(5).normal(size=300)
    plain = list(preprocessing_candidates("none", 7, longer=None, seasons=(0, 1), level="auto"))
    ranked = rank_preprocessing(panel_of(tmp_path, write_series, values), 7, plain, ("none",))
    assert {preprocessing.level_window for preprocessing, _ in ranked} == {1, 7}
    errors = [error for _, error in ranked]
    assert errors == sorted(errors)
    assert errors[0] <= 1


def test_a_constant_series_has_a_preprocessing(tmp_path: Path, write_series: Write) -> None:
    """A constant series divides nothing by zero: the plainest candidate is kept."""
    preprocessing = best(panel_of(tmp_path, write_series, np.full(60, 7.0)))
    assert (preprocessing.level_window, preprocessing.profile_seasons) == (1, 0)
