"""Training steps of the value task."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lstmcast.data.panel import Panel
from lstmcast.forecasting.ensemble import BoundEnsemble
from lstmcast.forecasting.evaluate import HoldoutEvaluation, evaluate_holdout, report
from lstmcast.forecasting.fitting import EnsembleFitter, HoldoutFit
from lstmcast.forecasting.forecaster import Forecaster
from lstmcast.forecasting.plans import TrainingPlan
from lstmcast.forecasting.pretrained_members import add_pretrained, borrow_interval_widths
from lstmcast.forecasting.split_data import tail
from lstmcast.forecasting.train import plan_training, uses_pretrained
from lstmcast.forecasting.warm_start import WarmStart
from lstmcast.tasks.pipeline import MAX_CHECKED_SERIES, FitOptions, Training
from lstmcast.types import Array

if TYPE_CHECKING:
    from lstmcast.config import ValueConfig


@dataclass(frozen=True)
class ValueTraining(Training[HoldoutFit, BoundEnsemble, HoldoutEvaluation, Forecaster]):
    """One training run of a forecaster.

    Attributes:
        plan: the decisions.
        panel: the data.
        config: the settings.
        warm_start: initial weights; None: random ones.
    """

    plan: TrainingPlan
    panel: Panel
    config: ValueConfig
    warm_start: WarmStart | None

    @classmethod
    def of(cls, panel: Panel, config: ValueConfig, start: Forecaster | None = None) -> ValueTraining:
        """Plan the training of a panel; arguments and errors as in `lstmcast.train`."""
        plan, warm_start = plan_training(panel, config, start)
        return cls(plan, panel, config, warm_start)

    def fit(self, options: FitOptions) -> HoldoutFit:
        """Fit every preprocessing variant before the hold-out; select one and weight the members by validation."""
        fit = self._fitter(options).fit_before_holdout()
        if fit.validation and uses_pretrained(self.plan, self.config):
            return add_pretrained(fit, fit.validation, self.plan, pinned=self.config.model.smoothing_weight != "auto")
        return borrow_interval_widths(fit, self.plan)

    def _fitter(self, options: FitOptions) -> EnsembleFitter:
        return EnsembleFitter(self.plan, self.warm_start, options.on_progress, options.checkpoint)

    def evaluate(self, holdout: HoldoutFit) -> HoldoutEvaluation:
        """Score the forecasts from the test origins, and calibrate the intervals on them."""
        return evaluate_holdout(holdout.bound, self.plan.split, self.plan.levels)

    def finish(self, holdout: HoldoutFit, options: FitOptions) -> BoundEnsemble:
        """Refit on all data if the plan asks for it."""
        return self._fitter(options).refit_all(holdout) if self.plan.refit else holdout.bound

    def forward_inputs(self, pipeline: BoundEnsemble) -> Array:
        """Return the newest window of each of the first series."""
        windows, context = pipeline.panels[0].windows, self.plan.architecture.context
        count = MAX_CHECKED_SERIES * pipeline.panels[0].preprocessing.polyphase.count
        series = np.arange(min(len(windows.offsets) - 1, count))
        return windows.inputs(series, np.diff(windows.offsets)[series] - context, context)

    def model(self, pipeline: BoundEnsemble, holdout: HoldoutFit, evaluation: HoldoutEvaluation) -> Forecaster:
        """Assemble the forecaster."""
        return Forecaster(
            ensemble=pipeline.ensemble,
            holdout_ensemble=holdout.bound.ensemble,
            calibration=evaluation.calibration,
            context=tail(self.panel, pipeline.ensemble.required_history),
            holdout=evaluation.holdout,
            report=report(self.panel, self.config, self.plan, evaluation.evaluation, holdout.selection, pipeline),
        )
