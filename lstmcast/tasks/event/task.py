"""The event task: the probability of an event at each of the next H steps; its plan, training and backtest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from lstmcast.calibration.temperature import temperature
from lstmcast.data.load import TargetParser, read
from lstmcast.data.panel import Panel
from lstmcast.data.schema import InferredSetting, ReadOptions, SettingKey
from lstmcast.data.targets import EVENT_PARSER
from lstmcast.errors import DataError
from lstmcast.evaluation.classification import log_loss
from lstmcast.evaluation.splits import HoldoutSplit, plan_holdout
from lstmcast.forecasting.evaluate import describe_holdout
from lstmcast.forecasting.model_comparison import Comparison
from lstmcast.forecasting.new_data import data_warnings, pinned_options
from lstmcast.forecasting.planning import make_plan
from lstmcast.forecasting.plans import NetworkPlan, horizon_of
from lstmcast.forecasting.split_data import OriginSet, SplitData, tail
from lstmcast.nn.heads import BernoulliHead
from lstmcast.preprocessing.panel_scaling import Preprocessing
from lstmcast.tasks.backtest import FitCall, RollingBacktest, train_before_origins
from lstmcast.tasks.base import BacktestOptions, Note, Task
from lstmcast.tasks.event.model import EventForecaster, EventHoldout, EventPipeline, EventReport
from lstmcast.tasks.event.rule import EventRule, EventWindowDataset, make_rule, n_features
from lstmcast.tasks.event.scores import (
    EventBacktest,
    EventEvaluation,
    EventOrigins,
    compare_events,
    evaluate_probabilities,
)
from lstmcast.tasks.model import NetworkModel
from lstmcast.tasks.pipeline import MAX_CHECKED_SERIES, FitOptions, HoldoutFit, NetworkTraining
from lstmcast.types import Array

if TYPE_CHECKING:
    from lstmcast.config import EventConfig

MAX_HORIZONS = 60  # horizons of validation, and of test, at most
MAX_ORIGINS_PER_SERIES = 400


@dataclass(frozen=True, kw_only=True)
class EventPlan(NetworkPlan):
    """The decisions of one training run.

    Attributes:
        split: training, validation and test data.
        variant: the preprocessing of the values.
        rule: the definition of the event.
        season_length: steps in the longest season: a week of hours, else the season of the panel.
    """

    split: SplitData = field(repr=False, compare=False)
    variant: Preprocessing
    rule: EventRule
    season_length: int

    @property
    def holdout(self) -> HoldoutSplit:
        """The numbers of validation and test steps, and the horizon H."""
        return self.split.holdout


def make_event_plan(panel: Panel, config: EventConfig) -> EventPlan:
    """Decide everything that the config leaves to `auto`, as for values forecast directly.

    Raises:
        ConfigError: the event refers to another column than the target.
        DataError: too little data, or all steps before the hold-out are yes, or all are no.
    """
    from lstmcast.config.expressions import parse_event

    holdout = plan_holdout(panel.lengths, horizon_of(panel, config), most=MAX_HORIZONS, each=MAX_ORIGINS_PER_SERIES)
    split = SplitData(panel, holdout)
    past = split.past
    requested = config.model.event
    rule = make_rule(parse_event(requested) if requested else None, panel, past)
    event = InferredSetting(SettingKey.EVENT, rule.text, _reason(rule, past))
    plan = make_plan(panel, config.as_values(), split=split)
    variant, head = plan.variants[0], BernoulliHead(holdout.horizon)
    return EventPlan(
        split=split,
        variant=variant,
        architecture=replace(plan.architecture, lags=n_features(variant.window_spec), head=head),
        recipe=replace(plan.recipe, loss=head.loss_name, winsorize=None),
        networks=plan.networks,
        refit=plan.refit,
        inferred=(event, *(setting for setting in plan.inferred if setting.key != SettingKey.WINDOW)),
        rule=rule,
        season_length=panel.calendar.week or panel.calendar.season,
    )


def _reason(rule: EventRule, past: Panel) -> str:
    """The event rate and the limit before the hold-out."""
    rate, limits = float(np.nanmean(rule.labels(past))), rule.series_limits(past)
    if rate in (0.0, 1.0):
        raise DataError(
            f"{past.source}: {rule.text!r} is {'always' if rate else 'never'} true in the {len(past.values):,} "
            "training steps, so there is nothing to predict; choose another limit (model.event)"
        )
    limit = f"p{rule.percentile} is {limits[0]:g}; " if rule.percentile and past.n_series == 1 else ""
    return f"{limit}event rate {rate:.1%} in the training steps"


@dataclass(frozen=True)
class EventTraining(NetworkTraining[EventPipeline, EventEvaluation, EventForecaster]):
    """One training run of an event."""

    plan: EventPlan
    panel: Panel
    config: EventConfig

    @classmethod
    def of(cls, panel: Panel, config: EventConfig) -> EventTraining:
        """Plan the training of a panel; see `make_event_plan` for the errors."""
        return cls(make_event_plan(panel, config), panel, config)

    def untrained(self, *, refit: bool) -> tuple[EventPipeline, EventWindowDataset]:
        """Return the scaled panel, or its part before the hold-out, and the pipeline with its scales."""
        panel = self.panel if refit else self.plan.split.past
        preprocessing, plan = self.plan.variant.fit(panel).preprocessing, self.plan
        pipeline = EventPipeline(preprocessing=preprocessing, rule=plan.rule, season_length=plan.season_length)
        return pipeline, pipeline.bind(panel)

    @cached_property
    def _validation(self) -> EventOrigins:
        return EventOrigins.of(self.plan.split.validation_origins.compact(), self.untrained(refit=False)[0])

    @cached_property
    def _test(self) -> EventOrigins:
        return EventOrigins.of(self.plan.split.test_origins, self.untrained(refit=False)[0])

    def validation_error(self, pipeline: EventPipeline) -> float:
        """Return the log loss of the probabilities at the validation origins."""
        validation = self._validation
        return float(log_loss(validation.actuals.ravel(), validation.probabilities(pipeline).ravel()))

    def calibrate(self, pipeline: EventPipeline) -> EventPipeline:
        """Fit the temperature to the validation origins."""
        return replace(pipeline, temperature=_temperature(pipeline, self._validation))

    def evaluate(self, holdout: HoldoutFit[EventPipeline]) -> EventEvaluation:
        """Score the probabilities at the test origins."""
        return evaluate_probabilities(self._test, self._test.probabilities(holdout.pipeline))

    def calibrate_final(self, pipeline: EventPipeline, holdout: EventPipeline) -> EventPipeline:
        """Fit the temperature to the validation and the test origins, by networks that have seen neither."""
        return replace(pipeline, temperature=_temperature(holdout, self._validation, self._test))

    def forward_inputs(self, pipeline: EventPipeline) -> Array:
        """Return the newest window of each of the first series."""
        series = np.arange(min(self.panel.n_series, MAX_CHECKED_SERIES))
        starts = self.panel.lengths[series] - pipeline.window_spec.context
        return pipeline.bind(self.panel.select(series)).inputs(series, starts)

    def model(
        self, pipeline: EventPipeline, holdout: HoldoutFit[EventPipeline], evaluation: EventEvaluation
    ) -> EventForecaster:
        """Assemble the forecaster."""
        test, split = self._test, self.plan.holdout
        return EventForecaster(
            pipeline=pipeline,
            context=tail(self.panel, pipeline.required_history),
            holdout=EventHoldout(test.series, test.positions, evaluation.probabilities, test.actuals),
            report=EventReport(
                **self.report_fields(self.panel, self.config, pipeline, holdout),
                evaluation=evaluation.summary,
                event=self.plan.rule.text,
                preprocessing=str(self.plan.variant),
                holdout=describe_holdout(split),
            ),
        )


def _temperature(pipeline: EventPipeline, *origin_sets: EventOrigins) -> float:
    """Fit the divisor of the log-odds; no offset is fitted, as recent event rates need not last."""
    logits = np.vstack([origins.logits(pipeline) for origins in origin_sets])
    actual = np.vstack([origins.actuals for origins in origin_sets])
    known = ~np.isnan(actual)
    of_yes = logits[known]
    return temperature(np.stack([np.zeros_like(of_yes), of_yes], axis=1), actual[known].astype(np.int64))


class EventBacktestPlan(RollingBacktest["EventConfig", EventForecaster, EventBacktest]):
    """A backtest of an event: one training, on the steps before the first origin of every series."""

    @property
    def fits(self) -> Sequence[FitCall[EventForecaster]]:
        """One training."""
        return [self._train]

    def _train(self, options: FitOptions) -> EventForecaster:
        return train_before_origins(lambda: EventTraining.of(self.past, self.config), options)

    def score(self, found: Sequence[EventForecaster], note: Note) -> EventBacktest:  # noqa: ARG002
        """Score the probabilities from all origins.

        Raises:
            DataError: no outcome was observed.
        """
        pipeline = found[0].pipeline
        where = EventOrigins.of(OriginSet(self.panel, *self.where, self.rolling.horizon), pipeline)
        return EventBacktest(
            panel=self.panel,
            rolling=self.rolling,
            event=pipeline.rule.text,
            where=where,
            evaluation=evaluate_probabilities(where, where.probabilities(pipeline)),
            n_excluded=self.n_excluded,
        )


class EventTask(Task["EventConfig", Panel, EventForecaster, EventBacktest]):
    """The calls of commands and jobs for an event; see `Task`."""

    name: ClassVar[str] = "event"
    model_type: ClassVar[type[NetworkModel]] = EventForecaster
    backtest_flags: ClassVar[tuple[str, ...]] = ("n_origins", "step_size")

    def read(self, data: Any, config: EventConfig) -> Panel:
        """Read a panel; without `model.event`, of yes and no."""
        return read(data, ReadOptions.of(config.data.model_dump()), _parser(config.model.event))

    def training(self, dataset: Panel, config: EventConfig) -> EventTraining:
        """Plan a training run."""
        return EventTraining.of(dataset, config)

    def compare(self, challenger: EventForecaster, incumbent: EventForecaster, panel: Panel) -> Comparison:
        """Compare Brier scores at the test origins of the challenger; see `compare_events`."""
        return compare_events(challenger, incumbent, panel)

    def read_new_data(
        self, model: EventForecaster, data: str, given: Mapping[str, Any] | None = None
    ) -> tuple[Panel, tuple[str, ...]]:
        """Read the columns and formats of training."""
        config = model.report.config
        options = pinned_options(model.context, config.read_options, given)
        panel = read(data, options, _parser(config.event))
        return panel, tuple(data_warnings(model.context, panel))

    def backtest_plan(self, dataset: Panel, config: EventConfig, options: BacktestOptions) -> EventBacktestPlan:
        """Place the origins of a backtest."""
        return EventBacktestPlan(**EventBacktestPlan.origins_of(dataset, config, options.n_origins, options.step_size))


def _parser(event: str | None) -> TargetParser | None:
    """The parser of the target column: yes and no, or numbers that an expression compares."""
    return EVENT_PARSER if event is None else None
