"""What `auto` becomes for an event: as for values that are said at once, with more held out, for a yes says less."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from lstmcast.config.expressions import parse_event
from lstmcast.data.panel import Panel
from lstmcast.data.schema import InferredSetting, SettingKey
from lstmcast.errors import DataError
from lstmcast.evaluation.splits import HoldoutSplit, plan_holdout
from lstmcast.forecasting.planning import PreprocessingVariant, TrainingPlan, horizon_of, make_plan, train_panel
from lstmcast.nn.heads import BernoulliHead
from lstmcast.tasks.event.features import features
from lstmcast.tasks.event.rule import EventRule, make_rule, weekly_season

if TYPE_CHECKING:
    from lstmcast.config import Config

HORIZONS = 60  # held out to stop, and to judge, at most
MAX_ORIGINS_PER_SERIES = 400  # origins of one series


@dataclass(frozen=True)
class EventPlan:
    """A training run, decided.

    Attributes:
        plan: as of values; its network says chances.
        rule: what is asked of each step.
        season: steps in the longest season: a week of hours, else the panel's.
    """

    plan: TrainingPlan
    rule: EventRule
    season: int

    @property
    def variant(self) -> PreprocessingVariant:
        """How the series are seen."""
        return self.plan.variants[0]

    @property
    def holdout(self) -> HoldoutSplit:
        """The steps that stop and calibrate, and those that judge."""
        return self.plan.holdout


def make_event_plan(panel: Panel, config: Config) -> EventPlan:
    """Decide everything.

    Raises:
        ConfigError: the event speaks of another column than the target.
        DataError: too little data, or what is learnt from is all yes or all no.
    """
    held = plan_holdout(panel.lengths, horizon_of(panel, config), most=HORIZONS, each=MAX_ORIGINS_PER_SERIES)
    past = train_panel(panel, held.total)
    requested = config.model.event
    rule = make_rule(parse_event(requested) if requested else None, panel, past)
    rate = _event_rate(rule, past)
    direct = config.model_copy(update={"model": config.model.model_copy(update={"strategy": "direct"})})
    plan = make_plan(panel, direct, held=held)
    head = BernoulliHead(held.horizon)
    inferred = (InferredSetting(SettingKey.EVENT, rule.text, _reason(rule, past, rate)), *plan.inferred)
    return EventPlan(
        replace(
            plan,
            variants=plan.variants[:1],
            architecture=replace(plan.architecture, lags=features(plan.variants[0].window_spec), head=head),
            recipe=replace(plan.recipe, loss=head.loss_name, winsorize=None),
            inferred=tuple(setting for setting in inferred if setting.key != SettingKey.WINDOW),
        ),
        rule,
        weekly_season(panel) or panel.calendar.season,
    )


def _event_rate(rule: EventRule, past: Panel) -> float:
    """Of yeses in what is learnt from."""
    rate = float(np.nanmean(rule.labels(past)))
    if rate in (0.0, 1.0):
        raise DataError(
            f"{past.source}: {rule.text!r} is {'always' if rate else 'never'} so in the {len(past.values):,} steps to "
            "learn from: there is nothing to tell apart; choose another limit (model.event)"
        )
    return rate


def _reason(rule: EventRule, past: Panel, rate: float) -> str:
    """How often it was so, and where the limit lies."""
    limits = rule.series_limits(past)
    where = f"p{rule.percentile} is {limits[0]:g}; " if rule.percentile and past.n_series == 1 else ""
    return f"{where}so in {rate:.1%} of the steps to learn from"
