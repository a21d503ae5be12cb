"""Training of a Forecaster, and fine-tuning of pretrained networks.

They see the data as they always did: in their unit, their steps and their window. Where learning on makes their
forecasts of the stopping origins no better, they stay as they are; where nothing stops early, all learn on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from lstmcast.data.panel import Panel
from lstmcast.data.schema import InferredSetting, SettingKey
from lstmcast.errors import ConfigError, UsageError
from lstmcast.forecasting.actuals import tail
from lstmcast.forecasting.ensemble_weights import SMOOTHING, attach_pretrained, borrow_interval_widths, weight_members
from lstmcast.forecasting.evaluate import evaluate_holdout
from lstmcast.forecasting.fitting import EnsembleFitter, ProgressCallback
from lstmcast.forecasting.forecaster import Forecaster
from lstmcast.forecasting.pipeline import EnsembleMember, ForecastPipeline
from lstmcast.forecasting.planning import PreprocessingVariant, TrainingPlan, make_plan
from lstmcast.forecasting.pretrained import load_pretrained_forecaster, select_pretrained
from lstmcast.forecasting.report import report
from lstmcast.forecasting.warm_start import WarmStart, apply_warm_start
from lstmcast.nn.keras_backend import Architecture, check_forward, load_keras
from lstmcast.persistence.checkpoint import Checkpoint

if TYPE_CHECKING:
    from lstmcast.config import Config


def plan_fine_tuning(plan: TrainingPlan) -> tuple[TrainingPlan, WarmStart]:
    """The plan as pretrained networks go on with it, and their weights.

    Args:
        plan: as made for the panel from the start; what it holds out, its horizon and its recipe stay.
    """
    past = plan.split.past
    known = load_pretrained_forecaster(past).pipeline
    layers = known.networks[0]
    architecture = Architecture(
        context=known.window_spec.context,
        lags=known.window_spec.lags,
        units=tuple(layer.units for layer in layers.layers),
        head=known.head,
        activation=layers.activation,
        skip=layers.skip,
        dropout=0.0,
    )
    variant = PreprocessingVariant(known.scaling_spec, known.window_spec, known.typical_step, known.phases)
    kept = tuple(
        setting
        for setting in plan.inferred
        if setting.key not in {SettingKey.TRANSFORM, SettingKey.PREPROCESSING, SettingKey.WINDOW, SettingKey.ENSEMBLE}
    )
    found = InferredSetting(SettingKey.INIT, "pretrained", f"{select_pretrained(past).reason} models")
    smoothing, half = (
        (known.smoothing_weight, known.smoothing_half_length)
        if plan.smoothing_weight is None
        else (plan.smoothing_weight, 0)
    )
    plan = replace(
        plan,
        variants=(variant,),
        architecture=architecture,
        head=known.head,
        recipe=replace(plan.recipe, loss=known.head.loss_name, winsorize=None),
        networks=len(known.networks),
        smoothing_weight=smoothing,
        smoothing_half_length=half,
        inferred=(*kept, found),
    )
    return plan, WarmStart(known.networks, known.networks, may_stay=True)


def check_levels(plan: TrainingPlan) -> None:
    """Refuse levels that the networks' own quantiles are not of.

    Raises:
        ConfigError: as it says.
    """
    if plan.head.levels and plan.levels != plan.head.levels:
        levels_text = " and ".join(f"{level:g}" for level in plan.head.levels)
        raise ConfigError(
            f"forecast.levels: pretrained networks say the bounds of the {levels_text} % intervals "
            f"(got {', '.join(f'{level:g}' for level in plan.levels)}); leave it out, or train.start: scratch"
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
    """Train a forecaster: plan, fit with early stopping, judge on later origins, fit again on all the data.

    Args:
        panel: the past.
        config: how.
        checkpoint: where each fit leaves what it has reached, and goes on from; see `identity`.
        on_progress: called after every epoch.
        planned: called once, with everything that was decided.
        start: a forecaster whose weights the networks go on from, where they fit (see `warm`); None: the config says.

    Raises:
        UsageError: TensorFlow is not installed, or the config asks for something else than values.
        ConfigError: pretrained networks are asked for bounds that they do not say.
        DataError: too little data, or not transformable as asked.
        ModelError: training exploded, or the two forward passes differ.
    """
    if (head := config.model.head) != "value":
        raise UsageError(
            f"model.head: train makes forecasters of values (got {head!r}); lstmcast.tasks.get_task({head!r}) has the "
            "verbs for it"
        )
    load_keras()
    plan, warm = _plan_and_start(panel, config, start)
    planned(plan)
    group = EnsembleFitter(plan, warm, on_progress, checkpoint)
    fitted = group.fit_before_holdout()
    member: EnsembleMember | None
    if _with_pretrained(plan, config):
        fitted, member = weight_members(plan, fitted, pinned=config.model.smoothing != "auto")
    else:
        fitted, member = borrow_interval_widths(plan, fitted)
    pipeline = holdout_pipeline = fitted.pipeline
    evaluation = evaluate_holdout(holdout_pipeline, plan.split, plan.levels)
    if plan.refit:
        pipeline = group.refit_all(fitted)
        pipeline = attach_pretrained(pipeline, member, panel) if member else pipeline
    _check(pipeline, panel, plan)
    return Forecaster(
        pipeline=pipeline,
        holdout_pipeline=holdout_pipeline,
        calibration=evaluation.calibration,
        context=tail(panel, pipeline.required_history),
        holdout=evaluation.holdout,
        report=report(panel, config, plan, evaluation, fitted.selection, pipeline),
    )


def _plan_and_start(panel: Panel, config: Config, start: Forecaster | None) -> tuple[TrainingPlan, WarmStart | None]:
    """The plan, and the weights to go on from: those of a forecaster where they fit, else as the config says."""
    plan, warm = make_plan(panel, config), None
    if config.train.start == "pretrained":
        plan, warm = plan_fine_tuning(plan)
        check_levels(plan)
    if start is not None:
        going_on, own = apply_warm_start(plan, start)
        plan, warm = (plan, warm) if warm and not own else (going_on, own)
    if _with_pretrained(plan, config):
        reason = select_pretrained(plan.split.past).reason
        found = InferredSetting(SettingKey.ENSEMBLE, "+ pretrained", f"{reason} models")
        smoothing = SMOOTHING if plan.smoothing_weight is None else plan.smoothing_weight
        plan = replace(plan, smoothing_weight=smoothing, inferred=(*plan.inferred, found))
    return plan, warm


def _with_pretrained(plan: TrainingPlan, config: Config) -> bool:
    """Whether pretrained networks speak too: not where nothing stops early, for so many values teach enough."""
    return config.train.start == "auto" and plan.recipe.patience is not None


def _check(pipeline: ForecastPipeline, panel: Panel, plan: TrainingPlan) -> None:
    """Hold the NumPy forward pass against Keras's on the windows that the forecast will be made from."""
    some = panel.select(np.arange(min(panel.n_series, 64)))
    windows, context = pipeline.bind(some).windows, pipeline.window_spec.context
    series = np.arange(len(windows.offsets) - 1)
    x = windows.inputs(series, np.diff(windows.offsets) - context, context)
    for network in pipeline.networks:
        check_forward(network, plan.architecture, x)
