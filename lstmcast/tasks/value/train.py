"""Training steps of the value task."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lstmcast.data.panel import Panel
from lstmcast.errors import UsageError
from lstmcast.forecasting.actuals import tail
from lstmcast.forecasting.ensemble_weights import attach_pretrained, borrow_interval_widths, weight_members
from lstmcast.forecasting.evaluate import HoldoutEvaluation, evaluate_holdout
from lstmcast.forecasting.fitting import EnsembleFitter, HoldoutFit, ProgressCallback
from lstmcast.forecasting.forecaster import Forecaster
from lstmcast.forecasting.pipeline import EnsembleMember, ForecastPipeline
from lstmcast.forecasting.planning import TrainingPlan
from lstmcast.forecasting.report import report
from lstmcast.forecasting.train import plan_training, uses_pretrained
from lstmcast.forecasting.warm_start import WarmStart
from lstmcast.tasks import pipeline as task_pipeline
from lstmcast.tasks.pipeline import MAX_CHECKED_SERIES, FitOptions, Training
from lstmcast.types import Array

if TYPE_CHECKING:
    from lstmcast.config import Config
    from lstmcast.persistence.checkpoint import Checkpoint

Fitted = tuple[HoldoutFit, EnsembleMember | None]  # the fit before the hold-out, and the pretrained member


@dataclass(frozen=True)
class ValueTraining(Training[Fitted, ForecastPipeline, HoldoutEvaluation, Forecaster]):
    """One training run of a forecaster.

    Attributes:
        plan: the decisions.
        panel: the data.
        config: the settings.
        warm_start: initial weights; None: random ones.
    """

    plan: TrainingPlan
    panel: Panel
    config: Config
    warm_start: WarmStart | None

    @classmethod
    def of(cls, panel: Panel, config: Config, start: Forecaster | None = None) -> ValueTraining:
        """Plan the training of a panel; arguments and errors as in `train`."""
        if (task := config.model.task) != "value":
            raise UsageError(
                f"model.task: train makes forecasters of values (got {task!r}); lstmcast.tasks.get_task({task!r}) "
                "trains such models"
            )
        plan, warm_start = plan_training(panel, config, start)
        return cls(plan, panel, config, warm_start)

    def fit(self, options: FitOptions) -> Fitted:
        """Fit every preprocessing variant before the hold-out; select one and weight the members by validation."""
        fitted = self._fitter(options).fit_before_holdout()
        if uses_pretrained(self.plan, self.config):
            return weight_members(self.plan, fitted, pinned=self.config.model.smoothing_weight != "auto")
        return borrow_interval_widths(self.plan, fitted)

    def _fitter(self, options: FitOptions) -> EnsembleFitter:
        return EnsembleFitter(self.plan, self.warm_start, options.on_progress, options.checkpoint)

    def evaluate(self, holdout: Fitted) -> HoldoutEvaluation:
        """Score the forecasts from the test origins, and calibrate the intervals on them."""
        return evaluate_holdout(holdout[0].pipeline, self.plan.split, self.plan.levels)

    def finish(self, holdout: Fitted, options: FitOptions) -> ForecastPipeline:
        """Refit on all data where the plan asks for it; attach the pretrained member."""
        fitted, member = holdout
        if not self.plan.refit:
            return fitted.pipeline
        pipeline = self._fitter(options).refit_all(fitted)
        return attach_pretrained(pipeline, member, self.panel) if member else pipeline

    def forward_inputs(self, pipeline: ForecastPipeline) -> Array:
        """Return the newest window of each of the first series."""
        first = self.panel.select(np.arange(min(self.panel.n_series, MAX_CHECKED_SERIES)))
        windows, context = pipeline.bind(first).windows, pipeline.window_spec.context
        series = np.arange(len(windows.offsets) - 1)
        return windows.inputs(series, np.diff(windows.offsets) - context, context)

    def model(self, pipeline: ForecastPipeline, holdout: Fitted, evaluation: HoldoutEvaluation) -> Forecaster:
        """Assemble the forecaster."""
        fitted, _ = holdout
        return Forecaster(
            pipeline=pipeline,
            holdout_pipeline=fitted.pipeline,
            calibration=evaluation.calibration,
            context=tail(self.panel, pipeline.required_history),
            holdout=evaluation.holdout,
            report=report(self.panel, self.config, self.plan, evaluation.evaluation, fitted.selection, pipeline),
        )


def train(
    panel: Panel,
    config: Config,
    *,
    checkpoint: Checkpoint | None = None,
    on_progress: ProgressCallback = lambda _: None,
    planned: Callable[[TrainingPlan], None] = lambda _: None,
    start: Forecaster | None = None,
) -> Forecaster:
    """Train a forecaster.

    Args:
        panel: the data.
        config: the settings.
        checkpoint: stores and restores the state of each fit; see `training_fingerprint`.
        on_progress: called after every epoch.
        planned: called once, with the plan, before the first fit.
        start: a forecaster whose weights are the initial ones where they fit; None: as in the config.

    Raises:
        UsageError: TensorFlow is not installed, or the config is that of another task.
        ConfigError: pretrained networks do not predict the levels asked for.
        DataError: too little data, or values that cannot be transformed.
        ModelError: training diverged, or the NumPy and Keras forward passes differ.
    """
    training = ValueTraining.of(panel, config, start)
    planned(training.plan)
    return task_pipeline.train(training, FitOptions(on_progress, checkpoint))
