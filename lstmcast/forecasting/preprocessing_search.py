"""Search for the preprocessing: transform, level and seasonal profile with the smallest error without a network.

The candidates forecast H steps from origins inside the training data. A network is then trained on the residuals of the
best ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from lstmcast.data.panel import Panel
from lstmcast.evaluation.splits import evenly
from lstmcast.forecasting.split_data import actuals_after, naive_scales, valid_origins
from lstmcast.preprocessing.panel_scaling import BoundPanel, Preprocessing, ScalingSpec
from lstmcast.preprocessing.scaling import TransformName
from lstmcast.preprocessing.windows import WindowSpec
from lstmcast.types import Floats, Ints

SERIES, ORIGINS, STEPS = 200, 100, 300  # at most
GAIN = 0.99  # a later, more complex candidate must be better by 1 %
MIN_SERIES_FOR_LOGS, FAMILY_GAIN = (
    30,
    0.7,
)  # of many series, where logs are comparable: another transform must be better by 30 %


@dataclass(frozen=True)
class PreprocessingSpec:
    """A candidate.

    Attributes:
        transform: log, sqrt or none.
        level_window: steps whose mean is the level.
        season_length: steps in a season of the profile.
        profile_seasons: number of seasons in the profile; 0: no profile.
    """

    transform: TransformName
    level_window: int
    season_length: int
    profile_seasons: int

    def __str__(self) -> str:
        return self.preprocessing.window_spec.baseline

    @property
    def preprocessing(self) -> Preprocessing:
        """The preprocessing, without windows of a network."""
        spec = WindowSpec(
            context=1,
            lags=1,
            level_window=self.level_window,
            season_length=self.season_length,
            profile_seasons=self.profile_seasons,
        )
        return Preprocessing(ScalingSpec(self.transform), spec)


def preprocessing_candidates(
    transform: TransformName, season: int, *, longer: int | None, seasons: Sequence[int], level: int | Literal["auto"]
) -> Iterator[PreprocessingSpec]:
    """Yield candidates of one transform, simplest first.

    Args:
        transform: the transform.
        season: steps in a season, 1 for none.
        longer: a second season to try (a week of hours), if any.
        seasons: numbers of seasons in a profile.
        level: steps of the level, or `auto`.
    """
    default_levels = (1, season) if season > 1 else (1, 3, 8)
    for steps in default_levels if level == "auto" else (level,):
        for period in (season, longer) if longer else (season,):
            yield from (PreprocessingSpec(transform, steps, period, k) for k in seasons if k or period == season)


def rank_preprocessing(
    past: Panel, horizon: int, candidates: Sequence[PreprocessingSpec], transforms: Sequence[TransformName]
) -> list[tuple[PreprocessingSpec, float]]:
    """Rank candidates by their mean absolute error, scaled by series: level and profile first, then the transform.

    Args:
        past: the training data.
        horizon: H.
        candidates: those of one transform, simplest first.
        transforms: other transforms to try with the best level and profile.

    Returns:
        The best candidate of each level, best first, with its error relative to that of the first candidate.
    """
    some = past if past.n_series <= SERIES else past.select(evenly(np.arange(past.n_series), SERIES))
    trial = _CandidateValidation.of(some, min(horizon, STEPS))
    errors = {candidate: trial.error(candidate) for candidate in candidates}
    first = errors[candidates[0]] or 1.0
    best = _first_best(errors)
    alternatives = (replace(best, transform=transform) for transform in transforms if transform != best.transform)
    by_transform = {best: errors[best], **{other: trial.error(other) for other in alternatives}}
    transform = _first_best(by_transform, GAIN if past.n_series < MIN_SERIES_FOR_LOGS else FAMILY_GAIN).transform
    ranked = []
    for level in dict.fromkeys(candidate.level_window for candidate in candidates):
        of_level = _first_best(
            {candidate: error for candidate, error in errors.items() if candidate.level_window == level}
        )
        ranked.append((replace(of_level, transform=transform), errors[of_level] / first))
    return sorted(ranked, key=lambda pair: pair[1])


@dataclass(frozen=True)
class _CandidateValidation:
    """Origins inside the training data, at which candidates are compared.

    Attributes:
        panel: the data.
        series, origins: [B].
        actual: [B, H] values after them.
        scale: [B, 1] mean one-step change of each series.
        bound: the panel after each transform and level, filled as candidates need them.
    """

    panel: Panel
    series: Ints
    origins: Ints
    actual: Floats
    scale: Floats
    bound: dict[tuple[TransformName, int], BoundPanel] = field(default_factory=dict)

    @classmethod
    def of(cls, panel: Panel, horizon: int) -> _CandidateValidation:
        """Select evenly spaced origins in the second half of each series."""
        series, origins = [], []
        for k, length in enumerate(panel.lengths.tolist()):
            room = (
                np.arange(length // 2, length - horizon) if length - horizon > length // 2 else np.array([length // 2])
            )
            picked = evenly(room, max(1, ORIGINS * 20 // max(20, panel.n_series)))
            series += [k] * len(picked)
            origins += picked.tolist()
        where = np.array(series, dtype=np.int64), np.array(origins, dtype=np.int64)
        if (valid := valid_origins(panel, *where, horizon)).any():
            where = where[0][valid], where[1][valid]
        return cls(panel, *where, actuals_after(panel, *where, horizon), naive_scales(panel)[where[0], None])

    def error(self, candidate: PreprocessingSpec) -> float:
        """Mean |y − f| of level and profile, in units of each series' mean one-step change."""
        key, preprocessing = (candidate.transform, candidate.level_window), candidate.preprocessing
        if key not in self.bound:
            self.bound[key] = replace(candidate, profile_seasons=0).preprocessing.bind(self.panel)
        bound = self.bound[key].with_profile(preprocessing)
        z = bound.level_and_profile(self.series, self.origins, self.actual.shape[1])
        error = np.abs(bound.inverse_transform(z, self.series) - self.actual) / self.scale
        return float(np.nanmean(error)) if not np.isnan(error).all() else 0.0  # nothing observed: a tie


def _first_best(errors: Mapping[PreprocessingSpec, float], gain: float = GAIN) -> PreprocessingSpec:
    """Return the first candidate that no later one beats by a margin."""
    best = next(iter(errors))
    for candidate, error in errors.items():
        if error < gain * errors[best]:
            best = candidate
    return best
