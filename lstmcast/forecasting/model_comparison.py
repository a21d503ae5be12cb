"""Comparison of a new model with the current one, on the newest steps, which neither was trained on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from lstmcast.data.panel import Panel
from lstmcast.evaluation import metrics
from lstmcast.evaluation.skill import MIN_EFFECT, Skill, bootstrap_groups, finite, skill
from lstmcast.evaluation.splits import HoldoutSplit
from lstmcast.forecasting.ensemble.ensemble import Ensemble
from lstmcast.forecasting.forecaster import Forecaster
from lstmcast.forecasting.split_data import actuals_after, naive_scales, valid_origins
from lstmcast.forecasting.warm_start import last_validation_step
from lstmcast.types import Floats, Ints


@dataclass(frozen=True)
class Comparison:
    """Errors of two forecasters at the same hold-out origins.

    Attributes:
        challenger, incumbent: mean |y − f|, in units of each series' mean one-step change; or mean Brier scores; or
            mean bits per symbol.
        origins: their number; 0: every origin was in the training data of one of them.
        skill: relative error reduction of the challenger, with an interval.
        unit: of the errors; empty: none.
    """

    challenger: float
    incumbent: float
    origins: int
    skill: Skill
    unit: str = "typical steps"

    @property
    def not_worse(self) -> bool:
        """True unless the challenger's error is larger by more than the smallest reported effect."""
        return self.skill.value > -MIN_EFFECT

    def to_dict(self) -> dict[str, Any]:
        """JSON values; null where undefined."""
        return {
            "challenger": finite(self.challenger),
            "incumbent": finite(self.incumbent),
            "origins": self.origins,
            "skill": finite(self.skill.value),
            "interval_95": [finite(bound) for bound in self.skill.interval_95],
        }


def compare(challenger: Forecaster, incumbent: Forecaster, panel: Panel) -> Comparison:
    """Compare the ensembles before their refit, so that neither was trained on the steps that score them.

    Args:
        challenger: trained on the panel.
        incumbent: trained on a part of it, or on the data before.
        panel: the newest data.
    """
    series, origins = _origins(challenger, incumbent, panel)
    horizon = challenger.horizon
    actual, scale = actuals_after(panel, series, origins, horizon), naive_scales(panel)[series]
    ours, incumbent_errors = (
        metrics.mae(actual, _forecasts(model.holdout_ensemble, panel, series, origins, horizon)) / scale
        for model in (challenger, incumbent)
    )
    groups = bootstrap_groups(series, origins, horizon) if len(series) else series
    result = skill(ours, incumbent_errors, groups, name="incumbent")
    return Comparison(_mean(ours), _mean(incumbent_errors), len(series), result)


def _origins(challenger: Forecaster, incumbent: Forecaster, panel: Panel) -> tuple[Ints, Ints]:
    """[B] series and test origins of the challenger that are later than the training data of the incumbent."""
    held = challenger.report.holdout
    holdout = HoldoutSplit(challenger.horizon, held.validation_steps, held.test_steps)
    series, origins = holdout.test_origins(panel.lengths)
    decided = last_validation_step(incumbent)
    until = np.array([decided.get(key, np.iinfo(np.int64).min) for key in panel.keys])[series]
    valid = valid_origins(panel, series, origins, challenger.horizon) & (panel.starts[series] + origins >= until)
    return series[valid], origins[valid]


def _forecasts(ensemble: Ensemble, panel: Panel, series: Ints, origins: Ints, horizon: int) -> Floats:
    """[B, H] forecasts in the unit of the target."""
    running = ensemble.bind(panel)
    return running.inverse_transform(running.forecast(series, origins, horizon).z, series)


def _mean(errors: Floats) -> float:
    known = errors[~np.isnan(errors)]
    return float(known.mean()) if len(known) else float("nan")
