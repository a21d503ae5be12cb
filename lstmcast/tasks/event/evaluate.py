"""Evaluation of event probabilities against outcomes and baselines."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from lstmcast.data.panel import Panel
from lstmcast.errors import DataError
from lstmcast.evaluation import classification
from lstmcast.evaluation.classification import reliability
from lstmcast.evaluation.skill import bootstrap_groups, skill
from lstmcast.forecasting.actuals import actuals_after, valid_origins
from lstmcast.results import LSTMCAST
from lstmcast.statistical.event_rates import event_baselines
from lstmcast.tasks.event.features import EventWindowDataset
from lstmcast.tasks.event.model import EventPipeline, sigmoid
from lstmcast.tasks.event.rule import weekly_season
from lstmcast.tasks.event.scores import EventScores, ReliabilityCurve
from lstmcast.types import Floats, Ints


@dataclass(frozen=True)
class EventOrigins:
    """B origins of a panel with at least one observed outcome each.

    Attributes:
        panel: the series.
        dataset: the panel as the networks read it, with its event labels.
        series: [B] indices of the series.
        origins: [B] last known steps, counted from the first step of the series.
        actual: [B, H] labels of the steps after the origins: 1, 0, or NaN where not observed.
    """

    panel: Panel
    dataset: EventWindowDataset
    series: Ints
    origins: Ints
    actual: Floats

    @classmethod
    def of(cls, panel: Panel, pipeline: EventPipeline, series: Ints, origins: Ints) -> EventOrigins:
        """Look up the outcomes and drop the origins without any.

        Raises:
            DataError: no origin is left.
        """
        dataset, horizon = pipeline.bind(panel), pipeline.window_spec.horizon
        labeled = replace(panel, values=dataset.labels)
        valid = valid_origins(labeled, series, origins, horizon)
        if not valid.any():
            raise DataError(f"{panel.source}: no outcome was observed in the steps held out; cut the file, or add data")
        series, origins = series[valid], origins[valid]
        return cls(panel, dataset, series, origins, actuals_after(labeled, series, origins, horizon))

    @property
    def positions(self) -> Ints:
        """[B] the origins, as positions on the calendar."""
        return self.panel.starts[self.series] + self.origins

    def logits(self, pipeline: EventPipeline) -> Floats:
        """Return the log-odds [B, H] of the networks, before the temperature."""
        return pipeline.logits(self.dataset, self.series, self.origins)

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
    panel, actual, horizon = where.panel, where.actual, where.actual.shape[1]
    baselines = event_baselines(panel.calendar.season, weekly_season(panel))
    first = panel.offsets[where.series]
    methods = {LSTMCAST: probabilities}
    methods |= {name: rule(where.dataset.labels, first, where.origins, horizon) for name, rule in baselines.items()}
    scores = {name: _scores(actual, values) for name, values in methods.items()}
    best = min(baselines, key=lambda name: scores[name]["brier"])
    error, baseline = (classification.brier(actual, methods[name]) for name in (LSTMCAST, best))
    result = skill(error, baseline, bootstrap_groups(where.series, where.origins, horizon), name=best)
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


def _error_reduction(error: float, baseline: float) -> float:
    """1 − error / baseline; NaN where the baseline was exact."""
    return 1 - error / baseline if baseline > 0 else float("nan")
