"""Plan of a training, and of fine-tuning of pretrained networks.

Fine-tuning keeps the preprocessing of the pretrained model. A network stays unchanged if no epoch reduces its
validation error; without early stopping, all are fine-tuned.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lstmcast.data.panel import Panel
from lstmcast.data.schema import InferredSetting, SettingKey
from lstmcast.errors import ConfigError
from lstmcast.forecasting.forecaster import Forecaster
from lstmcast.forecasting.planning import make_plan
from lstmcast.forecasting.plans import TrainingPlan
from lstmcast.forecasting.pretrained import load_pretrained, select_pretrained
from lstmcast.forecasting.pretrained_members import PLANNED_SMOOTHING_WEIGHT
from lstmcast.forecasting.warm_start import WarmStart, apply_warm_start
from lstmcast.nn.keras_backend import Architecture

if TYPE_CHECKING:
    from lstmcast.config import ValueConfig


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


def uses_pretrained(plan: TrainingPlan, config: ValueConfig) -> bool:
    """Return True if pretrained networks join the ensemble: not without early stopping, which means plenty of data."""
    return config.train.init in {"ensemble", "auto"} and plan.recipe.patience is not None
