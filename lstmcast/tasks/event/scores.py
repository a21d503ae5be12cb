"""Scores of event probabilities against outcomes and baselines, and the result of a backtest."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from lstmcast.data.panel import Panel
from lstmcast.errors import DataError
from lstmcast.evaluation import classification
from lstmcast.evaluation.backtest_result import excluded_warnings
from lstmcast.evaluation.classification import reliability
from lstmcast.evaluation.metrics import mean_known
from lstmcast.evaluation.skill import bootstrap_groups, skill
from lstmcast.evaluation.splits import RollingOrigins
from lstmcast.forecasting.model_comparison import Comparison
from lstmcast.forecasting.split_data import OriginSet
from lstmcast.forecasts import named_steps, with_own_names
from lstmcast.plain import to_plain
from lstmcast.results import LSTMCAST
from lstmcast.statistical.event_rates import event_baselines
from lstmcast.tasks.event.model import EventForecaster, EventPipeline, EventScores, ReliabilityCurve, sigmoid
from lstmcast.tasks.event.rule import EventWindowDataset
from lstmcast.tasks.model import NetworkBacktest
from lstmcast.types import Floats

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class EventOrigins(OriginSet):
    """B origins with at least one observed outcome each; the values of their panel are event labels.

    Attributes:
        dataset: the panel as the networks read it.
    """

    dataset: EventWindowDataset

    @classmethod
    def of(cls, origins: OriginSet, pipeline: EventPipeline) -> EventOrigins:
        """Label the steps of a panel and drop the origins without outcomes.

        Raises:
            DataError: no origin is left.
        """
        dataset = pipeline.bind(origins.panel)
        valid = replace(origins, panel=replace(origins.panel, values=dataset.labels)).observed()
        if not len(valid):
            source = origins.panel.source
            raise DataError(f"{source}: no outcome was observed in the steps held out; cut the file, or add data")
        return cls(valid.panel, valid.series, valid.steps, valid.horizon, dataset)

    def logits(self, pipeline: EventPipeline) -> Floats:
        """Return the log-odds [B, H] of the networks, before the temperature."""
        return pipeline.logits(self.dataset, self.series, self.steps)

    def probabilities(self, pipeline: EventPipeline) -> Floats:
        """Return the probabilities [B, H] of the networks."""
        return sigmoid(self.logits(pipeline) / pipeline.temperature)


@dataclass(frozen=True)
class EventEvaluation:
    """Probabilities at B origins, and their scores.

    Attributes:
        probabilities: [B, H] of the networks.
        summary: the scores.
    """

    probabilities: Floats
    summary: EventScores


def evaluate_probabilities(where: EventOrigins, probabilities: Floats) -> EventEvaluation:
    """Compare probabilities [B, H] with the outcomes and with the baselines at the same origins."""
    panel, actual, horizon = where.panel, where.actuals, where.horizon
    baselines = event_baselines(panel.calendar.season, panel.calendar.week)
    first = panel.offsets[where.series]
    methods = {LSTMCAST: probabilities}
    methods |= {name: rule(panel.values, first, where.steps, horizon) for name, rule in baselines.items()}
    scores = {name: _scores(actual, values) for name, values in methods.items()}
    best = min(baselines, key=lambda name: scores[name]["brier"])
    error, baseline = (classification.brier(actual, methods[name]) for name in (LSTMCAST, best))
    result = skill(error, baseline, bootstrap_groups(where.series, where.steps, horizon), name=best)
    bins = reliability(actual, probabilities)
    summary = EventScores(
        scores=scores,
        skill=result,
        n_scored=len(actual),
        brier_by_step={
            name: tuple(classification.brier(actual.T, values.T).tolist()) for name, values in methods.items()
        },
        skills={name: _error_reduction(scores[LSTMCAST]["brier"], scores[name]["brier"]) for name in baselines},
        rate=float(np.nanmean(actual)),
        reliability=ReliabilityCurve(*(tuple(part.tolist()) for part in (bins.predicted, bins.observed, bins.counts))),
    )
    return EventEvaluation(probabilities, summary)


def _scores(actual: Floats, probabilities: Floats) -> dict[str, float]:
    """The scores of one method over all observed outcomes."""
    y, p = actual.ravel(), probabilities.ravel()
    return {
        "brier": float(classification.brier(y, p)),
        "log_loss": float(classification.log_loss(y, p)),
        "accuracy": float(classification.accuracy(y, p)),
        "calibration_error": reliability(y, p).error,
    }


def compare_events(challenger: EventForecaster, incumbent: EventForecaster, panel: Panel) -> Comparison:
    """Compare the Brier scores of two models at test origins of the challenger that the incumbent was not trained on.

    The probabilities of the challenger are those of its fit before the hold-out.

    Args:
        challenger: trained on the panel.
        incumbent: trained on earlier data.
        panel: the newest data.
    """
    held, trained_until = challenger.holdout, dict(zip(incumbent.context.keys, incumbent.context.ends, strict=True))
    until = np.array([trained_until.get(key, np.iinfo(np.int64).min) for key in panel.keys])[held.series]
    later = np.flatnonzero(held.positions >= until)
    series, steps = held.series[later], min(challenger.horizon, incumbent.horizon)
    origins, actual = held.positions[later] - panel.starts[series], held.actual[later, :steps]
    probabilities = incumbent.at(panel, series, origins)[:, :steps] if len(later) else np.empty((0, steps))
    ours, incumbent_errors = (
        classification.brier(actual, values) for values in (held.probabilities[later, :steps], probabilities)
    )
    groups = bootstrap_groups(series, origins, steps) if len(later) else series
    return Comparison(
        challenger=float(mean_known(ours)),
        incumbent=float(mean_known(incumbent_errors)),
        origins=len(later),
        skill=skill(ours, incumbent_errors, groups, name="incumbent"),
        unit="Brier score",
    )


def _error_reduction(error: float, baseline: float) -> float:
    """1 − error / baseline; NaN where the baseline was exact."""
    return 1 - error / baseline if baseline > 0 else float("nan")


@dataclass(frozen=True)
class EventBacktest(NetworkBacktest):
    """Forecasts of an event from rolling origins, and their scores.

    Attributes:
        panel: the series that were scored.
        rolling: N origins of each series.
        event: the definition of the event.
        where: the B origins with outcomes.
        evaluation: probabilities and scores at these.
        n_excluded: series too short for N origins.
    """

    panel: Panel
    rolling: RollingOrigins
    event: str
    where: EventOrigins
    evaluation: EventEvaluation
    n_excluded: int

    @property
    def warnings(self) -> tuple[str, ...]:
        """Series that were not scored."""
        return excluded_warnings(self.n_excluded)

    def to_frame(self) -> pd.DataFrame:
        """The scores, one row each: `method, scope, key, metric, value`; the keys of scope `step` are steps ahead."""
        by_step = self.evaluation.summary.brier_by_step.items()
        return self.scores_frame(
            (name, "step", str(step), "brier", value) for name, row in by_step for step, value in enumerate(row, 1)
        )

    def forecasts(self) -> pd.DataFrame:
        """One row a forecast step: series key, time, `origin`, `step`, `actual` and `probability`."""
        import pandas as pd

        panel, where, (count, horizon) = self.panel, self.where, self.where.actuals.shape
        steps = np.arange(1, horizon + 1)
        named = named_steps(
            panel.calendar,
            where.positions[:, None] + steps,
            time=panel.columns.time or "row",
            names=panel.key_columns,
            keys=[panel.keys[k] for k in where.series.tolist()],
        )
        columns: dict[str, object] = {
            "origin": panel.calendar.text(np.repeat(where.positions, horizon)),
            "step": np.tile(steps, count),
            "actual": where.actuals.ravel(),
            "probability": self.evaluation.probabilities.ravel(),
        }
        return pd.DataFrame(with_own_names(named, columns))

    def to_dict(self) -> dict[str, Any]:
        """The scores as JSON values."""
        return {
            "source": self.panel.source,
            "event": self.event,
            "series": self.panel.n_series,
            "left_out": self.n_excluded,
            "origins": self.rolling.n_origins,
            "step": self.rolling.step_size,
            "horizon": self.rolling.horizon,
            **to_plain(self.evaluation.summary),
        }
