"""Plan and steps of a training of values.

Fine-tuning keeps the preprocessing of the pretrained model. A network stays unchanged if no epoch reduces its
validation error; without early stopping, all are fine-tuned.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from lstmcast.data.panel import Panel
from lstmcast.data.schema import InferredSetting, SettingKey
from lstmcast.errors import ConfigError
from lstmcast.forecasting.ensemble.ensemble import BoundEnsemble
from lstmcast.forecasting.ensemble.pretrained_members import (
    PLANNED_SMOOTHING_WEIGHT,
    add_pretrained,
    borrow_interval_widths,
)
from lstmcast.forecasting.evaluate import HoldoutEvaluation, evaluate_holdout, report
from lstmcast.forecasting.fitting import EnsembleFitter, HoldoutFit
from lstmcast.forecasting.forecaster import Forecaster
from lstmcast.forecasting.planning import make_plan
from lstmcast.forecasting.plans import TrainingPlan
from lstmcast.forecasting.pretrained import load_pretrained, select_pretrained
from lstmcast.forecasting.split_data import tail
from lstmcast.forecasting.warm_start import WarmStart, apply_warm_start
from lstmcast.nn.keras_backend import Architecture
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


def plan_training(panel: Panel, config: ValueConfig, start: Forecaster | None) -> tuple[TrainingPlan, WarmStart | None]:
    """Return the plan and the initial weights: those of `start` where they fit, else as in the config."""
    plan, warm = make_plan(panel, config), None
    if config.train.init == "fine_tune":
        plan, warm = plan_fine_tuning(plan)
        check_levels(plan)
    if start is not None:
        going_on, own = apply_warm_start(plan, start)
        plan, warm = (plan, warm) if warm and not own else (going_on, own)
    if uses_pretrained(plan, config):
        reason = select_pretrained(plan.split.past).reason
        found = InferredSetting(SettingKey.ENSEMBLE, "+ pretrained", f"{reason} models")
        smoothing = PLANNED_SMOOTHING_WEIGHT if plan.smoothing_weight is None else plan.smoothing_weight
        plan = replace(plan, smoothing_weight=smoothing, inferred=(*plan.inferred, found))
    return plan, warm


def plan_fine_tuning(plan: TrainingPlan) -> tuple[TrainingPlan, WarmStart]:
    """Adapt a plan to the pretrained networks, and return their weights.

    Args:
        plan: for random initialization; its hold-out, horizon and recipe stay.
    """
    model = load_pretrained(plan.split.past)
    known, lstm, weights = model.ensemble.preprocessings[0], model.ensemble.lstm, model.ensemble.weights
    layers = lstm.networks[0]
    architecture = Architecture(
        context=known.window_spec.context,
        lags=known.features,
        units=tuple(layer.units for layer in layers.layers),
        head=lstm.head,
        activation=layers.activation,
        skip=layers.skip,
        dropout=0.0,
    )
    kept = tuple(
        setting
        for setting in plan.inferred
        if setting.key not in {SettingKey.TRANSFORM, SettingKey.PREPROCESSING, SettingKey.WINDOW, SettingKey.ENSEMBLE}
    )
    found = InferredSetting(SettingKey.INIT, "fine_tune", f"{model.selection.reason} models")
    smoothing, half = (
        (model.smoothing_fraction, weights.smoothing_half_length)
        if plan.smoothing_weight is None
        else (plan.smoothing_weight, 0)
    )
    plan = replace(
        plan,
        variants=(replace(known, horizon=plan.holdout.horizon),),
        architecture=architecture,
        head=lstm.head,
        recipe=replace(plan.recipe, loss=lstm.head.loss_name, winsorize=None),
        networks=len(lstm.networks),
        smoothing_weight=smoothing,
        smoothing_half_length=half,
        inferred=(*kept, found),
    )
    return plan, WarmStart(lstm.networks, lstm.networks, may_stay=True)


def check_levels(plan: TrainingPlan) -> None:
    """Refuse interval levels that the pretrained networks do not predict.

    Raises:
        ConfigError: the levels differ.
    """
    if plan.head.levels and plan.levels != plan.head.levels:
        levels_text = " and ".join(f"{level:g}" for level in plan.head.levels)
        raise ConfigError(
            f"forecast.levels: pretrained networks predict the bounds of the {levels_text} % intervals "
            f"(got {', '.join(f'{level:g}' for level in plan.levels)}); leave it out, or train.init: scratch"
        )


def uses_pretrained(plan: TrainingPlan, config: ValueConfig) -> bool:
    """Return True if pretrained networks join the ensemble: not without early stopping, which means plenty of data."""
    return config.train.init in {"ensemble", "auto"} and plan.recipe.patience is not None
