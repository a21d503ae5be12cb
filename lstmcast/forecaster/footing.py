"""What a forecast stands on: the transform, level and seasonal profile that forecast best without any network.

The candidates forecast H steps from origins inside the steps to learn from, each knowing only what came before. A
network then learns what the best of them leave over.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from lstmcast.data.panel import Panel
from lstmcast.evaluation.origins import evenly
from lstmcast.forecaster.measure import ScalingSpec
from lstmcast.forecaster.running import ForecastPipeline
from lstmcast.forecaster.truth import honest, outcomes, usual_steps
from lstmcast.model.heads import QuantileHead
from lstmcast.model.scaling import Kind
from lstmcast.model.windows import WindowSpec

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

SERIES, ORIGINS, STEPS = 200, 100, 300  # at most that many series, origins of each and steps ahead are compared
GAIN = 0.99  # a later candidate must be better by 1 %: the first are the plainest
MANY, MUCH = 30, 0.7  # series, of which logs make one family: another transform must be better by 30 %


@dataclass(frozen=True)
class PreprocessingSpec:
    """One candidate.

    Attributes:
        kind: the transform.
        level: steps whose mean is the level.
        season: steps in a season of the profile.
        seasons: how many it averages; 0: no profile.
    """

    kind: Kind
    level: int
    season: int
    seasons: int

    def __str__(self) -> str:
        level = "last value" if self.level == 1 else f"mean of last {self.level}"
        return f"{level} + profile of {self.seasons} × {self.season}" if self.seasons else level


def candidates(
    kind: Kind, season: int, *, longer: int | None, seasons: Sequence[int], level: int | Literal["auto"]
) -> Iterator[PreprocessingSpec]:
    """Level and profile for one transform, plainest first.

    Args:
        kind: the transform.
        season: steps in a season, 1 for none.
        longer: a second season to try (a week of hours), if any.
        seasons: how many a profile may average.
        level: the steps of the level, where they are pinned.
    """
    usual = (1, season) if season > 1 else (1, 3, 8)
    for steps in usual if level == "auto" else (level,):
        for period in (season, longer) if longer else (season,):
            yield from (PreprocessingSpec(kind, steps, period, k) for k in seasons if k or period == season)


def choose_footings(
    past: Panel, horizon: int, plain: Sequence[PreprocessingSpec], kinds: Sequence[Kind]
) -> list[tuple[PreprocessingSpec, float]]:
    """Rank footings by mean absolute error in units of each series' usual step: level and profile, then transform.

    Args:
        past: the steps to learn from.
        horizon: H.
        plain: candidates of one transform, plainest first.
        kinds: other transforms to try with the best level and profile.

    Returns:
        The best of each level, best first, each with its error over that of the first candidate.
    """
    trial = _CandidateValidation.of(past.select(evenly(np.arange(past.n_series), SERIES)), min(horizon, STEPS))
    errors = {footing: trial.error(footing) for footing in plain}
    first = errors[plain[0]] or 1.0
    best = _first_best(errors)
    others = (replace(best, kind=kind) for kind in kinds if kind != best.kind)
    of_kind = {best: errors[best], **{other: trial.error(other) for other in others}}
    kind = _first_best(of_kind, GAIN if past.n_series < MANY else MUCH).kind
    ranked = []
    for level in dict.fromkeys(footing.level for footing in plain):
        of_level = _first_best({footing: error for footing, error in errors.items() if footing.level == level})
        ranked.append((replace(of_level, kind=kind), errors[of_level] / first))
    return sorted(ranked, key=lambda pair: pair[1])


@dataclass(frozen=True)
class _CandidateValidation:
    """Origins inside a panel, what came after them, and what one step is worth: [B], [B], [B, H], [B, 1]."""

    panel: Panel
    series: Ints
    origins: Ints
    actual: Floats
    unit: Floats

    @classmethod
    def of(cls, panel: Panel, horizon: int) -> _CandidateValidation:
        """Evenly spaced origins in the later half of each series."""
        series, origins = [], []
        for k, length in enumerate(panel.lengths.tolist()):
            room = (
                np.arange(length // 2, length - horizon) if length - horizon > length // 2 else np.array([length // 2])
            )
            picked = evenly(room, max(1, ORIGINS * 20 // max(20, panel.n_series)))
            series += [k] * len(picked)
            origins += picked.tolist()
        where = np.array(series, dtype=np.int64), np.array(origins, dtype=np.int64)
        if (fair := honest(panel, *where, horizon)).any():
            where = where[0][fair], where[1][fair]
        return cls(panel, *where, outcomes(panel, *where, horizon), usual_steps(panel)[where[0], None])

    def error(self, footing: PreprocessingSpec) -> float:
        """The footing's own forecasts held against what came: mean |y − f| in usual steps."""
        shape = WindowSpec(context=1, lags=1, level=footing.level, season=footing.season, seasons=footing.seasons)
        running = ForecastPipeline((), QuantileHead(), shape, ScalingSpec(footing.kind), {}).on(self.panel)
        said = running.back(running.base(self.series, self.origins, self.actual.shape[1]), self.series)
        off = np.abs(said - self.actual) / self.unit
        return float(np.nanmean(off)) if not np.isnan(off).all() else 0.0  # nothing known: all are as good


def _first_best(errors: Mapping[PreprocessingSpec, float], gain: float = GAIN) -> PreprocessingSpec:
    """The first that no later one beats by a margin."""
    best = next(iter(errors))
    for footing, error in errors.items():
        if error < gain * errors[best]:
            best = footing
    return best
