"""Warm start: initial weights from the current model, without leakage of the new hold-out.

A model stores its networks twice: before and after the refit on all data. The new networks before the hold-out start
from the former, the refit ones from the latter. The new hold-out does not leak as long as all of it is later than the
training data of the old networks before their refit.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from lstmcast.data.panel import Panel
from lstmcast.data.schema import InferredSetting, SettingKey
from lstmcast.evaluation.splits import HoldoutSplit
from lstmcast.forecasting.forecaster import Forecaster
from lstmcast.forecasting.plans import TrainingPlan
from lstmcast.forecasting.split_data import SplitData
from lstmcast.nn.numpy_lstm import Network
from lstmcast.nn.specs import Recipe
from lstmcast.preprocessing.panel_scaling import Key
from lstmcast.preprocessing.scaling import valid_transforms

EPOCH_DIVISOR = 4  # of the epochs of the first fit
LEARNING_RATE_FACTOR = 0.3  # of the learning rate of the first fit


@dataclass(frozen=True)
class WarmStart:
    """Networks with initial weights.

    Attributes:
        holdout_networks: for the fit before the hold-out.
        final_networks: for the refit on all data.
        may_stay: whether a network stays as it is if no epoch has a smaller validation error.
    """

    holdout_networks: tuple[Network, ...]
    final_networks: tuple[Network, ...]
    may_stay: bool = False


def apply_warm_start(plan: TrainingPlan, start: Forecaster) -> tuple[TrainingPlan, WarmStart | None]:
    """Adapt a plan to the networks of a forecaster; return it unchanged, with the reason, if they do not fit.

    Args:
        plan: for random initialization.
        start: forecaster with the initial weights.
    """
    panel = plan.split.panel
    held = _unseen_holdout(plan.holdout, panel, start)
    reason = _unfit(plan, panel, start) or ("" if held else "the current model was trained on the new hold-out")
    if reason or held is None:
        return replace(plan, inferred=(*plan.inferred, InferredSetting(SettingKey.INIT, "fresh", reason))), None
    known = start.ensemble.preprocessings[0]
    variant = replace(
        plan.variants[0], scaling_spec=known.scaling_spec, window_spec=known.window_spec, drivers=known.drivers
    )
    found = (
        InferredSetting(SettingKey.PREPROCESSING, str(variant), "that of the current model"),
        InferredSetting(SettingKey.INIT, "warm", "from the weights of the current model"),
    )
    inferred = tuple(
        setting
        for setting in plan.inferred
        if setting.key not in {SettingKey.TRANSFORM, SettingKey.PREPROCESSING, SettingKey.WINDOW, SettingKey.INIT}
    )
    going_on = replace(
        plan,
        split=plan.split if held == plan.holdout else SplitData(panel, held),
        variants=(variant,),
        architecture=replace(plan.architecture, context=variant.window_spec.context, lags=variant.features),
        inferred=(*inferred, *found),
    )
    return going_on, WarmStart(start.holdout_ensemble.lstm.networks, start.ensemble.lstm.networks)


def fine_tuning_recipe(recipe: Recipe) -> Recipe:
    """Return the recipe for trained networks: a smaller learning rate, and fewer epochs without early stopping."""
    epochs = recipe.epochs if recipe.patience else -(-recipe.epochs // EPOCH_DIVISOR)
    return replace(recipe, epochs=epochs, decay=0, learning_rate=LEARNING_RATE_FACTOR * recipe.learning_rate)


def last_validation_step(forecaster: Forecaster) -> dict[Key, int]:
    """Return the calendar position of the last step of each series that networks, weights or epochs depend on."""
    return _before_the_end(forecaster, forecaster.report.holdout.test_steps)


def _before_the_end(forecaster: Forecaster, steps: int) -> dict[Key, int]:
    ends = forecaster.context.ends - steps
    return dict(zip(forecaster.context.keys, ends.tolist(), strict=True))


def _unfit(plan: TrainingPlan, panel: Panel, start: Forecaster) -> str:
    """Return the reason why the weights do not fit; empty if they do."""
    architecture, lstm, scaling = plan.architecture, start.ensemble.lstm, start.ensemble.preprocessings[0].scaling_spec
    network, transform = lstm.networks[0], scaling.transform
    planned = (architecture.head, architecture.units, architecture.activation, architecture.skip, plan.networks)
    units = tuple(layer.units for layer in network.layers)
    if planned != (lstm.head, units, network.activation, network.skip, len(lstm.networks)):
        return "the current model has another architecture"
    drivers = [each and each.layout for each in (plan.variants[0].drivers, start.ensemble.preprocessings[0].drivers)]
    if drivers[0] != drivers[1]:
        return "the current model has other covariates"
    if not scaling.allow_untransformed and transform not in valid_transforms(panel.values):
        return f"the transform of the current model, {transform}, is impossible for the newest values"
    return ""


def _unseen_holdout(held: HoldoutSplit, panel: Panel, start: Forecaster) -> HoldoutSplit | None:
    """Return a hold-out that the networks were not trained on: as planned, or as small as before; None: there is none.

    A series that has ended has no new steps: a larger hold-out would contain training data.
    """
    before = start.report.holdout
    trained_until = _before_the_end(start, before.validation_steps + before.test_steps)
    smaller = replace(
        held,
        validation_steps=min(held.validation_steps, before.validation_steps),
        test_steps=min(held.test_steps, before.test_steps),
    )
    until = np.array([trained_until.get(key, np.iinfo(np.int64).min) for key in panel.keys])  # [S]
    fitting = (split for split in (held, smaller) if (panel.ends - split.total >= until).all())
    found = next(fitting, None)
    return (
        found
        if found and bool(found.validation_steps) == bool(held.validation_steps) and found.test_steps >= held.horizon
        else None
    )
