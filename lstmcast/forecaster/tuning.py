"""Pretrained networks that learn on from the data at hand, as gently as any network that has learnt before.

They see the data as they always did: in their unit, their steps and their window. Where learning on makes their
forecasts of the stopping origins no better, they stay as they are; where nothing stops early, all learn on.
"""

from __future__ import annotations

from dataclasses import replace

from lstmcast.data.panel import Panel
from lstmcast.data.records import InferredSetting
from lstmcast.errors import ConfigError
from lstmcast.forecaster.plan import PreprocessingVariant, TrainingPlan
from lstmcast.forecaster.planning import train_panel
from lstmcast.forecaster.pretrained import load_pretrained_forecaster, select_pretrained
from lstmcast.forecaster.warm import WarmStart
from lstmcast.model.network import Architecture


def plan_fine_tuning(plan: TrainingPlan, panel: Panel) -> tuple[TrainingPlan, WarmStart]:
    """The plan as pretrained networks go on with it, and their weights.

    Args:
        plan: as made for the panel from the start; what it holds out, its horizon and its recipe stay.
        panel: the data.
    """
    past = train_panel(panel, plan.holdout.total)
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
        finding for finding in plan.findings if finding.name not in {"transform", "footing", "window", "beside"}
    )
    found = InferredSetting("start", "pretrained", f"networks of the class {select_pretrained(past).reason}")
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
        findings=(*kept, found),
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
